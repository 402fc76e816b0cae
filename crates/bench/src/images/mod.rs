//! Thumbnails beside libvips, sharp, Pillow and GraphicsMagick: processor time, rate, memory, size and quality.
//!
//! Each contestant is a process that lives through a scenario and is told batches of files, so that starting it is not
//! counted; command-line tools are started for each batch, which is in their figures: some milliseconds for each image. All read the same files and write the same formats at the same
//! quality: fitted into a box with Lanczos3, without metadata. On two cores each works on two images at a time with one
//! thread for each, which is how a server would have it.
//!
//! With the feature `avif` there are AVIF photos as well, of which JPEG thumbnails are made. They have no targets: their tables say
//! where we stand (`docs/decisions/005-image-formats.md`).

mod contestants;
mod corpora;
mod protocol;
mod quality;
mod reference;
mod report;
mod running;
mod suite;
mod worker;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

pub(crate) use self::worker::{Tool, serve};
use self::{
    contestants::{Contestant, EVERYBODY, Installed},
    corpora::Corpus,
    quality::Scorer,
    suite::{FULL, QUICK, Scale, Scenario, Suite},
};
use crate::rows::Rows;

/// What to measure.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// Where the script has put peers and photos.
    pub(crate) folder: &'a Path,
    /// How the names of scenarios begin; none are all.
    pub(crate) only: &'a [String],
    /// How the names of peers begin; none are all.
    pub(crate) contestants: &'a [String],
    pub(crate) rounds: Option<usize>,
    pub(crate) quick: bool,
}

/// The boxes that thumbnails fit into.
const SIDES: [u32; 2] = [256, 1024];

impl Scenario {
    /// A quick run keeps to one core, and makes large thumbnails only of what is most common. The samples are smaller than
    /// the larger box.
    fn is_for(&self, quick: bool) -> bool {
        let is_large = self.side == SIDES[1];
        let is_jpeg = self.corpus.extension() == "jpg";
        let is_sample = self.corpus.name.ends_with("samples");
        !(quick && (self.cores > 1 || is_large && !is_jpeg) || is_sample && is_large)
    }
}

/// Measures everything that is wanted, and prints tables as it goes.
pub(crate) fn run(wanted: &Wanted<'_>, out: &mut dyn Write) -> Result<Rows> {
    let installed = Installed::new(wanted.folder);
    let contestants = present(&installed, wanted.contestants, out)?;
    let photos: PathBuf = wanted.folder.join("corpora");
    if !photos.is_dir() {
        let script = "crates/bench/scripts/images.sh makes larger ones";
        writeln!(
            out,
            "no {}: measuring on samples; {script}",
            photos.display()
        )?;
    }
    if !cfg!(feature = "avif") {
        writeln!(
            out,
            "avif           left out: not built with the feature avif"
        )?;
    }
    let scenarios = scenarios(&corpora::read(&photos, wanted.quick)?, wanted);
    ensure!(!scenarios.is_empty(), "no scenario is called like that");
    let usual = if wanted.quick { QUICK } else { FULL };
    let mut suite = Suite {
        installed,
        contestants,
        scale: Scale {
            rounds: wanted.rounds.unwrap_or(usual.rounds),
            ..usual
        },
        scorer: Scorer::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("start a runtime")?;
    let rows = runtime.block_on(suite.measure_all(&scenarios, out))?;
    Ok(Rows(rows))
}

/// Those that are wanted and there; says which version each is of, and why others are missing.
fn present(
    installed: &Installed,
    names: &[String],
    out: &mut dyn Write,
) -> Result<Vec<Contestant>> {
    let mut present = Vec::new();
    for one in EVERYBODY.into_iter().filter(|one| one.is_wanted(names)) {
        match installed.version(one) {
            Ok(version) => {
                writeln!(out, "{:14} {version}", one.name())?;
                present.push(one);
            }
            Err(error) => writeln!(out, "{:14} skipped: {error:#}", one.name())?,
        }
    }
    Ok(present)
}

/// One core first, then two.
fn scenarios(corpora: &[Corpus], wanted: &Wanted<'_>) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for cores in 1..=2 {
        for corpus in corpora {
            scenarios.extend(SIDES.map(|side| Scenario {
                corpus: corpus.clone(),
                side,
                cores,
            }));
        }
    }
    let is_wanted = |name: &str| {
        wanted.only.is_empty()
            || wanted
                .only
                .iter()
                .any(|only| name.starts_with(only.as_str()))
    };
    scenarios.retain(|scenario| scenario.is_for(wanted.quick) && is_wanted(&scenario.name()));
    scenarios
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(corpora: &[&str], only: &[&str], quick: bool) -> Vec<String> {
        let corpora: Vec<_> = corpora
            .iter()
            .map(|name| Corpus {
                name: name.to_string(),
                photos: Vec::new(),
            })
            .collect();
        let only: Vec<_> = only.iter().map(ToString::to_string).collect();
        let wanted = Wanted {
            folder: Path::new("."),
            only: &only,
            contestants: &[],
            rounds: None,
            quick,
        };
        let scenarios = scenarios(&corpora, &wanted);
        scenarios.iter().map(Scenario::name).collect()
    }

    #[test]
    fn scenarios_are_chosen_by_how_their_names_begin() {
        assert_eq!(names(&["a", "b"], &[], false).len(), 8);
        assert_eq!(names(&["a", "b"], &["b-2"], false), ["b-256/1", "b-256/2"]);
        assert_eq!(names(&["a", "b"], &["a"], true), ["a-256/1", "a-1024/1"]);
        assert_eq!(names(&["png-2mp"], &[], true), ["png-2mp-256/1"]);
        assert_eq!(names(&["a-samples"], &[], true), ["a-samples-256/1"]);
    }
}
