//! The entries of one node's log.

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

use crate::UtcTime;

/// The answer of `GET /v1/raft/log`: a part of the log of one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftLog {
    /// The first entry that is in the log; `null` when it is empty.
    pub first: Option<LogIndex>,
    /// The last one.
    pub last: Option<LogIndex>,
    /// Those asked for, as many as one answer has.
    pub entries: Vec<RaftEntry>,
    /// Where to ask on; `null` at the end of what was asked for.
    pub next: Option<LogIndex>,
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftEntry {
    /// Where in the log.
    pub index: LogIndex,
    /// The term of the leader who proposed it.
    pub term: u64,
    /// That leader.
    pub leader: NodeId,
    /// What it is.
    pub kind: EntryKind,
    /// What was asked, in kebab-case; `null` for entries of Raft's own.
    pub command: Option<String>,
    /// When the command was proposed.
    pub at: Option<UtcTime>,
    /// Bytes of what it carries.
    pub bytes: u64,
    /// The voters that a membership brings; empty for others.
    pub voters: Vec<NodeId>,
    /// The members without a vote.
    pub learners: Vec<NodeId>,
    /// What it carries, in lower-case hex, where that was asked for and nothing in it is secret.
    pub raw: Option<String>,
    /// It carries a secret (of an account, of an invite), which is not shown.
    pub redacted: bool,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// A new leader's first, which says nothing.
    Blank,
    /// A change of the chat.
    Command,
    /// A change of who belongs to the cluster.
    Membership,
}

impl EntryKind {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Command => "command",
            Self::Membership => "membership",
        }
    }
}
