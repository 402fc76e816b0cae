//! Random scripts for the [`Machine`](super::machine::Machine), against the invariants at its head.
//!
//! A [`World`] is a small driver without futures: it decides by a seed what every task does and when, hands the machine what
//! happened, does what the machine says, and checks each action as it comes. [`wind_down`](World::wind_down) then lets the
//! job end in one of several ways and looks at what is left.
//!
//! `TEAMWORK_SCRIPTS=100000` runs so many scripts. A failure prints its seed and its script; `TEAMWORK_SEED=17` runs that one.

mod oracle;
mod tasks;
mod world;

use std::{env, ops::Range, str::FromStr};

use world::World;

const SCRIPTS: u64 = 20_000;

fn number<T: FromStr>(variable: &str) -> Option<T> {
    env::var(variable).ok()?.parse().ok()
}

fn play(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..world.length() {
        world.step();
    }
    world.wind_down();
}

/// The seeds to play.
pub(super) fn seeds(scripts: u64) -> Range<u64> {
    if let Some(seed) = number("TEAMWORK_SEED") {
        return seed..seed + 1;
    }
    let first = number("TEAMWORK_FIRST_SEED").unwrap_or_else(|| fastrand::u64(..u64::MAX / 2));
    let scripts = number("TEAMWORK_SCRIPTS").unwrap_or(scripts);
    println!("{scripts} scripts from seed {first}");
    first..first + scripts
}

#[test]
fn random_scripts_keep_the_invariants() {
    seeds(SCRIPTS).for_each(play);
}
