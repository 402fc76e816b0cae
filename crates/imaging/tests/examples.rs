//! The course in `examples/`: every program ends by itself, prints what its head promises, and is short enough to be read at once.
//!
//! `cargo test` builds the examples; when this test is run alone, `cargo build --examples` has to come first.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// How long a program of the course may be.
const LINES_MAX: usize = 60;

/// What begins the line that says what a program prints.
const PROMISE: &str = "//! Prints: `";

/// Where cargo puts the examples: `target/…/examples`, beside the `deps` that this test is in.
fn built(source: &Path) -> PathBuf {
    let deps = env::current_exe().unwrap();
    let profile = deps.parent().unwrap().parent().unwrap();
    profile
        .join("examples")
        .join(source.file_stem().unwrap())
        .with_extension(env::consts::EXE_EXTENSION)
}

/// Runs one program, and holds what it prints against the head of its source.
fn check(source: &Path) {
    let name = source.display();
    let text = fs::read_to_string(source).unwrap();
    assert!(text.lines().count() <= LINES_MAX, "{name} is too long");
    let program = built(source);
    let modified = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
    assert!(
        modified(&program) >= modified(source),
        "run `cargo build --examples` first"
    );
    let ran = Command::new(program).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{name}: {ran:?}");
    let promised: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(PROMISE)?.strip_suffix('`'))
        .collect();
    assert!(
        !promised.is_empty(),
        "{name} does not say what it prints: {PROMISE}…`"
    );
    for words in promised {
        assert!(
            said.contains(words),
            "{name} does not print {words:?}:\n{said}"
        );
    }
}

#[test]
fn every_example_does_what_its_head_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let sources = fs::read_dir(folder).unwrap();
    let sources = sources.map(|entry| entry.unwrap().path());
    // The others are tools, which want arguments.
    let is_lesson = |source: &PathBuf| {
        let name = source.file_name().unwrap().as_encoded_bytes();
        name[0].is_ascii_digit()
    };
    let course: Vec<_> = sources.filter(is_lesson).collect();
    assert!(course.len() >= 8, "{course:?}");
    course.iter().for_each(|source| check(source));
}
