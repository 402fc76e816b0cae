//! What the program prints, and its exit status.

use std::fs;
use std::process::Stdio;

use testkit::images::{cut_short, gradient_jpeg};
use testkit::programs::{FullPipe, Program, Said, closed_pipe, output};
use tokio::process::Command;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.env_remove("RUST_LOG").args(arguments);
    command
}

async fn run(arguments: &[&str]) -> Said {
    output(&mut command(arguments)).await
}

#[track_caller]
fn check(said: &Said, code: i32, stdout: &[&str], stderr: &str) {
    assert_eq!(said.code, code, "{said:?}");
    for line in stdout {
        assert!(said.stdout.contains(line), "no `{line}` in {}", said.stdout);
    }
    assert!(said.stderr.contains(stderr), "stderr: {}", said.stderr);
}

/// A directory with one sample photo, or with something else.
fn photos(name: &str, content: Option<&[u8]>) -> tempfile::TempDir {
    let place = tempfile::tempdir().unwrap();
    let photo = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/coffee.jpg"
    ));
    fs::create_dir(place.path().join("in")).unwrap();
    let content = content.map_or_else(|| photo.unwrap(), <[u8]>::to_vec);
    fs::write(place.path().join("in").join(name), content).unwrap();
    place
}

fn paths(place: &tempfile::TempDir) -> [String; 2] {
    ["in", "out"].map(|name| place.path().join(name).to_str().unwrap().to_owned())
}

#[tokio::test]
async fn without_arguments_it_resizes_the_samples_and_tells_who_did_what() {
    let output = run(&[]).await;
    let lines = [
        "resizer r1 listens on 127.0.0.1:",
        "demo done in ",
        "├─ resizer r1 done in ",
        "├─ balancer done in ",
        "client: resized 64 of 64 images in ",
        "served by: r1 ",
        "the results are in ",
    ];
    check(&output, 0, &lines, "");
    assert_eq!(output.stderr, "", "nothing to complain about");
}

#[tokio::test]
async fn photos_of_ones_own_are_resized_once_into_the_directory_given() {
    let place = photos("cup.jpg", None);
    let [input, out] = paths(&place);
    let output = run(&[&input, &out, "--size", "50x50"]).await;
    check(&output, 0, &["client: resized 1 of 1 image in "], "");
    assert!(place.path().join("out/cup-50x50.jpg").is_file());
}

#[tokio::test]
async fn a_bad_photo_is_1_and_is_named() {
    let place = photos("bad.jpg", Some(b"\xff\xd8\xff and nothing else"));
    let [input, out] = paths(&place);
    check(&run(&[&input, &out]).await, 1, &["failed: 1"], "bad.jpg: ");
}

#[tokio::test]
async fn a_wrong_directory_or_option_is_2_and_says_what_is_wrong() {
    let place = photos("cup.jpg", None);
    let [input, out] = paths(&place);
    for (arguments, says) in [
        (
            &["/nowhere", &*out][..],
            "INPUT_DIR /nowhere is not a directory that can be read",
        ),
        (&[&*input, &*input], "choose another output directory"),
        (&[&*input], "<OUTPUT_DIR>"),
        (&[&*input, &*out, "--size", "big"], "--size"),
        (&["--sise", "1x1"], "--sise"),
    ] {
        check(&run(arguments).await, 2, &[], says);
    }
}

#[tokio::test]
async fn a_log_that_nobody_reads_keeps_no_photo_from_being_resized() {
    let full = FullPipe::new();
    for stderr in [closed_pipe(), full.stdio()] {
        // The log says that it is damaged.
        let place = photos("damaged.jpg", Some(&cut_short(&gradient_jpeg(400, 200))));
        let [input, out] = paths(&place);
        let mut command = command(&[&input, &out]);
        let mut program = Program::start_silent(command.stdout(Stdio::piped()).stderr(stderr));
        let (said, code) = program.rest().await;
        assert!(said.contains("client: resized 1 of 1 image"), "{said}");
        assert_eq!(code, Some(0));
    }
}
