//! What is said of a scenario: a table with a line for each contestant, and rows with targets.

use std::fmt;

use anyhow::{Result, anyhow};

use super::{
    contestants::Contestant,
    corpora::AVIF,
    suite::{Seen, mean},
};
use crate::rows::{Better, Figure, Row, Target};

/// Of the processor time of the best peer.
const CPU_RATIO_MAX: f64 = 0.8;

/// Points of SSIMULACRA2 that a peer may be ahead.
const POINTS_BEHIND_MAX: f64 = 1.0;

/// A peer that takes more bytes than this for its quality is not what ours is held against.
const SAME_SIZE: f64 = 1.05;

/// Of the size of libvips. Encoded alike, sizes differ by a percent, as what is encoded does.
const SIZE_RATIO_MAX: f64 = 1.02;

/// Whose sizes and memory ours are held against.
const LIBVIPS: &str = Contestant::VipsThumbnail.name();

/// One scenario.
pub(super) struct Report<'a> {
    name: String,
    seen: &'a [Seen],
}

impl<'a> Report<'a> {
    pub(super) fn new(name: String, seen: &'a [Seen]) -> Self {
        Self { name, seen }
    }

    /// Rows, with targets but for AVIF: its decoder has no assembly, and those of all peers are hardly anything else. None if ours
    /// has failed.
    pub(super) fn rows(&self) -> Vec<Row> {
        let rows = [
            self.row("cpu", "ms", Seen::cpu),
            self.rate(),
            self.row("peak", "MB", Seen::peak),
            self.row("size", "kB", Seen::size),
            self.quality(),
        ];
        let targets = [
            Some(Target::RatioToBestOf("", CPU_RATIO_MAX)),
            None,
            self.to_libvips(1.0),
            self.to_libvips(SIZE_RATIO_MAX),
            Some(Target::Below(POINTS_BEHIND_MAX)),
        ];
        let has_target = !self.name.starts_with(AVIF);
        let targets = targets.map(|target| target.filter(|_| has_target));
        let rows = rows.into_iter().zip(targets);
        rows.filter_map(|(row, target)| Some(Row { target, ..row? }))
            .filter(|row| row.target.is_none() || !row.peers.is_empty())
            .collect()
    }

    /// A target that cannot be judged is none.
    fn to_libvips(&self, ratio: f64) -> Option<Target> {
        let mut finished = self.finished();
        let is_there = finished.any(|seen| seen.contestant.name() == LIBVIPS);
        is_there.then_some(Target::RatioTo(LIBVIPS, ratio))
    }

    /// None without a figure of ours.
    fn row(&self, what: &str, unit: &'static str, figure: fn(&Seen) -> Figure) -> Option<Row> {
        let mut finished = self.finished();
        let ours = finished
            .next()
            .filter(|seen| seen.contestant == Contestant::Imaging)?;
        Some(Row {
            name: format!("{} {what}", self.name),
            unit,
            better: Better::Lower,
            ours: figure(ours),
            peers: finished.map(figure).collect(),
            target: None,
        })
    }

    fn rate(&self) -> Option<Row> {
        let row = self.row("rate", "img/s", Seen::rate)?;
        let better = Better::Higher;
        Some(Row { better, ..row })
    }

    /// Beside the peers whose thumbnails are not larger.
    fn quality(&self) -> Option<Row> {
        let mut row = self.row("quality", "pts", Seen::quality)?;
        let ours = self.finished().next()?.bytes;
        let larger = self.finished().filter(|seen| seen.bytes > ours * SAME_SIZE);
        let larger: Vec<_> = larger.map(|seen| seen.contestant.name()).collect();
        row.peers.retain(|peer| !larger.contains(&&*peer.name));
        row.better = Better::Higher;
        Some(row)
    }

    /// Fails if ours has: no row would say so.
    pub(super) fn check_ours(&self) -> Result<()> {
        let failed = self.seen.iter().find_map(|seen| {
            let failed = seen.failed.as_ref()?;
            (seen.contestant == Contestant::Imaging).then_some(failed)
        });
        failed.map_or(Ok(()), |why| {
            Err(anyhow!("our engine at {}: {why}", self.name))
        })
    }

    /// Those that have not failed.
    fn finished(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter().filter(|seen| seen.failed.is_none())
    }
}

impl Seen {
    fn figure(&self, values: &[f64]) -> Figure {
        Figure::of(self.contestant.name(), values.to_vec())
    }

    fn cpu(&self) -> Figure {
        self.figure(&self.cpu_ms)
    }

    fn rate(&self) -> Figure {
        self.figure(&self.images_per_s)
    }

    fn peak(&self) -> Figure {
        self.figure(&[self.peak_bytes as f64 / 1e6])
    }

    fn size(&self) -> Figure {
        self.figure(&[self.bytes / 1e3])
    }

    fn quality(&self) -> Figure {
        self.figure(&[mean(&self.scores)])
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:16}{:>9} {:>6}{:>9}{:>9}{:>9}{:>9}{:>8}",
            self.name, "cpu ms", "±", "images/s", "peak MB", "kB", "quality", "worst"
        )?;
        for seen in self.seen {
            let name = seen.contestant.name();
            if let Some(why) = &seen.failed {
                writeln!(f, "  {name:14} failed: {why}")?;
                continue;
            }
            let cpu = seen.cpu();
            let [rate, peak, size, quality] =
                [seen.rate(), seen.peak(), seen.size(), seen.quality()].map(|figure| figure.median);
            let worst = seen.scores.iter().copied().fold(f64::INFINITY, f64::min);
            writeln!(
                f,
                "  {name:14}{:>9.1} {:>6.1}{rate:>9.1}{peak:>9.1}{size:>9.1}{quality:>9.1}{worst:>8.1}",
                cpu.median, cpu.spread
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(contestant: Contestant, cpu: f64, bytes: f64, score: f64) -> Seen {
        Seen {
            contestant,
            cpu_ms: vec![cpu],
            images_per_s: vec![1e3 / cpu],
            peak_bytes: 30_000_000,
            bytes,
            scores: vec![score - 1.0, score + 1.0],
            failed: None,
        }
    }

    fn judged(seen: &[Seen]) -> Vec<(String, bool)> {
        let rows = Report::new("jpeg-2mp-256/1".to_owned(), seen).rows();
        let rows = rows.iter().filter(|row| row.target.is_some());
        rows.map(|row| (row.name[15..].to_owned(), row.is_ok()))
            .collect()
    }

    fn check(seen: &[Seen], expected: [(&str, bool); 4]) {
        assert_eq!(
            judged(seen),
            expected.map(|(name, ok)| (name.to_owned(), ok))
        );
    }

    #[test]
    fn ours_is_held_against_the_best_and_against_libvips() {
        use Contestant::{Imaging, Sharp, VipsThumbnail};
        let peers = |ours| {
            [
                ours,
                seen(VipsThumbnail, 10.0, 1000.0, 80.0),
                seen(Sharp, 9.0, 2000.0, 90.0),
            ]
        };
        let [cpu, peak, size, quality] = ["cpu", "peak", "size", "quality"];
        // Sharp is better but takes more bytes, so that it is no measure of quality.
        check(
            &peers(seen(Imaging, 7.2, 1020.0, 79.0)),
            [(cpu, true), (peak, true), (size, true), (quality, true)],
        );
        check(
            &peers(seen(Imaging, 7.3, 1021.0, 78.9)),
            [(cpu, false), (peak, true), (size, false), (quality, false)],
        );
    }

    #[test]
    fn avif_is_shown_beside_its_peers_and_not_judged() {
        let seen = [
            seen(Contestant::Imaging, 100.0, 1.0, 80.0),
            seen(Contestant::VipsThumbnail, 10.0, 1.0, 80.0),
        ];
        let rows = Report::new("avif-2mp-256/1".to_owned(), &seen).rows();
        assert_eq!(rows.len(), 5);
        assert!(rows.iter().all(|row| row.target.is_none() && row.is_ok()));
    }

    #[test]
    fn who_fails_is_said_and_not_compared() {
        let mut failed = seen(Contestant::Gm, 1.0, 1.0, 100.0);
        failed.failed = Some("no answer".to_owned());
        let ours = seen(Contestant::Imaging, 7.0, 1.0, 80.0);
        let both = [ours, failed];
        assert_eq!(judged(&both), []);
        let report = Report::new("row".to_owned(), &both);
        assert!(report.check_ours().is_ok());
        let said = report.to_string();
        assert!(said.contains("gm             failed: no answer"), "{said}");
        let [_, mut failed] = both;
        failed.contestant = Contestant::Imaging;
        let ours_failed = [failed];
        assert!(
            Report::new(String::new(), &ours_failed)
                .check_ours()
                .is_err()
        );
    }
}
