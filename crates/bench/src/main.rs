//! Every performance figure the project states, beside its peers.
//!
//! `cargo run --release -p bench -- codecs [--quick] [PHOTOS]`

mod codecs;
mod rounds;

use std::path::PathBuf;

use anyhow::{Result, bail};

#[expect(
    clippy::print_stdout,
    reason = "the tables are what the program is for"
)]
fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let mut words = arguments
        .iter()
        .filter(|argument| !argument.starts_with("--"));
    match words.next().map(String::as_str) {
        Some("codecs") => {
            let photos = words
                .next()
                .map_or_else(|| PathBuf::from("samples"), PathBuf::from);
            print!("{}", codecs::run(&photos, quick)?);
            Ok(())
        }
        _ => bail!("name a suite: codecs"),
    }
}
