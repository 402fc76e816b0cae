//! Runs in this process, with the real engine.

use std::fs;

use imaging::{Enlarge, Gravity, Mode, Options, Output};
use resize::Summary;
use teamwork::{Failure, Outcome, Report};
use testkit::images::{cut_short, gradient_jpeg, gradient_png};

use crate::place::Place;

async fn run(config: &resize::Config) -> (Result<Report, Failure>, Summary) {
    let (job, tally) = resize::resize(config);
    let ended = job.run().await;
    (ended, tally.summary())
}

fn size_of(image: &[u8]) -> (u32, u32) {
    let header = imaging::inspect(image, &imaging::Limits::default()).unwrap();
    (header.width, header.height)
}

fn a_hundred_images() -> Place {
    let image = gradient_jpeg(100, 100);
    Place::with((0..100).map(|number| (format!("{number}.jpg"), image.clone())))
}

#[tokio::test]
async fn results_are_as_they_were_wished_for() {
    let place = Place::with([
        ("a.jpg", gradient_jpeg(400, 200)),
        ("a.png", gradient_png(100, 200)),
        ("small.png", gradient_png(10, 20)),
    ]);
    let mut config = place.local();
    config.options = Options {
        mode: Mode::Pad(Gravity::South),
        enlarge: Enlarge::Allowed,
        output: Output::Jpeg,
        ..config.options
    };
    let (ended, summary) = run(&config).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!((summary.done, summary.failed), (3, 0));
    // Both become JPEG, so that their stems alone would be the same name.
    let results = place.results();
    let expected = ["a.jpg-64x64.jpg", "a.png-64x64.jpg", "small-64x64.jpg"];
    assert_eq!(results, expected);
    for name in &results {
        assert_eq!(size_of(&place.result(name)), (64, 64), "{name}");
    }
    let wanted = imaging::resize(&gradient_png(100, 200), &config.options).unwrap();
    assert_eq!(place.result("a.png-64x64.jpg"), wanted.bytes);
}

#[tokio::test]
async fn a_side_can_be_left_open() {
    let place = Place::with([("wide.jpg", gradient_jpeg(400, 200))]);
    let mut config = place.local();
    config.options.bounds = imaging::Bounds::of_width(100);
    let (ended, _) = run(&config).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!(place.results(), ["wide-100x.jpg"]);
    assert_eq!(size_of(&place.result("wide-100x.jpg")), (100, 50));
}

#[tokio::test]
async fn a_tree_of_images_is_resized_and_mirrored() {
    let place = Place::with([
        ("wide.jpg", gradient_jpeg(400, 200)),
        ("trips/tall.png", gradient_png(100, 200)),
        ("trips/north/a JPEG by content.png", gradient_jpeg(128, 128)),
        ("trips/north/small", gradient_jpeg(20, 10)),
        ("notes.txt", b"not an image".to_vec()),
    ]);
    let (ended, summary) = run(&place.local()).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!(
        (summary.done, summary.failed, summary.other_files),
        (4, 0, 1)
    );
    assert!(summary.is_scanned);
    let results = place.results();
    let expected = [
        "trips/north/a JPEG by content-64x64.jpg",
        "trips/north/small-64x64.jpg",
        "trips/tall-64x64.png",
        "wide-64x64.jpg",
    ];
    assert_eq!(results, expected);
    let sizes: Vec<_> = results
        .iter()
        .map(|name| size_of(&place.result(name)))
        .collect();
    assert_eq!(sizes, [(64, 64), (20, 10), (32, 64), (64, 32)]);
    let bytes: usize = results.iter().map(|name| place.result(name).len()).sum();
    assert_eq!(summary.bytes_out, bytes as u64);
}

#[tokio::test]
async fn a_damaged_image_is_listed_and_the_others_are_saved() {
    let mut damaged = gradient_jpeg(400, 200);
    damaged.truncate(damaged.len() / 2);
    let place = Place::with([
        ("a.jpg", gradient_jpeg(9, 9)),
        ("b.jpg", damaged),
        ("c.png", gradient_png(9, 9)),
    ]);
    let (ended, summary) = run(&place.local()).await;
    assert_eq!(
        ended.unwrap().outcome(),
        Outcome::Done,
        "a bad file does not fail the run"
    );
    assert_eq!((summary.done, summary.failed), (2, 1));
    let failure = summary.failures[0].to_string();
    assert!(
        failure.starts_with("b.jpg: cannot resize the image: "),
        "{failure}"
    );
    assert!(failure.contains("; check that the file opens"), "{failure}");
    assert_eq!(place.results(), ["a-64x64.jpg", "c-64x64.png"]);
}

#[tokio::test]
async fn an_image_that_was_cut_and_given_an_end_is_saved_and_counted() {
    let cut = cut_short(&gradient_jpeg(400, 200));
    let place = Place::with([("a.jpg", gradient_jpeg(90, 90)), ("b.jpg", cut)]);
    let (ended, summary) = run(&place.local()).await;
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    assert_eq!((summary.done, summary.damaged, summary.failed), (2, 1, 0));
    assert_eq!(place.results(), ["a-64x64.jpg", "b-64x64.jpg"]);
}

#[tokio::test]
async fn a_second_run_replaces_the_results_and_removes_what_a_killed_one_left() {
    let place = Place::with([("a.jpg", gradient_jpeg(90, 90))]);
    run(&place.local()).await.0.unwrap();
    fs::write(place.output().join("a-64x64.jpg"), b"old").unwrap();
    fs::write(place.output().join(".resize-a1b2c3.tmp"), b"half").unwrap();
    run(&place.local()).await.0.unwrap();
    assert_eq!(place.results(), ["a-64x64.jpg"]);
    assert_eq!(size_of(&place.result("a-64x64.jpg")), (64, 64));
}

#[tokio::test]
async fn results_in_the_input_directory_are_not_resized_again() {
    let place = Place::with([("a.jpg", gradient_jpeg(90, 90))]);
    let output = place.input().join("thumbs");
    let config = || resize::Config::new(&place.input(), &output, "64x64".parse().unwrap()).unwrap();
    for _ in 0..2 {
        assert_eq!(run(&config()).await.1.files, 1);
    }
    assert!(output.join("a-64x64.jpg").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn a_result_that_cannot_be_saved_is_listed() {
    let place = Place::with([
        ("a.jpg", gradient_jpeg(9, 9)),
        ("b/c.jpg", gradient_jpeg(9, 9)),
    ]);
    fs::create_dir(place.output()).unwrap();
    fs::write(
        place.output().join("b"),
        b"a file where a directory has to be",
    )
    .unwrap();
    let (_, summary) = run(&place.local()).await;
    assert_eq!((summary.done, summary.failed), (1, 1));
    let failure = summary.failures[0].to_string();
    assert!(failure.starts_with("b/c.jpg: cannot save "), "{failure}");
    assert!(
        failure.contains("check the space and the permissions"),
        "{failure}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_output_directory_does_not_lead_to_an_original() {
    let place = Place::with([
        ("sub/a.jpg", gradient_jpeg(90, 90)),
        ("sub/a-64x64.jpg", gradient_jpeg(100, 100)),
    ]);
    fs::create_dir(place.output()).unwrap();
    std::os::unix::fs::symlink(place.input().join("sub"), place.output().join("sub")).unwrap();
    let (_, summary) = run(&place.local()).await;
    assert_eq!((summary.done, summary.failed), (0, 2));
    let failure = summary.failures[0].to_string();
    assert!(
        failure.contains("leads back to the input directory"),
        "{failure}"
    );
    let original = fs::read(place.input().join("sub/a-64x64.jpg")).unwrap();
    assert_eq!(size_of(&original), (100, 100));
    assert_eq!(fs::read_dir(place.input().join("sub")).unwrap().count(), 2);
}

#[tokio::test]
async fn a_drained_run_ends_without_failures_and_without_partial_files() {
    let place = a_hundred_images();
    let (job, tally) = resize::resize(&place.local());
    let handle = job.handle();
    let drain = async {
        while tally.look(|summary| summary.done) == 0 {
            tokio::task::yield_now().await;
        }
        handle.drain();
    };
    let (ended, ()) = tokio::join!(job.run(), drain);
    assert_eq!(ended.unwrap().outcome(), Outcome::Done);
    let summary = tally.summary();
    assert_eq!(summary.failed, 0);
    let results = place.results();
    assert_eq!(results.len() as u64, summary.done);
    for name in results {
        assert_eq!(size_of(&place.result(&name)), (64, 64));
    }
}

#[tokio::test]
async fn a_cancelled_run_leaves_whole_files_only() {
    let place = a_hundred_images();
    let (job, tally) = resize::resize(&place.local());
    let handle = job.handle();
    let cancel = async {
        while tally.look(|summary| summary.done) == 0 {
            tokio::task::yield_now().await;
        }
        handle.cancel("enough");
    };
    let (ended, ()) = tokio::join!(job.run(), cancel);
    assert!(ended.unwrap_err().is_cancelled());
    for name in place.results() {
        assert!(name.ends_with("-64x64.jpg"), "{name} is left over");
        assert_eq!(size_of(&place.result(&name)), (64, 64));
    }
}
