//! How many sessions the open-file limit allows.
//!
//! A session holds two sockets. At the limit, `accept` itself fails and new connections wait unanswered in
//! the kernel, so the balancer stays below it: it raises the soft limit as far as it may and derives its own
//! limit of sessions from it.

use crate::pipes::PIPES_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are no session: listeners, pollers, standard streams, name look-ups, the runtimes' own; and both ends of each
/// pipe that busy sessions may borrow.
const FILES_RESERVED: usize = 64 + 2 * PIPES_MAX;

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

/// Returns how many sessions fit in `open_files`; at least one.
#[must_use]
pub fn sessions_within(open_files: usize) -> usize {
    (open_files.saturating_sub(FILES_RESERVED) / FILES_PER_SESSION).max(1)
}

/// Returns the open-file limit that `sessions` need.
#[must_use]
pub fn files_for(sessions: usize) -> usize {
    sessions
        .saturating_mul(FILES_PER_SESSION)
        .saturating_add(FILES_RESERVED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_takes_two_files_and_some_are_kept_back() {
        assert_eq!(sessions_within(1024), 448);
        assert_eq!(files_for(448), 1024);
    }

    #[test]
    fn however_low_the_limit_one_session_is_allowed() {
        assert_eq!(sessions_within(0), 1);
        assert_eq!(sessions_within(129), 1);
    }

    #[test]
    fn raising_the_limit_never_lowers_it() {
        let before = getrlimit(Resource::Nofile).current.unwrap_or(FILES_MAX);
        assert!(raise_open_files() as u64 >= before.min(FILES_MAX));
    }
}
