//! What the program prints, and its exit status.

use std::fs;
use std::process::Output;

use tokio::process::Command;

async fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
    command.env_remove("RUST_LOG").kill_on_drop(true);
    command.args(arguments).output().await.unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, stdout: &[&str], stderr: &str) {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {out}\nstderr: {err}"
    );
    for line in stdout {
        assert!(out.contains(line), "no `{line}` in stdout: {out}");
    }
    assert!(err.contains(stderr), "stderr: {err}");
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
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "",
        "nothing to complain about"
    );
}

#[tokio::test]
async fn photos_of_ones_own_are_resized_once_into_the_directory_given() {
    let place = photos("cup.jpg", None);
    let [input, out] = paths(&place);
    let output = run(&[&input, &out, "--size", "50x50"]).await;
    check(&output, 0, &["client: resized 1 of 1 images in "], "");
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
