//! Tasks that behave badly on purpose, for tests of what is made of jobs: the feature `test-util`. Virtual time, and a journal of each step.
//!
//! Prints: `init probe · init flush · run probe · run probe · run flush`
//! Prints: `cut flush`
//! Prints: `fin flush · fin probe`
//! Prints: `the test passes`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::time::Duration;

use teamwork::{
    Job, Result, Routine, TaskOutcome,
    test_util::{Do, Journal, Scripted, paused},
};

/// What is tested: that all finalizers together have a second, and that who is late is named.
fn server(tasks: impl IntoIterator<Item = Scripted>) -> Job {
    let mut job = Job::new("server").finalizer_deadline(Duration::from_secs(1));
    for task in tasks {
        job.add_task(task.name(), task);
    }
    job
}

fn main() -> Result {
    // Hours would take no time here: when everybody waits, the clock jumps to the next timer.
    paused(async {
        let journal = Journal::default();
        let tasks = [
            // Fails in its second run, and then hangs in its finalizer.
            Scripted::new("probe", [Do::Tick, Do::Fail]).finalize(Do::Hang),
            // Waits where only a cut stops it, and takes its time to clean up.
            Scripted::stubborn("flush").finalize(Do::Sleep(300)),
        ];
        let job = server(tasks.map(|task| task.journal(&journal)));
        let failure = job.run().await.err().ok_or("the probe fails")?;

        assert_eq!(failure.cause().to_string(), "probe: probe failed");
        let late: Vec<_> = failure.report().leaked().collect();
        assert_eq!((late.len(), late[0].name), (1, "probe"));
        assert_eq!(late[0].outcome, TaskOutcome::Leaked(Routine::Finalize));
        assert_eq!(failure.report().elapsed(), Duration::from_secs(1));
        // The order of all steps is the same each time, so it can be asserted, too.
        let steps = journal.text();
        assert!(
            steps.ends_with("cut flush · fin flush · fin probe"),
            "{steps}"
        );
        println!("{steps}");
        println!("the test passes");
        Ok(())
    })
}
