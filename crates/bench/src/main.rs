//! Every performance figure the project states, beside its peers.

mod balancer;
mod codecs;
mod images;
mod layouts;
mod library;
mod rounds;
mod rows;

use std::{io::Write, num::NonZero, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};

use crate::{
    library::{Workers, memory::Parked},
    rows::Rows,
};

/// The allocator of all our programs; the peers have it here, too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures a suite beside its peers, in one run: rounds are repeated and interleaved, medians are printed with their spread.
///
/// Examples:
///   cargo run --release -p bench -- library --quick
///   cargo run --release -p bench -- codecs --photos samples
///   cargo run --release -p bench -- balancer --quick --only connect-close --contestants haproxy/1,balancer
///   cargo run --release -p bench -- images --quick --only jpeg --contestants vips,sharp
#[derive(Debug, Parser)]
#[command(verbatim_doc_comment)]
struct Arguments {
    /// What to measure.
    #[arg(required_unless_present_any = ["parked", "balancer_load", "images_worker"])]
    suite: Option<Suite>,
    /// Fewer rounds and smaller numbers; ends within 60 seconds.
    #[arg(long)]
    quick: bool,
    /// Writes the rows to this file as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exits with 1 if a row misses its target.
    #[arg(long)]
    check: bool,
    /// The photos that `codecs` measures on.
    #[arg(long, value_name = "DIR", default_value = "samples")]
    photos: PathBuf,
    /// Parks many tasks of one kind and prints the memory they take; the library suite calls itself with this.
    #[arg(long, hide = true)]
    parked: Option<Parked>,
    /// Parks them on two workers.
    #[arg(long, hide = true)]
    two_workers: bool,
    /// Is the load generator, with upstreams for so many contestants; the balancer suite calls itself with this.
    #[arg(long, hide = true)]
    balancer_load: Option<usize>,
    /// Makes thumbnails as it is told on standard input; the images suite calls itself with this.
    #[arg(long, hide = true)]
    images_worker: Option<images::Tool>,
    /// Works on so many images at a time.
    #[arg(long, hide = true, default_value = "1")]
    at_a_time: NonZero<usize>,
    /// Where crates/bench/scripts/images.sh has put the peers and photos of `images`.
    #[arg(
        long,
        value_name = "DIR",
        env = "BENCH_IMAGES",
        default_value = "target/bench-images"
    )]
    images: PathBuf,
    #[command(flatten)]
    balancer: balancer::Options,
}

impl Arguments {
    fn images_wanted(&self) -> images::Wanted<'_> {
        images::Wanted {
            folder: &self.images,
            only: &self.balancer.only,
            contestants: &self.balancer.contestants,
            rounds: self.balancer.rounds,
            quick: self.quick,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Suite {
    /// The job engine beside `JoinSet`, bare spawns and code written by hand.
    Library,
    /// Sketches of engine layouts beside each other.
    Layouts,
    /// Image codecs beside each other; prints a table for each question.
    Codecs,
    /// The balancer beside HAProxy and nginx; prints a table for each scenario.
    Balancer,
    /// Thumbnails beside libvips, sharp, Pillow and `GraphicsMagick`; prints a table for each kind and size.
    Images,
}

#[expect(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if let Some(parked) = arguments.parked {
        let workers = if arguments.two_workers {
            Workers::Two
        } else {
            Workers::Current
        };
        println!("{}", parked.bytes_each(workers)?);
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(contestants) = arguments.balancer_load {
        balancer::load(contestants, |greeting| {
            println!("{}", serde_json::json!(greeting));
        })?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(tool) = arguments.images_worker {
        images::serve(tool, arguments.at_a_time, &mut std::io::stdout())?;
        return Ok(ExitCode::SUCCESS);
    }
    match arguments.suite {
        Some(Suite::Codecs) => {
            let tables = codecs::run(&arguments.photos, arguments.quick)?;
            tables.iter().for_each(|table| print!("{table}"));
            let rows = Rows(tables.iter().flat_map(codecs::Table::rows).collect());
            finish(&rows, &arguments)
        }
        Some(Suite::Balancer) => {
            let options = &arguments.balancer;
            let rows = balancer::run(options, arguments.quick, &mut std::io::stdout())?;
            println!();
            rows.judged().for_each(|row| println!("{row}"));
            finish(&rows, &arguments)
        }
        Some(Suite::Images) => {
            let rows = images::run(&arguments.images_wanted(), &mut std::io::stdout())?;
            println!();
            rows.judged().for_each(|row| println!("{row}"));
            finish(&rows, &arguments)
        }
        Some(Suite::Layouts) => report(&layouts::rows(arguments.quick)?, &arguments),
        Some(Suite::Library) | None => {
            let rows = library::run(
                arguments.quick,
                &arguments.balancer.only,
                &mut std::io::stderr(),
            )?;
            report(&rows, &arguments)
        }
    }
}

/// Prints the rows, then finishes with them.
fn report(rows: &Rows, arguments: &Arguments) -> Result<ExitCode> {
    write!(std::io::stdout(), "{rows}").context("print the rows")?;
    finish(rows, arguments)
}

/// Writes the rows if asked to, and judges them if asked to.
fn finish(rows: &Rows, arguments: &Arguments) -> Result<ExitCode> {
    if let Some(file) = &arguments.json {
        let json = serde_json::to_string_pretty(&rows.to_json())?;
        std::fs::write(file, json).with_context(|| format!("write {}", file.display()))?;
    }
    let missed = arguments.check && !rows.all_ok();
    Ok(if missed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
