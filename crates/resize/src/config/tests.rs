use std::fs;

use clap::Parser;
use imaging::{Bounds, Gravity, Light, Mode, SETTINGS, Shrink};

use super::*;

/// Checks a command line that is run in a directory which holds `in/sub`, `in/file` and `out`.
fn check(arguments: &str) -> Result<Config, String> {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("in/sub")).unwrap();
    fs::create_dir(root.path().join("out")).unwrap();
    fs::write(root.path().join("in/file"), b"").unwrap();
    let root = root.path().canonicalize().unwrap();
    let place = |word: &str| match word.strip_prefix("./") {
        Some(path) => root.join(path).into_os_string(),
        None => word.into(),
    };
    let words = std::iter::once("resize".into()).chain(arguments.split_whitespace().map(place));
    let raw = RawConfig::try_parse_from(words).map_err(|error| error.to_string())?;
    let shorten = |path: &Path| path.strip_prefix(&root).unwrap().to_owned();
    let config = Config::try_from(raw)
        .map_err(|error| error.to_string().replace(root.to_str().unwrap(), ""))?;
    Ok(Config {
        input: shorten(&config.input),
        output: shorten(&config.output),
        ..config
    })
}

fn check_error(arguments: &str, expected: &str) {
    let error = check(arguments).unwrap_err();
    assert!(error.contains(expected), "{arguments}: {error}");
}

#[test]
fn the_shortest_command_line_runs_on_all_cores() {
    let config = check("./in ./out --size 320x240").unwrap();
    assert_eq!(config.options, Options::new(Size::new(320, 240)));
    assert_eq!(config.times.get(), 1);
    assert!(
        matches!(config.engine, Engine::Local { threads } if threads > available_parallelism().unwrap())
    );
}

#[test]
fn the_result_can_be_wished_for() {
    let options = |arguments: &str| {
        let config = check(&format!("./in ./out {arguments}"));
        config.map(|config| config.options)
    };
    assert_eq!(
        options("--size x96 --fit exact --shrink off"),
        Ok(Options {
            mode: Mode::Exact,
            shrink: Shrink::Off,
            ..Options::new(Bounds::of_height(96))
        })
    );
    // Gravity comes before fit, and a switch between others.
    assert_eq!(
        options("--gravity south-west --size 9x9 --linear --fit pad --background #01020304"),
        Ok(Options {
            mode: Mode::Pad(Gravity::SouthWest),
            light: Light::Linear,
            background: [1, 2, 3, 4],
            ..Options::new(Size::new(9, 9))
        })
    );
}

#[test]
fn every_setting_has_a_flag() {
    for setting in SETTINGS {
        let said = match (setting.value, setting.name) {
            (None, name) => format!("--{name}"),
            (Some(_), "quality") => "--quality 7".to_owned(),
            (Some(_), name) => format!("--fit fill --{name} {}", setting.usual()).replacen(
                "--fit fill --fit",
                "--fit",
                1,
            ),
        };
        check(&format!("./in ./out --size 9x9 {said}")).expect(&said);
    }
}

#[test]
fn a_wish_that_cannot_be_met_says_what_can() {
    for (arguments, expected) in [
        (
            "--fit cover",
            "'--fit <MODE>': must be fit, fill, exact or pad",
        ),
        ("--gravity up", "'--gravity <PLACE>': must be centre, north"),
        ("--gravity north", "--gravity has no effect unless fit is"),
        (
            "--fit exact --gravity north",
            "--gravity has no effect unless",
        ),
        ("--quality 0", "must be a whole number from 1 to 100"),
        ("--enlarge=yes", "unexpected value 'yes' for '--enlarge'"),
    ] {
        check_error(&format!("./in ./out --size 9x9 {arguments}"), expected);
    }
    for size in ["x", "0x", "9", "9x9x9", "-9x9"] {
        check_error(&format!("./in ./out --size={size}"), "256x or x256");
    }
}

#[test]
fn via_takes_the_settings_of_its_connections() {
    let arguments =
        "./in ./out --size 9x9 --via [::1]:9090 --min-connections 1 --max-connections 3 --dry-run";
    let Engine::Via(via) = check(arguments).unwrap().engine else {
        panic!("not via")
    };
    assert_eq!(via.address.as_str(), "[::1]:9090");
    assert_eq!((via.connections.min(), via.connections.max()), (1, 3));
    assert_eq!(via.action, Action::DryRun);
    let Engine::Via(via) = check("./in ./out --size 9x9 --via host:1").unwrap().engine else {
        panic!("not via")
    };
    assert_eq!((via.connections.min(), via.connections.max()), (2, 8));
    assert_eq!(via.action, Action::Resize);
}

#[test]
fn a_wrong_command_line_is_refused_with_what_would_be_right() {
    check_error("./in ./out", "--size <WxH>");
    check_error("./in ./out --size 256", "WIDTHxHEIGHT");
    check_error(
        "./in ./out --size 9x9 --quality 101",
        "must be a whole number from 1 to 100",
    );
    check_error(
        "./in ./out --size 9x9 --times 0",
        "'--times <N>': must be a whole number from 1 to 4294967295",
    );
    check_error(
        "./in ./out --size 9x9 --via a:1 --min-connections 0",
        "must be a whole number above 0",
    );
    check_error("./in ./out --size 9x9 --dry-run", "--via");
    check_error("./in ./out --size 9x9 --max-connections 3", "--via");
    check_error("./in ./out --size 9x9 --via a:1 --threads 3", "--threads");
    check_error(
        "./in ./out --size 9x9 --via a:1 --min-connections 9",
        "--min-connections 9 is more than",
    );
    check_error(
        "./in ./out --size 9x9 --via a:1 --max-connections 18446744073709551615",
        "is more than the 65535 ports",
    );
    for threads in ["0", "1025", "18446744073709551615", "all"] {
        check_error(
            &format!("./in ./out --size 9x9 --threads {threads}"),
            "must be a whole number from 1 to 1024",
        );
    }
    for address in [
        "host",
        "host:",
        ":80",
        "host:0",
        "host:http",
        "host:99999",
        "user@host:80",
        "http://host:80",
    ] {
        check_error(
            &format!("./in ./out --size 9x9 --via {address}"),
            "is not HOST:PORT",
        );
    }
}

#[test]
fn the_input_must_be_a_directory() {
    check_error(
        "./missing ./out --size 9x9",
        "INPUT_DIR /missing is not a directory",
    );
    check_error(
        "./in/file ./out --size 9x9",
        "INPUT_DIR /in/file is not a directory",
    );
}

#[test]
fn the_output_need_not_exist_but_must_be_able_to() {
    check_error(
        "./in ./out/new/../er --size 9x9",
        "is not a directory, and none can be made there",
    );
    assert_eq!(
        check("./in ./out/new/er --size 9x9").unwrap().output,
        Path::new("out/new/er")
    );
    check_error(
        "./in ./in/file --size 9x9",
        "is not a directory, and none can be made there",
    );
    check_error(
        "./in ./in/file/sub --size 9x9",
        "is not a directory, and none can be made there",
    );
}

#[test]
fn results_are_never_saved_over_originals() {
    check_error("./in ./in --size 9x9", "is or contains the input directory");
    check_error(
        "./in ./out/../in --size 9x9",
        "is or contains the input directory",
    );
    check_error(
        "./in/sub ./in --size 9x9",
        "is or contains the input directory",
    );
    assert_eq!(
        check("./in ./in/thumbs --size 9x9").unwrap().output,
        Path::new("in/thumbs")
    );
    assert_eq!(
        check("./in ./in2 --size 9x9").unwrap().output,
        Path::new("in2")
    );
}

#[cfg(unix)]
#[test]
fn a_link_to_the_input_directory_is_the_input_directory() {
    let root = tempfile::tempdir().unwrap();
    let (input, link) = (root.path().join("in"), root.path().join("link"));
    fs::create_dir(&input).unwrap();
    std::os::unix::fs::symlink(&input, &link).unwrap();
    let error = Config::new(&input, &link, Size::new(9, 9)).unwrap_err();
    assert!(matches!(error, ConfigError::Overlap { .. }), "{error}");
}
