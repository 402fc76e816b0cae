//! From a request to its answer.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{Request, Response, request::Parts};
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use imaging::{Limits, Options};
use teamwork::BlockingPool;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};

use crate::{
    access::Access,
    answer::{Answer, Done},
    body::{Arrival, Deadline, Held, Intake},
    budget::{MemoryBudget, Reservation},
    config::Config,
    order::Order,
    page::page,
    problem::Problem,
    route::{Route, route},
    stats::Stats,
};

/// What all connections of a server share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) config: Config,
    pub(crate) pool: BlockingPool,
    pub(crate) stats: Arc<Stats>,
    /// One for each connection that may be served.
    places: Arc<Semaphore>,
    intake: Intake,
    /// What images may take while they are resized.
    working: MemoryBudget,
    limits: Limits,
}

/// Whether a connection is one of those that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Admission {
    Served,
    /// It came when the server had all the connections it takes; it is told so and closed.
    Refused,
}

/// How many connections a server can count at all; more places than that no semaphore has, nor a machine room for.
const PLACES_MAX: usize = Semaphore::MAX_PERMITS / 2;

/// Whether the client may still be sending a body that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    Nothing,
    Body,
}

impl Service {
    pub(crate) fn new(config: Config, pool: BlockingPool) -> Self {
        let intake = Intake {
            // What no budget of this size ever holds is too large for this server.
            size_max: config.body_bytes_max.min(config.in_flight_bytes_max),
            stall: config.timeouts.body_stall,
            budget: MemoryBudget::new(config.in_flight_bytes_max),
        };
        let stats = Arc::default();
        let places = config.connections_max.get().min(PLACES_MAX);
        let limits = Limits {
            input_bytes_max: usize::try_from(config.body_bytes_max.0).unwrap_or(usize::MAX),
            ..Limits::default()
        };
        Self {
            working: MemoryBudget::new(config.working_bytes_max),
            config,
            pool,
            stats,
            places: Arc::new(Semaphore::new(places)),
            intake,
            limits,
        }
    }

    /// How many connections are served at most.
    pub(crate) fn connections_max(&self) -> usize {
        self.config.connections_max.get().min(PLACES_MAX)
    }

    /// How many are served right now.
    pub(crate) fn served(&self) -> usize {
        self.connections_max()
            .saturating_sub(self.places.available_permits())
    }

    /// Takes a place for a connection, if one is left.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// What the bodies of requests and the images of answers may hold.
    pub(crate) fn budget(&self) -> &MemoryBudget {
        &self.intake.budget
    }

    /// What images may take while they are resized.
    pub(crate) fn working(&self) -> &MemoryBudget {
        &self.working
    }

    /// Whether an image that came now would be taken.
    fn readiness(&self) -> Done {
        let places = self.config.threads.get().saturating_add(self.config.queue);
        let taken = self.pool.busy() + self.pool.queued();
        if taken < places {
            Done::Ready
        } else {
            Done::Unready
        }
    }

    /// Answers one request, counts it and logs it.
    ///
    /// Dropped before it is done, it gives up the request: an image still queued is not resized, and the log says
    /// that nobody got an answer.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        client: SocketAddr,
        admission: Admission,
        request: Request<Incoming>,
    ) -> (Response<Full<Bytes>>, Unread) {
        let (parts, mut body) = request.into_parts();
        let mut access = Access::begin(&parts, client, Arc::clone(&self.stats));
        let result = match admission {
            Admission::Served => self.perform(&parts, &mut body, &mut access.arrival).await,
            Admission::Refused => Err(Problem::TooManyConnections),
        };
        let mut answer = Answer::new(&self.config.name, result);
        let is_read = access.arrival.is_whole || body.is_end_stream();
        if !is_read {
            answer.close();
        }
        access.end(answer.line);
        (
            answer.response,
            if is_read {
                Unread::Nothing
            } else {
                Unread::Body
            },
        )
    }

    async fn perform(
        self: &Arc<Self>,
        parts: &Parts,
        body: &mut Incoming,
        arrival: &mut Arrival,
    ) -> Result<Done, Problem> {
        let order = match route(parts)? {
            Route::Health => return Ok(Done::Healthy),
            Route::Readiness => return Ok(self.readiness()),
            Route::Metrics => return Ok(Done::Metrics(page(self))),
            Route::Resize(order) => order,
        };
        let deadline = Deadline::within(self.config.timeouts.request);
        let held = self.intake.take(body, deadline, arrival).await?;
        match order {
            Order::DryRun => Ok(Done::DryRun {
                received: arrival.bytes,
            }),
            Order::Resize(options) => self.resize(held, options, deadline).await,
        }
    }

    /// Has the image resized by the pool. Its header is judged first: what is no image does not queue, nor what there is no
    /// memory for.
    async fn resize(
        &self,
        held: Held,
        options: Options,
        deadline: Deadline,
    ) -> Result<Done, Problem> {
        let options = Options {
            limits: self.limits,
            ..options
        };
        let needed = imaging::memory_needed(&held.bytes, &options)?;
        // What is larger than all of the budget takes all of it.
        let working = self.working.reserve(needed.min(self.working.size().0))?;
        let resized = self
            .pool
            .try_run(move |stop| {
                // All of it, so that its parts of the budgets are free for the answer and for others.
                let (held, _working) = (held, working);
                imaging::resize_until(&held.bytes, &options, &|| stop.is_stopped())
            })
            .map_err(|_| Problem::QueueFull)?;
        match timeout_at(deadline.at(), resized).await {
            Ok(Ok(result)) => {
                let result = result?;
                // A client that reads slowly has it kept for long.
                let memory = self.reserve_answer(result.bytes.len() as u64)?;
                Ok(Done::Resized(result, memory))
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "an image made the engine fail");
                Err(Problem::Internal)
            }
            Err(_) => Err(Problem::Overdue {
                limit: deadline.limit(),
            }),
        }
    }

    /// Takes room for an answer. One that will never have any is not worth another try.
    fn reserve_answer(&self, bytes: u64) -> Result<Reservation, Problem> {
        let budget = &self.intake.budget;
        let limit = budget.size();
        if bytes > limit.0 {
            return Err(Problem::ResultTooLarge { limit });
        }
        budget.reserve(bytes)
    }
}
