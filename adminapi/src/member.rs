//! The nodes of a cluster as one of them sees them.

use std::fmt;

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

use crate::time::UtcTime;
use crate::vitals::Vitals;

/// One node of the cluster. What the node that answers cannot know of it is `null`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Its id, for ever.
    pub id: NodeId,
    /// What it is in consensus.
    pub role: MemberRole,
    /// How it is.
    pub state: MemberState,
    /// Whether it leads.
    pub is_leader: bool,
    /// Where other nodes reach it, `host:port`.
    pub peer_addr: String,
    /// Where clients reach it, `host:port`.
    pub client_addr: String,
    /// The version of its daemon.
    pub version: Option<String>,
    /// The last log index that it is known to have on disk.
    pub matched: Option<LogIndex>,
    /// The last log index that it has applied.
    pub applied: Option<LogIndex>,
    /// How many committed entries it does not have yet.
    pub lag: Option<u64>,
    /// How long ago it was last heard of, in milliseconds; 0 for the node that answers.
    pub last_contact_ms: Option<u64>,
    /// Clients' sessions on it.
    pub sessions: Option<u64>,
    /// What its data directory takes, in bytes.
    pub disk_bytes: Option<u64>,
    /// When its certificate expires.
    pub cert_expires: Option<UtcTime>,
    /// How it does.
    #[serde(flatten)]
    pub vitals: Vitals,
}

/// What a node is in consensus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberRole {
    /// Its vote counts.
    Voter,
    /// It follows the log without a vote.
    Learner,
}

/// How a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemberState {
    /// Heard of lately, and near the end of the log.
    Up,
    /// Not heard of for longer than an election takes.
    Down,
    /// Heard of, and far behind the end of the log.
    CatchingUp,
    /// It leads its clients elsewhere.
    Draining,
    /// No longer of the cluster.
    Removed,
}

impl MemberState {
    /// Whether the node counts for a majority now.
    #[must_use]
    pub const fn is_present(self) -> bool {
        matches!(self, Self::Up | Self::CatchingUp | Self::Draining)
    }
}

impl fmt::Display for MemberRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Voter => "voter",
            Self::Learner => "learner",
        })
    }
}

impl fmt::Display for MemberState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::CatchingUp => "catching-up",
            Self::Draining => "draining",
            Self::Removed => "removed",
        })
    }
}

/// The answer of `GET /v1/leader`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// The leader; `null` while there is none.
    pub id: Option<NodeId>,
    /// The term that it leads.
    pub term: u64,
    /// Where other nodes reach it.
    pub peer_addr: Option<String>,
    /// Where clients reach it.
    pub client_addr: Option<String>,
    /// Whether a higher id gets leadership by itself: by an operator's word, or by the config of the node that was asked.
    #[serde(default)]
    pub hand_back: bool,
}
