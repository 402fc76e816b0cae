//! Rounds: every contestant makes the same thumbnails, one after the other, then the next round.

use std::{
    fs,
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use super::{
    contestants::{Contestant, Installed},
    corpora::Corpus,
    protocol::Batch,
    quality::Scorer,
    report::Report,
    running::{Spent, Worker},
};
use crate::rows::Row;

/// How often.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) rounds: usize,
    /// How often each photo is in a batch, so that what a tool needs to start counts little.
    pub(super) copies: usize,
}

pub(super) const FULL: Scale = Scale {
    rounds: 5,
    copies: 2,
};

pub(super) const QUICK: Scale = Scale {
    rounds: 3,
    copies: 3,
};

/// What is measured at a time: thumbnails of one size from one corpus, on so many cores.
#[derive(Debug, Clone)]
pub(super) struct Scenario {
    pub(super) corpus: Corpus,
    pub(super) side: u32,
    pub(super) cores: usize,
}

impl Scenario {
    pub(super) fn name(&self) -> String {
        let Self {
            corpus,
            side,
            cores,
        } = self;
        format!("{}-{side}/{cores}", corpus.name)
    }
}

/// What was measured of one contestant.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) contestant: Contestant,
    /// Per image, in milliseconds of processor time.
    pub(super) cpu_ms: Vec<f64>,
    pub(super) images_per_s: Vec<f64>,
    pub(super) peak_bytes: u64,
    /// Mean size of a thumbnail, and how close thumbnails are to the reference.
    pub(super) bytes: f64,
    pub(super) scores: Vec<f64>,
    /// Why there is no more: a contestant that fails drops out of the scenario.
    pub(super) failed: Option<String>,
}

/// Who is measured, and with what.
pub(super) struct Suite {
    pub(super) installed: Installed,
    pub(super) contestants: Vec<Contestant>,
    pub(super) scale: Scale,
    pub(super) scorer: Scorer,
}

/// One contestant in one scenario.
struct Lane {
    worker: Option<Worker>,
    batch: Batch,
    seen: Seen,
}

impl Suite {
    /// Measures these scenarios, and prints their tables as it goes.
    pub(super) async fn measure_all(
        &mut self,
        scenarios: &[Scenario],
        out: &mut dyn Write,
    ) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for scenario in scenarios {
            let seen = self.measure(scenario).await?;
            let report = Report::new(scenario.name(), &seen);
            write!(out, "{report}")?;
            out.flush()?;
            report.check_ours()?;
            rows.extend(report.rows());
        }
        Ok(rows)
    }

    async fn measure(&mut self, scenario: &Scenario) -> Result<Vec<Seen>> {
        let folder = tempfile::tempdir().context("make a folder for thumbnails")?;
        let sources = link(&scenario.corpus, folder.path(), self.scale.copies)?;
        let mut lanes: Vec<Lane> = Vec::new();
        for &contestant in &self.contestants {
            let targets = folder.path().join(contestant.name());
            fs::create_dir(&targets).context("make a folder for thumbnails")?;
            let batch = batch(scenario, &sources, &targets);
            lanes.push(Lane::start(
                &self.installed,
                contestant,
                scenario.cores,
                batch,
            ));
        }
        for lane in &mut lanes {
            lane.warm_up(scenario.corpus.photos.len()).await;
        }
        for round in 0..self.scale.rounds {
            for turn in 0..lanes.len() {
                let index = (turn + round) % lanes.len();
                lanes[index].round().await;
            }
        }
        for lane in &mut lanes {
            self.look_at(lane, &scenario.corpus);
        }
        Ok(lanes.into_iter().map(|lane| lane.seen).collect())
    }

    /// Sizes and scores of the thumbnails of each photo.
    fn look_at(&mut self, lane: &mut Lane, corpus: &Corpus) {
        if lane.seen.failed.is_some() {
            return;
        }
        let targets = lane.batch.files.iter().map(|(_, target)| target);
        let mut sizes = Vec::new();
        for (photo, target) in corpus.photos.iter().zip(targets) {
            let looked = fs::metadata(target).context("find its thumbnail");
            let looked =
                looked.and_then(|file| Ok((file.len(), self.scorer.score(photo, target)?)));
            match looked {
                Ok((size, score)) => {
                    sizes.push(size as f64);
                    lane.seen.scores.push(score);
                }
                Err(error) => lane.seen.failed = Some(format!("{error:#}")),
            }
        }
        lane.seen.bytes = mean(&sizes);
    }
}

impl Lane {
    fn start(installed: &Installed, contestant: Contestant, cores: usize, batch: Batch) -> Self {
        let (worker, failed) = match Worker::start(installed, contestant, cores) {
            Ok(worker) => (Some(worker), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        let seen = Seen {
            contestant,
            cpu_ms: Vec::new(),
            images_per_s: Vec::new(),
            peak_bytes: 0,
            bytes: f64::NAN,
            scores: Vec::new(),
            failed,
        };
        Self {
            worker,
            batch,
            seen,
        }
    }

    /// Caches of files and of code warm up with so many files; this is not counted.
    async fn warm_up(&mut self, files: usize) {
        let mut batch = self.batch.clone();
        batch.files.truncate(files);
        self.run(&batch).await;
    }

    async fn round(&mut self) {
        let batch = self.batch.clone();
        if let Some(spent) = self.run(&batch).await {
            self.seen.note(spent, batch.files.len());
        }
    }

    async fn run(&mut self, batch: &Batch) -> Option<Spent> {
        let worker = self.worker.as_mut()?;
        match worker.run(batch).await {
            Ok(spent) => {
                self.seen.peak_bytes = worker.peak_bytes();
                Some(spent)
            }
            Err(error) => {
                self.seen.failed = Some(format!("{error:#}"));
                self.worker = None;
                None
            }
        }
    }
}

impl Seen {
    fn note(&mut self, spent: Spent, images: usize) {
        let images = images as f64;
        self.cpu_ms.push(spent.cpu.as_secs_f64() * 1e3 / images);
        self.images_per_s.push(images / spent.elapsed.as_secs_f64());
    }
}

/// Names for each photo, as many as there are copies: all photos, then all again. Tools that name thumbnails by their sources
/// give each its own.
fn link(corpus: &Corpus, folder: &Path, copies: usize) -> Result<Vec<PathBuf>> {
    let mut links = Vec::new();
    for copy in 0..copies {
        for (index, photo) in corpus.photos.iter().enumerate() {
            let link = folder.join(format!("{copy}-{index}.{}", corpus.extension()));
            symlink(photo, &link).with_context(|| format!("link {}", photo.display()))?;
            links.push(link);
        }
    }
    Ok(links)
}

fn batch(scenario: &Scenario, sources: &[PathBuf], targets: &Path) -> Batch {
    let file = |source: &PathBuf| {
        let target = targets.join(source.file_name().unwrap_or_default());
        (
            source.clone(),
            target.with_extension(scenario.corpus.made()),
        )
    };
    Batch {
        side: scenario.side,
        quality: scenario.corpus.quality(),
        files: sources.iter().map(file).collect(),
    }
}

pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(corpus: &str) -> Scenario {
        let photos = vec!["/photos/a.png".into(), "/photos/b.png".into()];
        Scenario {
            corpus: Corpus {
                name: corpus.to_owned(),
                photos,
            },
            side: 256,
            cores: 2,
        }
    }

    #[test]
    fn every_copy_has_a_name_and_a_thumbnail_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let sources = link(&scenario("png-2mp").corpus, folder.path(), 2).unwrap();
        for (corpus, extension) in [("png-2mp", "png"), ("avif-2mp", "jpg")] {
            let batch = batch(&scenario(corpus), &sources, Path::new("/made"));
            let targets: Vec<_> = batch.files.iter().map(|file| file.1.to_str()).collect();
            let names = ["0-0", "0-1", "1-0", "1-1"];
            let expected = names.map(|name| format!("/made/{name}.{extension}"));
            let expected: Vec<_> = expected.iter().map(|name| Some(name.as_str())).collect();
            assert_eq!(targets, expected);
        }
        assert_eq!(
            fs::read_link(&sources[3]).unwrap(),
            Path::new("/photos/b.png")
        );
    }

    #[test]
    fn a_scenario_is_called_by_corpus_side_and_cores() {
        assert_eq!(scenario("png-2mp").name(), "png-2mp-256/2");
    }
}
