//! Random jobs through the real driver: jobs in jobs, spawned and inline, stopped, grown and dropped at any moment.
//!
//! What their tasks note is held against the rules by [`verdict`]. `TEAMWORK_SCRIPTS=100000` runs so many scripts. A failure
//! prints its seed and its script; `TEAMWORK_SEED=17` runs that one.
//!
//! The library's own tests play the same scripts under many interleavings of threads: `src/engine/interleavings.rs`.

mod build;
mod plan;
mod play;
mod verdict;

use std::{env, ops::Range, str::FromStr};

use futures_util::{StreamExt, stream::iter};

use self::{
    plan::Pace,
    play::{Act, play},
};

fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}

/// The seeds to play.
fn seeds(scripts: u64) -> Range<u64> {
    if let Some(seed) = number("TEAMWORK_SEED") {
        return seed..seed + 1;
    }
    let first = number("TEAMWORK_FIRST_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let scripts = number("TEAMWORK_SCRIPTS").unwrap_or(scripts);
    println!("{scripts} scripts from seed {first}");
    first..first + scripts
}

/// On the same task as the job: only the library spawns any.
fn beside(act: Act) -> Act {
    act
}

#[tokio::test(start_paused = true)]
async fn random_jobs_keep_the_rules() {
    let pace = Pace {
        deadline: 320,
        finalizers_hang: true,
    };
    for seed in seeds(1_000) {
        play(seed, pace, beside).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_jobs_keep_the_rules_on_several_threads() {
    // Time is real here, and nobody is to be late because the machine is busy.
    let pace = Pace {
        deadline: 16_000,
        finalizers_hang: false,
    };
    let scripts = iter(seeds(100)).map(|seed| play(seed, pace, beside));
    scripts.buffer_unordered(50).collect::<()>().await;
}
