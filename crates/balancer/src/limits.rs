//! How many sessions the open-file limit allows.
//!
//! A session holds two sockets. At the limit, `accept` itself fails and new connections wait unanswered in
//! the kernel, so the balancer stays below it: it raises the soft limit as far as it may and derives its own
//! limit of sessions from it.

use std::num::NonZero;

use crate::pipes::PIPES_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no session and no thread's: standard streams, signals, name look-ups; and both ends of each pipe that busy
/// sessions may borrow.
const FILES_RESERVED: usize = 56 + 2 * PIPES_MAX;

/// Files of one thread: the poller of its runtime, that of its sessions, what wakes it, and a socket for each of a few listeners.
const FILES_PER_THREAD: usize = 8;

/// Files of one session: the client's socket and the upstream's.
const FILES_PER_SESSION: usize = 2;

/// The open-file limit beyond which the balancer asks for no more; containers often state billions.
const FILES_MAX: u64 = 2_097_152;

/// Raises the limit of open files as far as the system allows and returns it.
///
/// A refusal is no error: the limit then stays what it was.
#[must_use]
pub fn raise_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum.unwrap_or(FILES_MAX).min(FILES_MAX);
    let soft = limit.current.unwrap_or(FILES_MAX);
    let raised = Rlimit {
        current: Some(hard),
        maximum: limit.maximum,
    };
    let files = if soft < hard && setrlimit(Resource::Nofile, raised).is_ok() {
        hard
    } else {
        soft
    };
    usize::try_from(files).unwrap_or(usize::MAX)
}

/// Returns how many sessions fit in `open_files` beside what so many threads need; at least one.
#[must_use]
pub fn sessions_within(open_files: usize, threads: NonZero<usize>) -> usize {
    (open_files.saturating_sub(files_reserved(threads)) / FILES_PER_SESSION).max(1)
}

/// Returns the open-file limit that `sessions` on so many threads need.
#[must_use]
pub fn files_for(sessions: usize, threads: NonZero<usize>) -> usize {
    sessions
        .saturating_mul(FILES_PER_SESSION)
        .saturating_add(files_reserved(threads))
}

fn files_reserved(threads: NonZero<usize>) -> usize {
    threads
        .get()
        .saturating_mul(FILES_PER_THREAD)
        .saturating_add(FILES_RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: NonZero<usize> = NonZero::<usize>::MIN;

    #[test]
    fn a_session_takes_two_files_and_some_are_kept_back() {
        assert_eq!(sessions_within(1024, ONE), 448);
        assert_eq!(files_for(448, ONE), 1024);
    }

    #[test]
    fn each_further_thread_takes_files_of_its_own() {
        let many = NonZero::new(64).unwrap();
        assert_eq!(sessions_within(1024, many), 196);
        assert_eq!(files_for(196, many), 1024);
        assert_eq!(files_for(1, NonZero::<usize>::MAX), usize::MAX);
    }

    #[test]
    fn however_low_the_limit_one_session_is_allowed() {
        assert_eq!(sessions_within(0, ONE), 1);
        assert_eq!(sessions_within(129, ONE), 1);
    }

    #[test]
    fn raising_the_limit_never_lowers_it() {
        let before = getrlimit(Resource::Nofile).current.unwrap_or(FILES_MAX);
        assert!(raise_open_files() as u64 >= before.min(FILES_MAX));
    }
}
