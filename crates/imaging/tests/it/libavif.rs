//! AVIF beside libavif: photos that `avifenc` writes look here as `avifdec` shows them.
//!
//! Both are in the package `libavif-bin` of Debian; without them this is left out, and said to be.

use std::io::{Write, stderr};
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use imaging::{Bounds, Options, Output, Size, resize};

use crate::picture::Picture;
use crate::samples;

fn is_there() -> bool {
    let is_there = Command::new("avifenc").arg("--version").output().is_ok();
    if !is_there {
        let reason =
            "left out: avifenc is not installed (Debian has it in the package libavif-bin)";
        _ = writeln!(stderr(), "{reason}");
    }
    is_there
}

#[track_caller]
fn run(program: &str, arguments: &[&str], files: [&Path; 2]) {
    let mut command = Command::new(program);
    let output = command
        .args(["--jobs", "1"])
        .args(arguments)
        .args(files)
        .output();
    let output = output.expect("it was there before");
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
}

/// Compares what both make of a photo: the mean of all differences, and the largest of them.
#[track_caller]
fn check(arguments: &str, (mean_max, largest_max): (f64, u8)) {
    let folder = env::temp_dir().join(format!(
        "imaging-{}-{}",
        std::process::id(),
        arguments.replace([' ', '/'], "")
    ));
    fs::create_dir_all(&folder).expect("a folder for temporary files");
    let [png, avif, shown] = ["in.png", "in.avif", "out.png"].map(|name| folder.join(name));
    let photo = fs::read(samples::sample("coffee.jpg")).expect("the repository has samples");
    let smaller = Options {
        output: Output::Png,
        ..Options::new(Bounds::of_width(301))
    };
    let photo = resize(&photo, &smaller).expect("a good photo");
    fs::write(&png, photo.bytes).expect("a folder that can be written to");
    let arguments: Vec<_> = arguments.split(' ').collect();
    let arguments = [&["--speed", "6"], arguments.as_slice()].concat();
    run("avifenc", &arguments, [&png, &avif]);
    run("avifdec", &["--depth", "8"], [&avif, &shown]);
    let theirs = fs::read(&shown).expect("what was just written");
    let input = fs::read(&avif).expect("what was just written");
    fs::remove_dir_all(&folder).expect("our own folder");

    let whole = Options {
        output: Output::Png,
        ..Options::new(Size::new(301, 301))
    };
    let ours = Picture::decode(&resize(&input, &whole).expect("a good picture").bytes);
    let mut theirs = Picture::decode(&theirs);
    if ours.channels == 1 && theirs.channels == 3 {
        theirs.data = theirs.data.chunks_exact(3).map(|pixel| pixel[0]).collect();
        theirs.channels = 1;
    }
    let largest = ours.furthest(&theirs);
    let differences = ours.data.iter().zip(&theirs.data);
    let sum: f64 = differences
        .map(|(left, right)| f64::from(left.abs_diff(*right)))
        .sum();
    let mean = sum / ours.data.len() as f64;
    _ = writeln!(stderr(), "{arguments:?}: mean {mean:.3}, largest {largest}");
    assert!(
        mean <= mean_max && largest <= largest_max,
        "{arguments:?}: {mean}, {largest}"
    );
}

#[test]
fn photos_look_as_libavif_shows_them() {
    if !is_there() {
        return;
    }
    // Without coarse colours, all that differs is rounding.
    check("--lossless", (0.0, 0));
    check("--yuv 444 --depth 8", (0.5, 2));
    check("--yuv 444 --depth 10", (0.8, 3));
    check(
        "--yuv 444 --depth 12 --range limited --cicp 1/13/9",
        (0.8, 3),
    );
    check("--yuv 400 --depth 8", (0.1, 1));
    check("--yuv 400 --depth 10 --range limited", (0.6, 2));
    // Coarse colours are interpolated otherwise.
    check(
        "--yuv 420 --depth 8 --range limited --cicp 1/13/1",
        (1.3, 10),
    );
    check("--yuv 420 --depth 10", (1.3, 10));
    check("--yuv 422 --depth 12", (1.3, 10));
}
