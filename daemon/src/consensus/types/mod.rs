//! What openraft is told about our types. None of these goes to disk or wire as it is: the store
//! and the peer protocol have records of their own, so an upgrade of openraft changes neither.

pub mod shape;

use bytes::Bytes;
use openraft::alias::{LogIdOf, SnapshotMetaOf, StoredMembershipOf, VoteOf};
use quorate_core::{NodeId, Outcome, Reach};

openraft::declare_raft_types!(
    /// The types of the one Raft group.
    pub TypeConfig:
        D = Proposal,
        R = Answer,
        NodeId = NodeId,
        Node = NodeAddrs,
);

/// An entry's command as the log carries it: encoded once by the proposer
/// (`quorate_protocol::entry`), stored and replicated as the same bytes, decoded when applied.
#[derive(Clone, PartialEq, Eq)]
pub struct Proposal(pub Bytes);

impl std::fmt::Debug for Proposal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Proposal({} bytes)", self.0.len())
    }
}

impl std::fmt::Display for Proposal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

/// What applying an entry came to; `None` for entries that are Raft's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(pub Option<Outcome>);

/// Where a node is reached, as its peers and its clients dial it (`host:port`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAddrs {
    /// For peers.
    pub peer: String,
    /// For clients.
    pub client: String,
}

impl From<&Reach> for NodeAddrs {
    fn from(reach: &Reach) -> Self {
        Self {
            peer: reach.peer.to_string(),
            client: reach.client.to_string(),
        }
    }
}

/// The position of an entry: leader's term and id, and index.
pub type LogId = LogIdOf<TypeConfig>;
/// A vote, granted or asked for.
pub type Vote = VoteOf<TypeConfig>;
/// A log entry in memory.
pub type LogEntry = openraft::alias::EntryOf<TypeConfig>;
/// Who votes and who listens, and where they are reached.
pub type Membership = openraft::Membership<NodeId, NodeAddrs>;
/// A membership with the entry that it came from.
pub type StoredMembership = StoredMembershipOf<TypeConfig>;
/// What a log entry carries: a command, a membership, or nothing.
pub type Payload = openraft::EntryPayload<Proposal, NodeId, NodeAddrs>;
/// What Raft says of a snapshot.
pub type RaftSnapshotMeta = SnapshotMetaOf<TypeConfig>;
