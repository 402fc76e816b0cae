//! Takes in the body of a request: bounded in bytes, in time and in memory.

use std::{error::Error, io, time::Duration};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::{Instant, timeout_at};

use crate::{
    budget::{MemoryBudget, Reservation},
    problem::Problem,
    units::ByteSize,
};

/// The rules for taking in bodies.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    /// The largest body.
    pub(crate) size_max: ByteSize,
    /// The longest wait for the next bytes of a body.
    pub(crate) stall: Duration,
    /// What all bodies together may hold.
    pub(crate) budget: MemoryBudget,
}

/// When a request has to be answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    limit: Duration,
}

/// A whole body, and the part of the memory budget that it fills for as long as it lives.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) bytes: Vec<u8>,
    _memory: Reservation,
}

/// What arrived of a body so far; it outlives the body, so that the log can tell of one that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Arrival {
    pub(crate) bytes: u64,
    pub(crate) is_whole: bool,
}

impl Deadline {
    pub(crate) fn within(limit: Duration) -> Self {
        Self {
            at: Instant::now() + limit,
            limit,
        }
    }

    pub(crate) fn at(&self) -> Instant {
        self.at
    }

    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }
}

impl Intake {
    /// Reads a body to its end and notes its arrival, also of a body that is refused on the way.
    ///
    /// A body that says its length is refused by it, before a byte is read; one that does not is counted while it
    /// comes. The memory for a known length is reserved at once, so that what was let in can be read to its end.
    ///
    /// # Errors
    ///
    /// Any of the body's problems: empty, too large, no memory, stalled, too slow, incomplete, malformed.
    pub(crate) async fn take<B>(
        &self,
        body: &mut B,
        deadline: Deadline,
        arrival: &mut Arrival,
    ) -> Result<Held, Problem>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
    {
        let announced = body.size_hint().lower();
        self.check_size(announced)?;
        let mut memory = self.budget.reserve(announced)?;
        let mut bytes =
            Vec::with_capacity(usize::try_from(announced).map_err(|_| Problem::MemoryFull)?);
        while let Some(data) = self.next(body, deadline).await? {
            arrival.bytes += data.len() as u64;
            self.check_size(arrival.bytes)?;
            memory.grow_to(arrival.bytes)?;
            bytes.extend_from_slice(&data);
        }
        arrival.is_whole = true;
        if bytes.is_empty() {
            return Err(Problem::EmptyBody);
        }
        Ok(Held {
            bytes,
            _memory: memory,
        })
    }

    fn check_size(&self, bytes: u64) -> Result<(), Problem> {
        if bytes > self.size_max.0 {
            return Err(Problem::BodyTooLarge {
                limit: self.size_max,
            });
        }
        Ok(())
    }

    /// The next bytes, or nothing at the end. Trailers are skipped.
    async fn next<B>(&self, body: &mut B, deadline: Deadline) -> Result<Option<Bytes>, Problem>
    where
        B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Unpin,
    {
        let patience = Instant::now() + self.stall;
        let frame = timeout_at(patience.min(deadline.at), body.frame())
            .await
            .map_err(|_| {
                if patience < deadline.at {
                    Problem::BodyStalled { stall: self.stall }
                } else {
                    Problem::BodyTooSlow {
                        limit: deadline.limit,
                    }
                }
            })?;
        match frame {
            None => Ok(None),
            Some(Ok(frame)) => Ok(Some(frame.into_data().unwrap_or_default())),
            Some(Err(error)) => Err(broken(error.into().as_ref())),
        }
    }
}

/// Tells a connection that ended early from a body that is wrong.
fn broken(error: &(dyn Error + 'static)) -> Problem {
    let mut source = Some(error);
    while let Some(current) = source {
        if let Some(error) = current.downcast_ref::<io::Error>() {
            return match error.kind() {
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Problem::BodyMalformed {
                        why: error.to_string(),
                    }
                }
                _ => Problem::BodyIncomplete,
            };
        }
        source = current.source();
    }
    Problem::BodyMalformed {
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::stream;
    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::*;

    fn intake() -> Intake {
        Intake {
            size_max: ByteSize(10_000),
            stall: Duration::from_secs(5),
            budget: MemoryBudget::new(ByteSize(1 << 20)),
        }
    }

    fn soon() -> Deadline {
        Deadline::within(Duration::from_secs(60))
    }

    type Frames = Vec<Result<Frame<Bytes>, io::Error>>;

    fn data(bytes: &'static [u8]) -> Result<Frame<Bytes>, io::Error> {
        Ok(Frame::data(Bytes::from_static(bytes)))
    }

    /// Takes a body that says no length, as a chunked one.
    async fn take_chunked(intake: &Intake, frames: Frames) -> (Result<Vec<u8>, Problem>, u64) {
        let mut arrival = Arrival::default();
        let mut body = StreamBody::new(stream::iter(frames));
        let taken = intake.take(&mut body, soon(), &mut arrival).await;
        (taken.map(|held| held.bytes), arrival.bytes)
    }

    #[tokio::test]
    async fn a_body_arrives_whole() {
        let mut arrival = Arrival::default();
        let mut body = Full::new(Bytes::from_static(b"whole"));
        let held = intake()
            .take(&mut body, soon(), &mut arrival)
            .await
            .unwrap();
        assert_eq!(
            (held.bytes.as_slice(), arrival),
            (
                &b"whole"[..],
                Arrival {
                    bytes: 5,
                    is_whole: true
                }
            )
        );

        let (taken, received) =
            take_chunked(&intake(), vec![data(b"in "), data(b""), data(b"parts")]).await;
        assert_eq!((taken, received), (Ok(b"in parts".to_vec()), 8));
    }

    #[tokio::test]
    async fn an_announced_length_is_refused_before_reading() {
        let mut arrival = Arrival::default();
        let mut body = Full::new(Bytes::from(vec![0; 10_001]));
        let taken = intake().take(&mut body, soon(), &mut arrival).await;
        assert_eq!(
            taken.err(),
            Some(Problem::BodyTooLarge {
                limit: ByteSize(10_000)
            })
        );
        assert_eq!(arrival, Arrival::default());
    }

    #[tokio::test]
    async fn an_unannounced_length_is_counted() {
        let frames = || (0..100).map(|_| data(&[0; 1000])).collect::<Frames>();
        let (taken, received) = take_chunked(&intake(), frames()).await;
        assert_eq!(
            (taken, received),
            (
                Err(Problem::BodyTooLarge {
                    limit: ByteSize(10_000)
                }),
                11_000
            )
        );

        let tight = Intake {
            budget: MemoryBudget::new(ByteSize(8192)),
            ..intake()
        };
        let (taken, received) = take_chunked(&tight, frames()).await;
        assert_eq!((taken, received), (Err(Problem::MemoryFull), 9_000));
    }

    #[tokio::test]
    async fn a_held_body_holds_its_memory() {
        let tight = Intake {
            budget: MemoryBudget::new(ByteSize(8192)),
            ..intake()
        };
        let take = async || {
            let mut body = Full::new(Bytes::from(vec![0; 8000]));
            tight.take(&mut body, soon(), &mut Arrival::default()).await
        };
        let held = take().await.unwrap();
        assert_eq!(take().await.err(), Some(Problem::MemoryFull));
        drop(held);
        take().await.unwrap();
    }

    #[tokio::test]
    async fn nothing_is_no_image() {
        let mut body = Full::new(Bytes::new());
        assert_eq!(
            intake()
                .take(&mut body, soon(), &mut Arrival::default())
                .await
                .err(),
            Some(Problem::EmptyBody)
        );
        assert_eq!(
            take_chunked(&intake(), vec![data(b"")]).await.0,
            Err(Problem::EmptyBody)
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up() {
        let endless = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        let taken = intake()
            .take(
                &mut StreamBody::new(endless),
                soon(),
                &mut Arrival::default(),
            )
            .await;
        assert_eq!(
            taken.err(),
            Some(Problem::BodyStalled {
                stall: Duration::from_secs(5)
            })
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_given_up_at_the_deadline() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            Some((data(b"drop"), ()))
        });
        let mut arrival = Arrival::default();
        let deadline = Deadline::within(Duration::from_secs(58));
        let taken = intake()
            .take(
                &mut StreamBody::new(Box::pin(trickle)),
                deadline,
                &mut arrival,
            )
            .await;
        assert_eq!(
            taken.err(),
            Some(Problem::BodyTooSlow {
                limit: Duration::from_secs(58)
            })
        );
        assert_eq!(
            arrival,
            Arrival {
                bytes: 14 * 4,
                is_whole: false
            }
        );
    }

    #[tokio::test]
    async fn an_early_end_is_told_from_a_wrong_chunk() {
        let early = io::Error::from(io::ErrorKind::UnexpectedEof);
        assert_eq!(
            take_chunked(&intake(), vec![data(b"half"), Err(early)]).await,
            (Err(Problem::BodyIncomplete), 4)
        );

        let wrong = io::Error::new(io::ErrorKind::InvalidInput, "no chunk size");
        let malformed = Problem::BodyMalformed {
            why: "no chunk size".into(),
        };
        assert_eq!(
            take_chunked(&intake(), vec![data(b"half"), Err(wrong)]).await,
            (Err(malformed), 4)
        );
    }
}
