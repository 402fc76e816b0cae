//! The random job trees of `tests/it/random.rs` under many interleavings of threads: which, and why so, is in
//! `docs/decisions/012-interleavings.md`.
//!
//! `TEAMWORK_SCRIPTS=100000 cargo test -p teamwork --lib --release interleavings` plays so many, `TEAMWORK_SEED=17` that one.

mod mail;
pub(super) mod sync;
pub(super) mod threads;

#[path = "../../tests/it/random/build.rs"]
mod build;
#[path = "../../tests/it/random/plan.rs"]
mod plan;
#[path = "../../tests/it/random/play.rs"]
mod play;
#[path = "../../tests/it/random/verdict.rs"]
mod verdict;

use tokio::sync::oneshot;

use self::{
    plan::Pace,
    play::{Act, play},
};
use super::model::seeds;

const SCRIPTS: u64 = 2_000;

/// On a task of its own.
fn beside(act: Act) -> Act {
    let (done, is_done) = oneshot::channel();
    super::sync::spawn(async move {
        act.await;
        done.send(())
    });
    Box::pin(async move {
        let _ = is_done.await;
    })
}

#[test]
fn random_jobs_keep_the_rules_in_any_interleaving() {
    let pace = Pace {
        deadline: 320,
        finalizers_hang: true,
    };
    for seed in seeds(SCRIPTS) {
        threads::run(seed, play(seed, pace, beside));
    }
}
