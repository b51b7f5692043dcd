//! What happened to a node, for operators who watch.

use std::fmt;

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::time::UtcTime;

/// A line of `GET /v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeEvent {
    /// Rises by one from event to event, and by more where the daemon was started anew.
    pub no: u64,
    /// When, by the node's clock.
    pub at: UtcTime,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The node that it happened to; `null` where it is the cluster.
    pub node: Option<NodeId>,
    /// What happened, one sentence without a full stop.
    pub text: String,
}

/// What kind of thing happened. Scripts rely on the words: one is never renamed, and new ones may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// The daemon has begun.
    Started,
    /// The daemon is about to end.
    Stopping,
    /// Another node leads.
    Leader,
    /// No node leads, as far as this one knows.
    NoLeader,
    /// The nodes, their roles or their addresses are others.
    Membership,
    /// A node answers again.
    PeerUp,
    /// A node does not answer.
    PeerDown,
    /// A snapshot was finished.
    Snapshot,
    /// The node has another certificate, or should have had one by now.
    Certificate,
    /// More is asked of the node than it can do.
    Overload,
    /// It can again.
    Relief,
    /// A clock is wrong, or right again.
    Clock,
    /// The config was read again.
    Config,
    /// Other traces are written.
    LogLevel,
    /// A kind that this program does not know.
    #[serde(other)]
    Other,
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Started => "started",
            Self::Stopping => "stopping",
            Self::Leader => "leader",
            Self::NoLeader => "no-leader",
            Self::Membership => "membership",
            Self::PeerUp => "peer-up",
            Self::PeerDown => "peer-down",
            Self::Snapshot => "snapshot",
            Self::Certificate => "certificate",
            Self::Overload => "overload",
            Self::Relief => "relief",
            Self::Clock => "clock",
            Self::Config => "config",
            Self::LogLevel => "log-level",
            Self::Other => "other",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_shown_as_it_is_written_and_an_unknown_one_is_read() {
        for kind in [
            EventKind::Started,
            EventKind::NoLeader,
            EventKind::PeerDown,
            EventKind::LogLevel,
        ] {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
        }
        let read: EventKind = serde_json::from_str("\"eclipse\"").unwrap();
        assert_eq!(read, EventKind::Other);
    }
}
