//! What a subscriber sees: a span for each job and task, and a job's own subscriber.
//!
//! A program of its own, in which one test runs at a time: whether a span is wanted is remembered for the whole process, and a
//! test without a subscriber, or with another one, that comes to it at the same moment can have it remembered wrongly.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::{
    fmt::Write,
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use teamwork::{Context, Job};
use tracing_subscriber::{fmt::MakeWriter, fmt::format::FmtSpan};

use tokio::{
    sync::{Mutex as AsyncMutex, MutexGuard},
    time::sleep,
};

/// Until the test ends, no other one runs.
async fn alone() -> MutexGuard<'static, ()> {
    static TESTS: AsyncMutex<()> = AsyncMutex::const_new(());
    TESTS.lock().await
}

fn placed(job: Job, inline: bool) -> Job {
    if inline { job.inline() } else { job }
}

/// What a subscriber writes.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| line.trim().to_owned()).collect()
    }
}

impl io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Text {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn subscriber(text: &Text, most: tracing::Level) -> tracing::Dispatch {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(most)
        .with_writer(text.clone())
        .with_span_events(FmtSpan::NONE)
        .without_time()
        .with_target(false)
        .with_level(false)
        .with_ansi(false)
        .finish();
    subscriber.into()
}

/// A job that says something now, in a child, and in a task that is added late.
fn talker(inline: bool) -> Job {
    let mut child = Job::new("child");
    child.add_fn("inner", async |_: &Context| {
        tracing::info!("from the child");
        Ok(())
    });
    let mut job = Job::new("talker");
    job.add_job(placed(child, !inline));
    job.add_fn("outer", async |cx: &Context| {
        sleep(Duration::from_millis(1)).await;
        tracing::info!("from the job");
        let late = async |_: &Context| {
            tracing::info!("from a late one");
            Ok(())
        };
        drop(cx.job().add_fn("late", late).map_err(|_| "refused")?);
        Ok(())
    });
    placed(job, inline)
}

#[tokio::test(start_paused = true)]
async fn whatever_a_task_logs_is_inside_the_spans_of_its_job_and_its_own() {
    let _alone = alone().await;
    for inline in [false, true] {
        let text = Text::default();
        let job = talker(inline).subscriber(subscriber(&text, tracing::Level::DEBUG));
        job.run().await.unwrap();
        let mut expected = String::new();
        let outer = "job{name=\"talker\"}:task{name=";
        writeln!(
            expected,
            "{outer}\"child\"}}:job{{name=\"child\"}}:task{{name=\"inner\"}}: from the child"
        )
        .unwrap();
        writeln!(expected, "{outer}\"outer\"}}: from the job").unwrap();
        writeln!(expected, "{outer}\"late\"}}: from a late one").unwrap();
        assert_eq!(text.lines(), expected.lines().collect::<Vec<_>>());
    }
}

#[tokio::test(start_paused = true)]
async fn spans_are_for_those_who_debug_and_logs_are_there_without_them() {
    let _alone = alone().await;
    for inline in [false, true] {
        let text = Text::default();
        let job = talker(inline).subscriber(subscriber(&text, tracing::Level::INFO));
        job.run().await.unwrap();
        assert_eq!(
            text.lines(),
            ["from the child", "from the job", "from a late one"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_with_a_subscriber_does_not_speak_to_that_of_its_neighbour() {
    let _alone = alone().await;
    let (one, other) = (Text::default(), Text::default());
    let first = talker(false).subscriber(subscriber(&one, tracing::Level::INFO));
    let second = talker(true).subscriber(subscriber(&other, tracing::Level::INFO));
    let (first, second) = tokio::join!(first.run(), second.run());
    assert!(first.is_ok() && second.is_ok());
    assert_eq!((one.lines().len(), other.lines().len()), (3, 3));
}
