//! Jobs among tokens, futures and other people's code.

use teamwork::{Context, Job, JobHandle};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Do, job, ok, outcomes, placed, sleep, task, waits};

#[tokio::test(start_paused = true)]
async fn a_cancelled_token_cancels_the_job_and_says_so() {
    for inline in [false, true] {
        let token = CancellationToken::new();
        let (job, journal) = job([waits("a")]);
        let job = placed(job.stop_on(token.clone()), inline);
        let cancel = async {
            sleep(5).await;
            token.cancel();
        };
        let (ended, ()) = tokio::join!(job.run(), cancel);
        let failure = ended.unwrap_err();
        assert_eq!(
            failure.to_string(),
            "job test: cancelled by the caller: its token was cancelled"
        );
        assert_eq!(journal.text(), "init a · run a · cut a · fin a");
    }
}

#[tokio::test(start_paused = true)]
async fn the_token_of_a_job_is_cancelled_when_it_is_to_end_and_not_only_when_it_has() {
    for inline in [false, true] {
        let (job, _) = job([
            waits("a").finalize(Do::Sleep(50)),
            task("b", [Do::FailAfter(5)]),
        ]);
        let handle: JobHandle = job.handle();
        let token = handle.token();
        let look = async {
            token.cancelled().await;
            assert!(!handle.is_ended());
        };
        let (ended, ()) = tokio::join!(placed(job, inline).run(), look);
        assert!(ended.is_err());
        assert!(
            handle.token().is_cancelled(),
            "one that is asked for later is as well"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_cancel_the_token() {
    let (job, _) = job([task("a", [Do::Sleep(5), Do::Done])]);
    let handle: JobHandle = job.handle();
    handle.drain();
    let token = handle.token();
    let look = async {
        sleep(2).await;
        token.is_cancelled()
    };
    let (ended, is_cancelled) = tokio::join!(job.run(), look);
    assert!(ended.is_ok() && !is_cancelled);
    assert!(token.is_cancelled(), "the job is over");
}

#[tokio::test(start_paused = true)]
async fn any_future_is_a_task_and_a_job_is_a_future() {
    let mut job = Job::new("test");
    let value = job
        .add_future("later", async {
            sleep(5).await;
            Ok(7)
        })
        .handle();
    job.add_task("a", ok("a"));
    let report = job.await.unwrap();
    assert_eq!(outcomes(&report), "later done · a done");
    assert_eq!(value.await.unwrap(), 7);
    let failing = async {
        let mut inner = Job::new("inner");
        inner.add_fn("fails", async |_: &Context| -> teamwork::Result {
            Err("out of luck".into())
        });
        inner.await?;
        Ok(())
    };
    let mut outer = Job::new("outer");
    outer.add_future("inner", failing);
    let failure = outer.await.unwrap_err();
    assert_eq!(
        failure.to_string(),
        "job outer: inner: job inner: fails: out of luck"
    );
}
