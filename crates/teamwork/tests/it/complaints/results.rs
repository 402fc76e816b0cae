//! What comes of it: results, reports, and what is kept of them.

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use teamwork::{Cause, Context, Job, TaskOutcome};

use crate::scripted::{Do, assert_ends, hangs, job, ok, placed, task};

/// The resident memory of this process, in KiB, where the system tells it.
fn resident_kib() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// `TEAMWORK_TASKS=1000000 cargo test -p teamwork --release --test it finished_results` has a million of them, each with a result of
/// 1 KiB, and looks at the memory of the process as well. (It must be the only test then, so that it sees its own.)
#[tokio::test(start_paused = true)]
async fn finished_results_do_not_pile_up() {
    let asked = env::var("TEAMWORK_TASKS").ok();
    let tasks = asked
        .as_ref()
        .map_or(20_000, |tasks| tasks.parse().unwrap());
    for inline in [false, true] {
        let result = Arc::new([0_u8; 1024]);
        let (kept, most) = (result.clone(), Arc::new(AtomicUsize::new(0)));
        let most_kept = most.clone();
        let mut job = Job::new("server").max_tasks(65);
        job.add_fn("accept", async move |cx: &Context| {
            for _ in 0..tasks {
                assert!(cx.job().room().await);
                let result = kept.clone();
                let connection = async move |_: &Context| {
                    tokio::task::yield_now().await;
                    Ok((result, Box::new([1_u8; 1024])))
                };
                // Nobody takes the handle, so nobody asks for the result.
                cx.job().add_fn("connection", connection)?;
                most.fetch_max(Arc::strong_count(&kept), Ordering::Relaxed);
            }
            Ok(())
        });
        let before = resident_kib();
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.come_and_gone(), tasks);
        assert_eq!(Arc::strong_count(&result), 1, "none is left");
        let most = most_kept.load(Ordering::Relaxed);
        assert!(most < 1000, "{most} results at a time, of 65 tasks");
        if let (Some(_), Some(before), Some(after)) = (&asked, before, resident_kib()) {
            let grown = after.saturating_sub(before);
            println!("{tasks} tasks, inline {inline}: {grown} KiB more than before");
            assert!(grown < 8 << 10, "{grown} KiB more than before");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_report_says_how_long_each_routine_of_each_task_took() {
    let slow = || ok("slow").init(Do::Sleep(10)).finalize(Do::Sleep(30));
    for inline in [false, true] {
        let (job, _) = job([slow(), hangs("deaf")]);
        let job = placed(job, inline).timeout(Duration::from_millis(200));
        let report = job.run().await.unwrap_err().into_report();
        let millis = |name| {
            let task = report.task(name).unwrap();
            [task.init, task.run, task.finalize].map(|took| took.as_millis())
        };
        assert_eq!(millis("slow"), [10, 0, 30]);
        assert_eq!(millis("deaf"), [0, 190, 0], "that is where the time went");
    }
}

#[tokio::test(start_paused = true)]
async fn one_failure_has_the_shape_of_many_and_each_says_which_input_it_was() {
    for inline in [false, true] {
        for bad in [vec![], vec![3], vec![1, 3, 4]] {
            let mut job = Job::new("test");
            for input in 0..5 {
                let is_bad = bad.contains(&input);
                let check = async move |_: &Context| {
                    teamwork::ensure!(!is_bad, "not a number");
                    Ok(())
                };
                job.add_fn(format!("line {input}"), check).optional();
            }
            let report = placed(job, inline).run().await.unwrap();
            let told = report.secondary().iter().map(Cause::to_string);
            let expected = bad
                .iter()
                .map(|input| format!("line {input}: not a number"));
            assert_eq!(told.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
            let failed = report
                .tasks()
                .filter(|task| task.outcome == TaskOutcome::Failed);
            assert_eq!(failed.map(|task| task.index).collect::<Vec<_>>(), bad);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_the_handle_of_a_task_neither_stops_nor_detaches_it() {
    for inline in [false, true] {
        let (mut job, journal) = job([]);
        let slow = task("slow", [Do::Sleep(50), Do::Done]).journal(&journal);
        drop(job.add_task("slow", slow).handle());
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(report.elapsed().as_millis(), 50);
        assert_ends(&journal, "run slow · fin slow");
    }
}
