//! Jobs as tasks of jobs: a child that fails is its parent's failure, unless it is isolated; parents end after their children.
//!
//! Prints: `later: session 2: read: invalid digit found in string`
//! Prints: `bye: session 1, sessions, service`
#![expect(clippy::print_stdout, reason = "an example shows what happens")]

use std::sync::{Arc, Mutex};

use teamwork::{Context, Flow, Job, Result, Task};

type Farewells = Arc<Mutex<Vec<&'static str>>>;

/// Waits for the end, and says good-bye when it is finalized.
struct Resident(&'static str, Farewells);

impl<V: ?Sized + Send + Sync + 'static> Task<V> for Resident {
    type Output = ();

    async fn run(&mut self, cx: &Context<V>) -> Result<Flow> {
        cx.wait(std::future::pending::<()>()).await;
        Ok(Flow::Tick)
    }

    async fn finalize(&mut self, _: &Context<V>) -> Result {
        self.1.lock().map_err(|_| "poisoned")?.push(self.0);
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result {
    let farewells = Farewells::default();
    // The oneshot can be a job; its value becomes that of the parent.
    let setup = Job::new("set-up").add_oneshot_fn("configure", async |_: &Context| {
        Ok(String::from("users.db"))
    });
    let mut service = Job::new("service").add_oneshot_job(setup);
    service.add_task("log", Resident("service", farewells.clone()));
    let mut sessions = Job::new("sessions");
    sessions.add_task("list", Resident("sessions", farewells.clone()));
    let mut first = Job::new("session 1").inline(); // Polled by its parent: no spawn.
    first.add_task("wait", Resident("session 1", farewells.clone()));
    sessions.add_job(first);
    service.add_job(sessions);
    let mut second = Job::new("session 2").isolated(); // Fails alone.
    second.add_fn("read", async |_: &Context| {
        Ok("no number".parse().map(|_: u8| ())?)
    });
    service.add_job(second);
    service.add_fn("clock", async |cx: &Context<String>| {
        println!("serving {}", cx.value());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        cx.job().finish(); // Passed on to every child, which ends before the finalizers here.
        Ok(())
    });
    println!("{}", service.run().await?);
    let farewells = farewells.lock().map_err(|_| "poisoned")?;
    println!("bye: {}", farewells.join(", "));
    Ok(())
}
