//! Every performance figure the project states, beside its peers.

mod balancer;
mod codecs;
mod layouts;
mod library;
mod rounds;
mod rows;

use std::{io::Write, path::PathBuf, process::ExitCode};

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
#[derive(Debug, Parser)]
#[command(verbatim_doc_comment)]
struct Arguments {
    /// What to measure.
    #[arg(required_unless_present_any = ["parked", "balancer_load"])]
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
    #[command(flatten)]
    balancer: balancer::Options,
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
        Some(Suite::Layouts) => report(&layouts::rows(arguments.quick)?, &arguments),
        Some(Suite::Library) | None => report(&library::run(arguments.quick)?, &arguments),
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
