//! The program as its user meets it: what it prints, and its exit status.

use std::process::Stdio;

use imaging::{Options, Output, SETTINGS, Size};
use resize::Address;
use testkit::images::{cut_short, gradient_jpeg};
use testkit::programs::{FullPipe, Program, Said, closed_pipe, output};
use tokio::process::Command;

use crate::place::{Place, jpeg};
use crate::server::{Reply, Server};

fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resize"));
    command.env_remove("RUST_LOG");
    command
        .arg(place.input())
        .arg(place.output())
        .args(arguments);
    command
}

async fn run(place: &Place, arguments: &[&str]) -> Said {
    output(&mut command(place, arguments)).await
}

#[track_caller]
fn check(said: &Said, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(said.code, code, "{said:?}");
    assert!(said.stdout.contains(stdout), "stdout: {}", said.stdout);
    assert!(said.stderr.contains(stderr), "stderr: {}", said.stderr);
}

#[tokio::test]
async fn all_good_is_0_and_prints_a_summary() {
    let place = Place::with([("a.jpg", gradient_jpeg(90, 90))]);
    let output = run(&place, &["--size", "64x64"]).await;
    check(&output, 0, "resized 1 of 1 image in ", "");
    assert_eq!(output.stderr, "", "nothing to complain about");
    assert_eq!(place.results(), ["a-64x64.jpg"]);
}

#[tokio::test]
async fn a_bad_file_is_1_and_is_named_with_what_to_do() {
    let place = Place::with([
        ("a.jpg", gradient_jpeg(90, 90)),
        ("b.jpg", jpeg("and nothing else")),
    ]);
    let output = run(&place, &["--size", "64x64"]).await;
    check(
        &output,
        1,
        "resized 1 of 2 images",
        "b.jpg: cannot resize the image: ",
    );
    check(
        &output,
        1,
        "failed: 1",
        "; check that the file opens in an image viewer",
    );
}

#[tokio::test]
async fn wrong_arguments_are_2_and_are_explained() {
    let place = Place::with_images(1);
    check(
        &run(&place, &["--size", "64x64", "--sise", "1x1"]).await,
        2,
        "",
        "unexpected argument '--sise'",
    );
    check(&run(&place, &[]).await, 2, "", "--size <WxH>");
    check(
        &run(&place, &["--size", "64x64", "--dry-run"]).await,
        2,
        "",
        "--via <HOST:PORT>",
    );
}

#[tokio::test]
async fn a_wish_that_cannot_be_met_is_2_and_says_what_can() {
    let place = Place::with_images(1);
    for (wish, expected) in [
        ("--fit=cover", "must be fit, fill, exact or pad"),
        ("--format=gif", "must be same, jpeg, png, webp"),
        ("--background=white", "must be a colour as rrggbb"),
        ("--quality=101", "must be a whole number from 1 to 100"),
        ("--metadata=some", "must be none, copyright or all"),
        (
            "--gravity=north",
            "error: --gravity has no effect unless fit is fill or pad",
        ),
    ] {
        let output = run(&place, &["--size", "64x64", wish]).await;
        check(&output, 2, "", expected);
    }
    assert!(!place.output().exists(), "nothing was begun");
}

#[tokio::test]
async fn help_shows_how_and_names_every_wish() {
    let output = run(&Place::with_images(0), &["--help"]).await;
    check(
        &output,
        0,
        "resize PHOTOS SQUARES --size 96x96 --fit fill",
        "",
    );
    let help = output.stdout;
    for setting in SETTINGS {
        let flag = format!("--{}", setting.name);
        assert!(help.contains(&flag), "{flag}: {help}");
    }
    assert!(help.contains("[default: fit]"), "{help}");
}

#[tokio::test]
async fn the_help_says_the_quality_that_is_taken() {
    let help = run(&Place::with_images(0), &["--help"]).await.stdout;
    let (_, said) = help.split_once("[default: 82 for JPEG, ").unwrap();
    let (webp, _) = said.split_once(" for WebP]").unwrap();
    let photo = gradient_jpeg(90, 60);
    for (format, quality) in [(Output::Jpeg, 82), (Output::WebP, webp.parse().unwrap())] {
        let made = |quality| {
            let options = Options {
                output: format,
                quality,
                ..Options::new(Size::new(64, 64))
            };
            imaging::resize(&photo, &options).unwrap().bytes
        };
        assert_eq!(made(None), made(Some(quality)), "{format}");
        assert_ne!(made(None), made(Some(quality + 2)), "{format}");
    }
}

#[tokio::test]
async fn a_missing_input_directory_is_2_and_is_named() {
    let place = Place::with_images(1);
    std::fs::remove_dir_all(place.input()).unwrap();
    let output = run(&place, &["--size", "64x64"]).await;
    let expected = format!(
        "error: INPUT_DIR {} is not a directory that can be read: No such file",
        place.input().display()
    );
    check(&output, 2, "", &expected);
}

#[tokio::test]
async fn a_directory_without_images_says_so() {
    let place = Place::with([("notes.txt", b"nothing to see".to_vec())]);
    let output = run(&place, &["--size", "64x64"]).await;
    check(&output, 0, "no image found in ", "");
    check(&output, 0, "passed over: 1 file that is no image", "");
}

/// Not even root may save there.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_in_which_nothing_can_be_saved_is_said_once_and_before_any_work() {
    let place = Place::with_images(3);
    let mut command = Command::new(env!("CARGO_BIN_EXE_resize"));
    command
        .arg(place.input())
        .args(["/proc", "--size", "64x64"]);
    let said = output(&mut command).await;
    let expected = "error: nothing can be saved in OUTPUT_DIR /proc: ";
    check(&said, 1, "resized 0 of 0 images", expected);
    assert!(!said.stderr.contains(".jpg"), "{}", said.stderr);
}

#[tokio::test]
async fn nobody_at_the_address_is_1_and_says_what_to_check() {
    let place = Place::with_images(1);
    let server = Server::new(|_| Reply::Echo).await;
    let address = server.address();
    drop(server);
    let output = run(&place, &["--size", "64x64", "--via", address.as_str()]).await;
    check(
        &output,
        1,
        "resized 0 of 1 image",
        &format!(
            "error: 4 connections to {address} in a row brought no answer, the last: connect to"
        ),
    );
    check(
        &output,
        1,
        "",
        "check that --via names a balancer or a resizer, and that it is running",
    );
}

#[tokio::test]
async fn images_go_over_the_wire_and_the_servers_are_named() {
    let place = Place::with_images(10);
    let server = Server::new(|_| Reply::Echo).await;
    let address = server.address();
    let output = server
        .during(run(&place, &["--size", "64x64", "--via", address.as_str()]))
        .await;
    check(&output, 0, "resized 10 of 10 images", "");
    check(&output, 0, "served by: echo 10", "");
}

#[cfg(unix)]
#[tokio::test]
async fn a_first_interrupt_saves_what_is_in_flight_and_is_130() {
    let place = Place::with_images(30);
    let server = Server::new(|_| Reply::EchoWhenReleased).await;
    let mut program = interruptible(&place, &server.address());
    let run = async {
        server.received(2).await;
        interrupt(&mut program).await;
        server.release();
        program.rest().await
    };
    let (out, code) = server.during(run).await;
    assert!(out.contains("resized 2 of "), "{out}");
    assert!(out.contains("interrupted\n  not done: "), "{out}");
    assert_eq!(code, Some(130));
    assert_eq!(place.results().len(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_second_interrupt_leaves_no_partial_file_and_is_130() {
    let place = Place::with_images(30);
    let server = Server::new(|_| Reply::EchoWhenReleased).await;
    let mut program = interruptible(&place, &server.address());
    let run = async {
        server.received(2).await;
        interrupt(&mut program).await;
        program.signal("INT").await;
        program.rest().await
    };
    let (out, code) = server.during(run).await;
    assert!(out.contains("resized 0 of "), "{out}");
    assert_eq!(code, Some(130));
    assert_eq!(place.results(), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn what_a_killed_program_was_saving_is_removed_by_the_next_run() {
    let place = Place::with([("a.jpg", gradient_jpeg(900, 900))]);
    // The system kills a process that writes more than so many blocks to a file: outright, and always at the same place.
    let limited = "ulimit -f 2 && exec \"$0\" \"$@\"";
    let mut killed = Command::new("sh");
    killed
        .args(["-c", limited, env!("CARGO_BIN_EXE_resize")])
        .args([place.input(), place.output()])
        .args(["--size", "800x800"]);
    let said = output(&mut killed).await;
    assert_eq!(said.code, -1, "{said:?}");
    let left = place.results();
    assert!(
        left.len() == 1 && left[0].starts_with(".resize-"),
        "{left:?}"
    );
    let said = run(&place, &["--size", "800x800"]).await;
    check(&said, 0, "resized 1 of 1 image in ", "");
    assert_eq!(place.results(), ["a-800x800.jpg"]);
}

/// A run over two connections, to be interrupted.
#[cfg(unix)]
fn interruptible(place: &Place, address: &Address) -> Program {
    let arguments = [
        "--size",
        "64x64",
        "--via",
        address.as_str(),
        "--min-connections",
        "2",
        "--max-connections",
        "2",
    ];
    Program::start(command(place, &arguments).stdout(Stdio::piped()))
}

/// Sends the signal of Ctrl-C, and waits until the program says so.
#[cfg(unix)]
async fn interrupt(program: &mut Program) {
    program.signal("INT").await;
    program
        .line("finishing the images that are in flight; interrupt again to leave them")
        .await;
}

/// It is resized, with a warning in the log.
fn damaged() -> Vec<u8> {
    cut_short(&gradient_jpeg(400, 200))
}

#[tokio::test]
async fn a_log_that_nobody_reads_keeps_no_image_from_being_resized() {
    let full = FullPipe::new();
    for stderr in [closed_pipe(), full.stdio()] {
        let images = [("a.jpg", damaged()), ("b.jpg", gradient_jpeg(90, 90))];
        let place = Place::with(images.into_iter().chain([("c.jpg", jpeg("broken"))]));
        let mut command = command(&place, &["--size", "64x64"]);
        let mut program = Program::start_silent(command.stdout(Stdio::piped()).stderr(stderr));
        let (out, code) = program.rest().await;
        assert!(out.contains("resized 2 of 3 images"), "{out}");
        assert_eq!(code, Some(1), "one has failed, read or not");
        assert_eq!(place.results(), ["a-64x64.jpg", "b-64x64.jpg"]);
    }
}

/// It has nothing left to do but to print its report, on a pipe that is full.
#[tokio::test]
async fn a_signal_ends_the_wait_for_the_reader_of_the_report() {
    let full = FullPipe::new();
    let place = Place::with([("a.jpg", jpeg("broken"))]);
    let mut command = command(&place, &["--size", "64x64"]);
    let mut program = Program::start(command.stdout(full.stdio()));
    program.line("a.jpg: cannot resize the image").await;
    program.signal("TERM").await;
    assert_eq!(program.exit().await, Some(130));
}

#[tokio::test]
async fn a_warning_comes_before_the_failures_that_are_listed_at_the_end() {
    let place = Place::with([("a.jpg", jpeg("broken")), ("b.jpg", damaged())]);
    let said = run(&place, &["--size", "64x64"]).await;
    let [warning, failure] = ["b.jpg: ", "a.jpg: "].map(|name| said.stderr.find(name));
    assert!(warning.is_some() && warning < failure, "{}", said.stderr);
}
