//! Plots of the figures: bars for each scenario, and lines for the one with more and more sessions.

mod svg;

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};

pub(crate) use self::svg::{Bar, Bars, Lines};
use super::report::Report;

/// What is plotted, by the names of the files.
#[derive(Debug, Default)]
pub(crate) struct Plots {
    bars: BTreeMap<String, Bars>,
    lines: BTreeMap<String, Lines>,
}

impl Plots {
    /// Adds the figures of a scenario.
    pub(crate) fn add(&mut self, report: &Report<'_>) {
        for (file, bars) in report.bars() {
            match report.sessions() {
                None => drop(self.bars.insert(file, bars)),
                Some(sessions) => self.extend_lines(&file, &bars, sessions),
            }
        }
    }

    /// Adds a point to each line of a plot whose name is that of the bars, but for the number.
    fn extend_lines(&mut self, file: &str, bars: &Bars, sessions: usize) {
        let number = format!("-{sessions}");
        let plot = self
            .lines
            .entry(file.replace(&number, ""))
            .or_insert_with(|| Lines {
                title: bars.title.replace(&number, ""),
                unit: bars.unit,
                lines: Vec::new(),
            });
        for bar in &bars.bars {
            let point = (sessions as f64, bar.value);
            match plot.lines.iter_mut().find(|(name, _)| *name == bar.name) {
                Some((_, points)) => points.push(point),
                None => plot.lines.push((bar.name.clone(), vec![point])),
            }
        }
    }

    /// Writes all of it to a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).context("make the folder of the plots")?;
        let bars = self.bars.iter().map(|(file, plot)| (file, plot.to_svg()));
        let lines = self.lines.iter().map(|(file, plot)| (file, plot.to_svg()));
        for (file, svg) in bars.chain(lines) {
            let path = folder.join(format!("{file}.svg"));
            std::fs::write(&path, svg).with_context(|| format!("write {}", path.display()))?;
        }
        Ok(())
    }
}
