//! Goroutines of an errgroup beside tasks of a job, where Go is installed.
//!
//! Debian has it in `golang` and `golang-golang-x-sync-dev`; crates/bench/scripts/go.sh installs them.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::{Contender, Workers, contender};

/// Where Debian puts the sources of Go packages.
const PACKAGES: &str = "/usr/share/gocode";

/// The program of the peers, built.
pub(super) struct Goroutines {
    folder: TempDir,
}

/// What to measure, and on how many goroutines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Measure {
    Spawn(usize),
    Cancel(usize),
    Memory(usize),
}

impl Goroutines {
    /// Builds it.
    ///
    /// # Errors
    ///
    /// If there is no Go here, or no errgroup.
    pub(super) fn build() -> Result<Self> {
        let folder = tempfile::tempdir().context("make a folder for a Go program")?;
        let goroutines = Self { folder };
        let source = goroutines.path("goroutines.go");
        std::fs::write(&source, include_str!("goroutines.go"))
            .with_context(|| format!("write {}", source.display()))?;
        let output = Command::new("go")
            .args(["build", "-o"])
            .args([&goroutines.program(), &source])
            .env("GO111MODULE", "off")
            .env("GOPATH", PACKAGES)
            .env("GOCACHE", goroutines.path("cache"))
            .output()
            .context("start go")?;
        ensure!(
            output.status.success(),
            "go build: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(goroutines)
    }

    /// The peer of a row; each figure is taken in a process of its own, which warms up by itself.
    pub(super) fn contender(&self, measure: Measure, workers: Workers) -> Contender<'_> {
        contender("errgroup (Go)", move || {
            self.measure(measure, workers).unwrap_or(f64::NAN)
        })
    }

    fn measure(&self, measure: Measure, workers: Workers) -> Result<f64> {
        let (name, count) = match measure {
            Measure::Spawn(count) => ("spawn", count),
            Measure::Cancel(count) => ("cancel", count),
            Measure::Memory(count) => ("memory", count),
        };
        let threads = match workers {
            Workers::Current => "1",
            Workers::Two => "2",
        };
        let output = Command::new(self.program())
            .args([name, &count.to_string()])
            .env("GOMAXPROCS", threads)
            .output()
            .context("start the Go program")?;
        ensure!(
            output.status.success(),
            "goroutines {name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }

    fn program(&self) -> PathBuf {
        self.path("goroutines")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
