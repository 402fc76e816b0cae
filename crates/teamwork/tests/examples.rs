//! The course in `examples/`: every program ends by itself, says what its head promises, and is short enough to be read at once.
//!
//! `cargo test` builds the examples; when this test is run alone, `cargo build --examples` has to come first.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use teamwork::{Context, Job, Result, ensure};
use tokio::process::Command;

/// How long a program of the course may be.
const LINES_MAX: usize = 60;

/// How long one may take on a busy machine, before it is killed.
const TIME_MAX: Duration = Duration::from_secs(60);

/// What begins the line that says what a program prints.
const PROMISE: &str = "//! Prints: `";

/// Where cargo puts the examples: `target/…/examples`, beside the `deps` that this test is in.
fn built(name: &str) -> PathBuf {
    let deps = env::current_exe().unwrap();
    let profile = deps.parent().unwrap().parent().unwrap();
    profile
        .join("examples")
        .join(name)
        .with_extension(env::consts::EXE_EXTENSION)
}

/// Runs one program, and holds what it says against the head of its source.
async fn check(source: &Path) -> Result {
    let text = fs::read_to_string(source)?;
    let lines = text.lines().count();
    ensure!(
        lines <= LINES_MAX,
        "it has {lines} lines; {LINES_MAX} are enough"
    );
    let program = built(source.file_stem().unwrap().to_str().unwrap());
    let is_stale = !program.exists()
        || fs::metadata(&program)?.modified()? < fs::metadata(source)?.modified()?;
    ensure!(!is_stale, "run `cargo build --examples` first");
    let mut run = Command::new(program);
    let ran = run.env("RUST_BACKTRACE", "0").kill_on_drop(true).output();
    let ran = ran.await?;
    let said = String::from_utf8_lossy(&ran.stdout);
    let erred = String::from_utf8_lossy(&ran.stderr);
    ensure!(ran.status.success(), "{}: {said}\n{erred}", ran.status);
    let promised: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(PROMISE)?.strip_suffix('`'))
        .collect();
    ensure!(
        !promised.is_empty(),
        "its head does not say what it prints: {PROMISE}…`"
    );
    for words in promised {
        ensure!(said.contains(words), "it does not print {words:?}:\n{said}");
    }
    Ok(())
}

#[tokio::test]
async fn every_example_does_what_its_head_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut course = Job::new("course");
    for entry in fs::read_dir(folder).unwrap() {
        let source = entry.unwrap().path();
        let name = source.file_name().unwrap().to_str().unwrap().to_owned();
        course
            .add_fn(name, async move |_: &Context| check(&source).await)
            .timeout(TIME_MAX);
    }
    let report = course
        .run()
        .await
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(report.tasks().count() >= 10, "{report}");
}
