//! Whole runs of the tree, over real sockets, on the sample photos.

use std::fs;
use std::num::NonZeroU32;
use std::path::Path;

use demo::{Cast, Config, Tree, demo};
use imaging::{Enlarge, Gravity, Light, Metadata, Mode, Options, Output, Shrink, Size, Turn};
use teamwork::{Context, Flow, Job, Outcome, Report, Task};

const SIZE: Size = Size {
    width: 96,
    height: 96,
};

struct Ended {
    report: Report,
    cast: std::sync::Arc<Cast>,
    out: tempfile::TempDir,
}

/// What a test does to the tree while it runs; `true` once it is done.
type Meddle = fn(&Cast) -> bool;

/// Does something to the tree as soon as it can be done.
struct Meddler {
    cast: std::sync::Arc<Cast>,
    meddle: Meddle,
}

impl Task for Meddler {
    type Output = ();

    async fn run(&mut self, _cx: &Context) -> teamwork::Result<Flow> {
        let is_done = (self.meddle)(&self.cast);
        Ok(if is_done { Flow::Done(()) } else { Flow::Idle })
    }
}

/// Runs the tree on the samples, each so many times, and meddles with it.
async fn run(times: u32, meddle: Meddle) -> Ended {
    run_for(Options::new(SIZE), times, meddle).await
}

async fn run_for(options: Options, times: u32, meddle: Meddle) -> Ended {
    let out = tempfile::tempdir().unwrap();
    let mut config = Config::on_samples(SIZE).unwrap();
    let input = config.client.input.clone();
    config.client = resize::Config::new(&input, out.path(), SIZE).unwrap();
    config.client.options = options;
    config.client.times = NonZeroU32::new(times).unwrap();
    let (job, cast) = demo(&config).unwrap();
    let cast = std::sync::Arc::new(cast);
    let mut whole = Job::new("test");
    whole.add_job(job);
    let meddler = Meddler {
        cast: cast.clone(),
        meddle,
    };
    whole.add_task("meddler", meddler);
    let report = whole.run().await.unwrap();
    Ended { report, cast, out }
}

/// The names in a directory, each of which must be a whole image.
fn results(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out).unwrap().map(Result::unwrap);
    let mut names: Vec<_> = entries
        .map(|entry| {
            let decoded = imaging::resize(&fs::read(entry.path()).unwrap(), &Options::new(SIZE));
            assert!(decoded.is_ok(), "{:?} is no whole image", entry.path());
            entry.file_name().into_string().unwrap()
        })
        .collect();
    names.sort();
    names
}

const EVERY_SAMPLE: [&str; 8] = [
    "astronaut-portrait-96x96.jpg",
    "astronaut-progressive-96x96.jpg",
    "camera-gray-96x96.jpg",
    "chelsea-96x96.png",
    "coffee-96x96.jpg",
    "hubble-deep-field-96x96.jpg",
    "retina-96x96.jpg",
    "rocket-96x96.jpg",
];

fn check_all_saved(ended: &Ended) {
    let summary = ended.cast.client.summary();
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    assert_eq!((summary.done, summary.left()), (summary.planned, 0));
    assert_eq!(results(ended.out.path()), EVERY_SAMPLE);
}

fn resized(cast: &Cast, resizer: usize) -> u64 {
    cast.resizers[resizer].stats.counts().resized
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wished_for_reaches_the_resizers_as_it_is() {
    let options = Options {
        mode: Mode::Pad(Gravity::SouthWest),
        enlarge: Enlarge::Allowed,
        turn: Turn::AsStored,
        output: Output::Jpeg,
        quality: Some(50),
        background: [10, 20, 30, 40],
        metadata: Metadata::All,
        light: Light::Linear,
        shrink: Shrink::Off,
        ..Options::new(SIZE)
    };
    let ended = run_for(options, 1, |_| true).await;
    let summary = ended.cast.client.summary();
    assert_eq!((summary.done, summary.failed), (8, 0));
    let input = Config::on_samples(SIZE).unwrap().client.input;
    for (name, result) in [
        ("retina.jpg", "retina-96x96.jpg"),
        ("chelsea.png", "chelsea-96x96.jpg"),
    ] {
        let sample = fs::read(input.join(name)).unwrap();
        let wanted = imaging::resize(&sample, &options).unwrap();
        let made = fs::read(ended.out.path().join(result)).unwrap();
        assert!(made == wanted.bytes, "{name} is not as it was wished for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sample_is_resized_through_the_balancer_over_all_three_resizers() {
    let ended = run(6, |_| true).await;
    check_all_saved(&ended);
    let summary = ended.cast.client.summary();
    assert_eq!(summary.done, 6 * 8);
    for (number, backend) in ended.cast.balancer.backends().iter().enumerate() {
        let name = &ended.cast.resizers[number].name;
        assert!(resized(&ended.cast, number) > 0, "{name} did nothing");
        assert_eq!(summary.served[name], resized(&ended.cast, number));
        assert!(backend.sessions() > 0, "nothing went to {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_the_client_ends_the_whole_tree_and_each_part_is_in_the_report() {
    let ended = run(1, |_| true).await;
    assert_eq!(ended.report.outcome(), Outcome::Done);
    let children = ended.cast.reports().await;
    assert!(
        children
            .iter()
            .all(|child| child.outcome() == Outcome::Done)
    );
    let names: Vec<_> = children.iter().map(|child| child.name()).collect();
    let all = [
        "resizer r1",
        "resizer r2",
        "resizer r3",
        "balancer",
        "resize",
    ];
    assert_eq!(names, all);
    // The tree is printed from the report of what holds the children; any job with tasks of these names will do.
    let mut root = Job::new("root");
    for name in ["balancer", "own"] {
        root.add_fn(name, async |_: &Context| Ok(()));
    }
    let root = root.run().await.unwrap();
    let tree = Tree {
        root: &root,
        children: &children,
    }
    .to_string();
    assert!(tree.contains("\n├─ balancer done in "), "{tree}");
    assert!(tree.contains("\n│  └─ core 0 done"), "{tree}");
    assert!(tree.contains("\n└─ own done  ticks 0"), "{tree}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resizer_that_dies_midway_loses_no_image() {
    let ended = run(30, |cast| {
        let victim = &cast.resizers[1];
        let has_begun = victim.stats.counts().resized > 0;
        if has_begun {
            victim.job.cancel("killed by the test");
        }
        has_begun
    })
    .await;
    check_all_saved(&ended);
    let summary = ended.cast.client.summary();
    assert_eq!(summary.done, 30 * 8);
    let victim = ended.cast.resizers[1].job.wait().await;
    assert_eq!(victim.outcome(), Outcome::Cancelled);
    assert_eq!(ended.report.outcome(), Outcome::Done);
    let share = resized(&ended.cast, 1);
    let others = resized(&ended.cast, 0) + resized(&ended.cast, 2);
    assert!(share < others, "{share} of it before its death, {others}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_midway_finishes_what_is_in_flight_and_leaves_whole_images_only() {
    let out = tempfile::tempdir().unwrap();
    let mut config = Config::on_samples(SIZE).unwrap();
    let input = config.client.input.clone();
    config.client = resize::Config::new(&input, out.path(), SIZE).unwrap();
    config.client.times = NonZeroU32::new(1000).unwrap();
    let (job, cast) = demo(&config).unwrap();
    let handle = job.handle();
    let client = cast.client.clone();
    let mut meddler = Job::new("meddler");
    meddler.add_recurrent(
        "drain",
        (handle, client),
        async |(handle, client): &mut (teamwork::JobHandle, resize::Tally), _: &Context| {
            if client.look(|summary| summary.done) == 0 {
                return Ok(Flow::Idle);
            }
            handle.drain();
            Ok(Flow::Done(()))
        },
    );
    let (report, drained) = tokio::join!(job.run(), meddler.run());
    assert!(drained.is_ok());
    assert_eq!(report.unwrap().outcome(), Outcome::Done);
    let summary = cast.client.summary();
    assert!(summary.is_interrupted && summary.left() > 0, "{summary}");
    assert!(summary.failures.is_empty(), "{:?}", summary.failures);
    assert!(!results(out.path()).is_empty());
}
