//! Holds as many connections as the run needs; the rules are in [`fleet`](crate::fleet).

use std::sync::Arc;

use teamwork::{Context, Flow, Task};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::connection::{Event, hold};
use crate::fleet::{Ending, Fleet, Role, Wanted};
use crate::line::Line;
use crate::via::{Address, Connections as Limits};

/// Opens connections, each as a task of the run's job, and replaces those that are lost.
pub(crate) struct Connections {
    line: Arc<Line>,
    fleet: Fleet,
    /// Connections opened so far; numbers the next one.
    opened: u64,
    /// The next connection is not opened before this moment.
    not_before: Instant,
    events: mpsc::Receiver<Event>,
    /// For the connections to come. It also keeps `events` open while there is none.
    teller: mpsc::Sender<Event>,
}

/// Nothing can be reached, so the run ends.
#[derive(Debug, thiserror::Error)]
#[error(
    "{losses} connections to {address} in a row brought no answer, the last: {last}; check that --via names a balancer \
     or a resizer, and that it is running"
)]
pub(crate) struct Unreachable {
    address: Address,
    losses: u32,
    last: String,
}

/// What the task has to do next.
enum Next {
    Note(Event),
    Open(Role),
    Finished,
}

impl Connections {
    pub(crate) fn new(line: Line, limits: Limits) -> Self {
        // Each connection tells two things in its life, so none waits for long.
        let (teller, events) = mpsc::channel(2 * limits.max());
        Self {
            line: Arc::new(line),
            fleet: Fleet::new(limits),
            opened: 0,
            not_before: Instant::now(),
            events,
            teller,
        }
    }

    /// Waits for the next thing to do.
    async fn next(&mut self) -> Next {
        let queue = &self.line.run.queue;
        let wanted = self.fleet.wanted();
        let not_before = self.not_before;
        let open = async {
            tokio::time::sleep_until(not_before).await;
            match wanted {
                Wanted::Now(role) => role,
                Wanted::WithBacklog(role) if queue.has_backlog().await => role,
                Wanted::WithBacklog(_) | Wanted::No => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = queue.finished() => Next::Finished,
            Some(event) = self.events.recv() => Next::Note(event),
            role = open => Next::Open(role),
        }
    }

    fn note(&mut self, event: Event) -> Result<(), Unreachable> {
        let Event::Ended(role, ending) = event else {
            self.fleet.connected();
            return Ok(());
        };
        self.fleet
            .ended(role, &ending, self.line.run.tally.answers());
        self.not_before = Instant::now() + self.fleet.pause();
        let Some(losses) = self.fleet.hopeless() else {
            return Ok(());
        };
        let last = match ending {
            Ending::Unopened(words) | Ending::Lost(words) => words,
            Ending::Closed | Ending::Unneeded => "the server closed the connection".to_owned(),
        };
        Err(Unreachable {
            address: self.line.address.clone(),
            losses,
            last,
        })
    }

    fn open(&mut self, role: Role, cx: &Context) -> Flow {
        self.opened += 1;
        self.fleet.opening(role);
        let (line, events) = (Arc::clone(&self.line), self.teller.clone());
        let name = format!("connection {}", self.opened);
        match cx.job().add_fn(name, async move |_: &Context| {
            hold(line, role, events).await
        }) {
            Ok(_) => Flow::Tick,
            // The run drains: what is in flight comes to its end on the connections that are open.
            Err(_) => Flow::Done(()),
        }
    }
}

impl Task for Connections {
    type Output = ();

    async fn run(&mut self, cx: &Context) -> teamwork::Result<Flow> {
        match cx.wait(self.next()).await {
            Next::Note(event) => {
                self.note(event)?;
                Ok(Flow::Tick)
            }
            Next::Open(role) => Ok(self.open(role, cx)),
            Next::Finished => Ok(Flow::Done(())),
        }
    }
}
