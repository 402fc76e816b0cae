//! Why a session ended, and who ended it.
//!
//! Every session has exactly one [`Ending`]. It prints as HAProxy's two-letter termination state, so that
//! what operators know of `CD`, `sD` or `SC` holds here too, and as one word that needs no manual.
//!
//! The first letter says who: `C` the client aborted, `S` the upstream aborted or refused, `P` the balancer
//! refused, `R` a resource ran out, `I` a fault of ours, `K` stopped by the operator, `c` the client's time ran
//! out, `s` the upstream's time ran out, `-` nobody. The second says when: `C` while connecting, `D` while data
//! went both ways, `L` when the upstream had finished and only the last data to the client was left.

/// One of the two peers of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The peer that connected to the balancer.
    Client,
    /// The peer that the balancer connected to.
    Upstream,
}

impl Side {
    /// Returns the peer at the other end.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Upstream,
            Self::Upstream => Self::Client,
        }
    }

    /// The side's letter when it acted: it reset or refused.
    fn acted(self) -> char {
        match self {
            Self::Client => 'C',
            Self::Upstream => 'S',
        }
    }

    /// The side's letter when it failed to act in time.
    fn was_late(self) -> char {
        match self {
            Self::Client => 'c',
            Self::Upstream => 's',
        }
    }
}

/// How far a session had come when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No upstream was connected yet.
    Connecting,
    /// The upstream was connected and had not finished.
    Data,
    /// The upstream had finished; the client had not.
    LastData,
}

impl Phase {
    fn letter(self) -> char {
        match self {
            Self::Connecting => 'C',
            Self::Data => 'D',
            Self::LastData => 'L',
        }
    }
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Both sides finished, and every byte of each was handed to the other.
    Complete,
    /// There were as many sessions as the configuration allows.
    ConnectionLimit,
    /// Every upstream that was tried refused or could not be reached.
    ConnectFailed,
    /// The upstreams that were tried did not answer in time.
    ConnectTimedOut,
    /// The system gave no socket for the connection to the upstream.
    OutOfSockets,
    /// A side broke the connection off.
    Reset {
        /// Who broke it off.
        by: Side,
        /// When.
        phase: Phase,
    },
    /// No byte moved in either direction for the idle timeout.
    Idle {
        /// Whose turn it was: the side that did not take its data, or that did not answer what it was sent last.
        by: Side,
        /// When.
        phase: Phase,
    },
    /// One side had finished, and no byte of the other moved for the half-close timeout.
    HalfClosed {
        /// Who had not finished.
        by: Side,
    },
    /// The balancer was stopped: at the drain deadline, or at once.
    Stopped {
        /// When.
        phase: Phase,
    },
    /// Something that only a fault of ours explains.
    Internal {
        /// When.
        phase: Phase,
    },
}

impl Ending {
    /// Returns the two-letter termination state.
    ///
    /// # Examples
    ///
    /// ```
    /// use balancer::{Ending, Phase, Side};
    /// let ending = Ending::Reset { by: Side::Client, phase: Phase::Data };
    /// assert_eq!(ending.code(), "CD");
    /// assert_eq!(ending.word(), "client_reset");
    /// ```
    #[must_use]
    pub fn code(self) -> String {
        let (who, when) = match self {
            Self::Complete => ('-', '-'),
            Self::ConnectionLimit => ('P', 'C'),
            Self::ConnectFailed => ('S', 'C'),
            Self::ConnectTimedOut => ('s', 'C'),
            Self::OutOfSockets => ('R', 'C'),
            Self::Reset { by, phase } => (by.acted(), phase.letter()),
            Self::Idle { by, phase } => (by.was_late(), phase.letter()),
            Self::HalfClosed { by: Side::Client } => ('c', 'L'),
            Self::HalfClosed { by: Side::Upstream } => ('s', 'D'),
            Self::Stopped { phase } => ('K', phase.letter()),
            Self::Internal { phase } => ('I', phase.letter()),
        };
        String::from_iter([who, when])
    }

    /// Returns the ending as one word, fit for a metric's label.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::ConnectionLimit => "connection_limit",
            Self::ConnectFailed => "upstream_connect_failed",
            Self::ConnectTimedOut => "upstream_connect_timeout",
            Self::OutOfSockets => "out_of_sockets",
            Self::Reset {
                by: Side::Client, ..
            } => "client_reset",
            Self::Reset {
                by: Side::Upstream, ..
            } => "upstream_reset",
            Self::Idle {
                by: Side::Client, ..
            } => "client_idle_timeout",
            Self::Idle {
                by: Side::Upstream, ..
            } => "upstream_idle_timeout",
            Self::HalfClosed { by: Side::Client } => "client_half_close_timeout",
            Self::HalfClosed { by: Side::Upstream } => "upstream_half_close_timeout",
            Self::Stopped { .. } => "stopped",
            Self::Internal { .. } => "internal_error",
        }
    }

    /// Tells whether a side that was still being sent to must learn that its stream is torn, by a reset.
    ///
    /// After a mere timeout it need not, unless bytes for it are left over.
    pub(crate) fn tears_streams(self) -> bool {
        matches!(
            self,
            Self::Reset { .. } | Self::Stopped { .. } | Self::Internal { .. }
        )
    }

    /// Tells whether an operator should look: no peer caused it and no stop explains it.
    pub(crate) fn deserves_attention(self) -> bool {
        matches!(
            self,
            Self::ConnectFailed
                | Self::ConnectTimedOut
                | Self::OutOfSockets
                | Self::Internal { .. }
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_the_ones_haproxy_prints() {
        let (data, last) = (Phase::Data, Phase::LastData);
        for (ending, code) in [
            (Ending::Complete, "--"),
            (Ending::ConnectionLimit, "PC"),
            (Ending::ConnectFailed, "SC"),
            (Ending::ConnectTimedOut, "sC"),
            (Ending::OutOfSockets, "RC"),
            (
                Ending::Reset {
                    by: Side::Client,
                    phase: data,
                },
                "CD",
            ),
            (
                Ending::Reset {
                    by: Side::Client,
                    phase: last,
                },
                "CL",
            ),
            (
                Ending::Reset {
                    by: Side::Upstream,
                    phase: data,
                },
                "SD",
            ),
            (
                Ending::Idle {
                    by: Side::Client,
                    phase: data,
                },
                "cD",
            ),
            (
                Ending::Idle {
                    by: Side::Upstream,
                    phase: data,
                },
                "sD",
            ),
            (Ending::HalfClosed { by: Side::Client }, "cL"),
            (Ending::HalfClosed { by: Side::Upstream }, "sD"),
            (
                Ending::Stopped {
                    phase: Phase::Connecting,
                },
                "KC",
            ),
            (Ending::Internal { phase: data }, "ID"),
        ] {
            assert_eq!(ending.code(), code, "{ending:?}");
        }
    }

    #[test]
    fn only_broken_streams_are_torn() {
        assert!(
            Ending::Reset {
                by: Side::Client,
                phase: Phase::Data
            }
            .tears_streams()
        );
        assert!(!Ending::Complete.tears_streams());
        assert!(
            !Ending::Idle {
                by: Side::Client,
                phase: Phase::Data
            }
            .tears_streams()
        );
    }
}
