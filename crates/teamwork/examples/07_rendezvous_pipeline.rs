//! Three stages that hand items over by rendezvous: no queue, an answer for each item, and no deadlock when one stage ends.
//!
//! Prints: `4 is even, 16 is even`
//! Prints: `job broken: check: 9 is odd`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use teamwork::{Context, Flow, Job, Receiver, Result, Sender, rendezvous};

/// Sends numbers, and keeps what became of them.
async fn scan(numbers: &[u64], out: &Sender<u64, String>) -> Result<String> {
    let mut answers = Vec::new();
    for &number in numbers {
        answers.push(out.send(number).await?); // Not before the last stage has answered.
    }
    Ok(answers.join(", "))
}

type Square = (Receiver<u64, String>, Sender<u64, String>);

async fn square((input, output): &mut Square, cx: &Context) -> Result<Flow> {
    let Some(number) = cx.wait(input.recv()).await else {
        return Ok(Flow::Done(())); // Every sender is gone.
    };
    let verdict = output.send(*number * *number).await?;
    number.answer(verdict);
    Ok(Flow::Tick)
}

async fn check(input: &mut Receiver<u64, String>, cx: &Context) -> Result<Flow> {
    let Some(number) = cx.wait(input.recv()).await else {
        return Ok(Flow::Done(()));
    };
    teamwork::ensure!(*number % 2 == 0, "{} is odd", *number);
    let verdict = format!("{} is even", *number);
    number.answer(verdict);
    Ok(Flow::Tick)
}

#[tokio::main]
async fn main() -> Result {
    for (name, numbers) in [("whole", [2, 4]), ("broken", [2, 3])] {
        let (to_square, numbers_in) = rendezvous();
        let (to_check, squares_in) = rendezvous();
        let mut job = Job::new(name);
        let answers = job
            .add_fn("scan", async move |_: &Context| {
                scan(&numbers, &to_square).await
            })
            .handle();
        job.add_recurrent("square", (numbers_in, to_check), square);
        job.add_recurrent("check", squares_in, check);
        match job.run().await {
            Ok(_) => println!("{}", answers.await?),
            Err(failure) => println!("{failure}"), // The others have ended, too: nobody waits for ever.
        }
    }
    Ok(())
}
