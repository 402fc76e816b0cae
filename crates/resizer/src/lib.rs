//! An HTTP/1.1 server that resizes images: bytes of a photo in, bytes of a thumbnail out.
//!
//! ```text
//! curl --data-binary @photo.jpg -o small.jpg 'http://127.0.0.1:9091/resize?width=256&height=256'
//! ```
//!
//! The server is one value: [`resizer`] makes a job of a [`Config`] and a listener. Each connection is a child job;
//! images are resized by a bounded pool of threads.
//!
//! # What it answers
//!
//! | request | answer |
//! |---|---|
//! | `POST /resize?width=&height=` | the image, fitted into the box; one side is enough. In its own format, upright and not enlarged, unless further parameters ask for something else: `resizer --help` has them. With `x-image-width` and `x-image-height`, and an `x-image-warnings` for each thing that was noticed ([`imaging::Warning::word`]), such as `damaged` |
//! | `POST /resize?dry_run=true` | `{"name": …, "received_bytes": …}`; the body is read and dropped |
//! | `GET /healthz` | `{"name": …, "status": "ok"}` |
//!
//! Every answer names the server in `x-resizer`. Everything else is `application/problem+json` (RFC 9457), with a `code`
//! that programs can rely on:
//!
//! | status | code |
//! |---|---|
//! | 400 | `no_size`, `bad_parameter`, `unknown_parameter`, `empty_body`, `body_malformed`, `body_incomplete` |
//! | 404, 405, 411 | `not_found`, `method_not_allowed`, `length_required` |
//! | 408 | `head_too_slow`, `body_stalled`, `body_too_slow` |
//! | 413 | `body_too_large` |
//! | 415 | `not_an_image`, `image_unsupported`, `multipart`, `content_encoding` |
//! | 422 | `image_broken`, `image_too_large`, `result_too_large` |
//! | 500 | `internal` |
//! | 503 | `queue_full`, `memory_full`, `too_many_connections`, `overdue`; with `Retry-After` |
//!
//! Only a 503 is worth sending again. A head that is no HTTP/1.1 gets 400, 414 or 431 without a body.
//!
//! # What is bounded
//!
//! Connections, heads, each body, all bodies and answers together, the queue for the threads, and every wait: see [`Config`].
//! At each limit the client is refused at once, before it sends more than it has to: a body that announces too many
//! bytes is not read, and one that waits for `100 Continue` is not sent.
//!
//! A client that closes its sending side while it waits for an answer counts as gone: its image is not resized.

mod access;
mod answer;
mod arguments;
mod body;
mod budget;
mod config;
mod connection;
mod order;
mod page;
mod problem;
mod route;
mod server;
mod service;
mod stats;
mod units;

pub use arguments::{ConfigError, Listen, ListenError, LogFormat, RawConfig};
pub use config::{Config, NameError, ServerName, Timeouts};
pub use server::{Resizer, resizer};
pub use stats::{Counts, Stats};
pub use units::{ByteSize, Span, UnitError};
