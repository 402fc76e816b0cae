//! How a report prints: as a tree that one can read, whatever there is in it.

use teamwork::{Context, Job};

use crate::scripted::{Do, fails, job, ok, placed, task, waits};

/// The branches of the tree, without the times.
fn tree(printed: &str) -> Vec<&str> {
    let lines = printed.lines().skip(1);
    lines
        .map(|line| {
            line.split_once("  ticks")
                .map_or(line, |(branch, _)| branch)
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_last_branch_of_a_tree_is_its_last_line() {
    for inline in [false, true] {
        let (mut job, _) = job([ok("a"), ok("b")]);
        let report = placed(job, inline).run().await.unwrap();
        assert_eq!(tree(&report.to_string()), ["├─ a done", "└─ b done"]);

        job = Job::new("test");
        job.add_fn("adds", async |cx: &Context| {
            let mut child = Job::new("child").isolated();
            child.add_task("c", fails("c"));
            cx.job().add_job(child).map_err(|refused| refused.why)?;
            Ok(())
        });
        let report = placed(job, inline).run().await.unwrap();
        let expected = [
            "├─ adds done",
            "├─ child failed",
            "│  └─ c failed",
            "└─ 1 tasks came and went",
            "   later: child: c: c failed",
        ];
        assert_eq!(tree(&report.to_string()), expected);

        let mut child = Job::new("child");
        child.add_task("c", ok("c").finalize(Do::Fail));
        job = Job::new("test");
        job.add_job(placed(child.isolated(), inline));
        let report = placed(job, inline).run().await.unwrap();
        let printed = report.to_string();
        assert_eq!(tree(&printed)[..2], ["└─ child failed", "   └─ c failed"]);
    }
}

#[tokio::test(start_paused = true)]
async fn of_many_tasks_the_first_are_listed_and_those_that_came_to_no_good_end() {
    for (many, says) in [(50, None), (52, Some("└─ … and 2 more"))] {
        let (job, _) = job(vec![ok("a"); many]);
        let printed = job.run().await.unwrap().to_string();
        let tree = tree(&printed);
        assert_eq!(tree.len(), 50 + usize::from(says.is_some()));
        let last = says.unwrap_or("└─ a done");
        assert_eq!(tree.last(), Some(&last));
    }

    let mut tasks = vec![ok("a"); 60];
    tasks.extend([
        waits("stuck").finalize(Do::Hang),
        ok("b"),
        task("c", [Do::Unwind]),
    ]);
    let (job, _) = job(tasks);
    let report = job.run().await.unwrap_err().into_report();
    let printed = report.to_string();
    let tree = tree(&printed);
    let expected = [
        "├─ stuck leaked in finalize",
        "├─ c panicked",
        "└─ … and 11 more",
    ];
    assert_eq!(tree[50..53], expected);
}

#[tokio::test(start_paused = true)]
async fn failures_that_are_only_counted_are_told_of() {
    let mut job = Job::new("test");
    for _ in 0..70 {
        job.add_task("a", fails("a")).optional();
    }
    let report = job.run().await.unwrap();
    let printed = report.to_string();
    let tree = tree(&printed);
    assert!(tree.contains(&"   later: a: a failed"));
    assert_eq!(tree.last(), Some(&"   later: … and 6 more failures"));
}
