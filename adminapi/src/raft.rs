//! What one node's consensus knows, without asking any other.

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/raft`. Indexes are `null` while there is nothing yet that they could point to. Always
/// `purged` ≤ `snapshot_index` ≤ `applied` ≤ `committed` ≤ `last_log_index`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftInfo {
    /// This node; `null` before it belongs to a cluster.
    pub id: Option<NodeId>,
    /// The Raft term it is in; 0 before the first.
    pub term: u64,
    /// For whom it has voted in this term.
    pub vote: Option<NodeId>,
    /// The last entry in its log.
    pub last_log_index: Option<LogIndex>,
    /// The last entry that it knows to be committed.
    pub committed: Option<LogIndex>,
    /// The last entry that it has applied.
    pub applied: Option<LogIndex>,
    /// The last entry in its snapshot.
    pub snapshot_index: Option<LogIndex>,
    /// The last entry that is no longer in its log.
    pub purged: Option<LogIndex>,
    /// The hash of the chat state at one of the indexes at which all nodes note it.
    pub state_hash: StateHash,
}

impl RaftInfo {
    /// Of a node that belongs to no cluster yet.
    #[must_use]
    pub fn vacant() -> Self {
        Self {
            id: None,
            term: 0,
            vote: None,
            last_log_index: None,
            committed: None,
            applied: None,
            snapshot_index: None,
            purged: None,
            state_hash: StateHash {
                index: LogIndex(0),
                hash: "0".repeat(HASH_DIGITS),
            },
        }
    }
}

/// Hex digits of a state's hash.
const HASH_DIGITS: usize = 32;

/// The chat state at an index, as a hash: the same on every node that has applied the same log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// The last entry applied when the hash was taken.
    pub index: LogIndex,
    /// The hash, in lower-case hex.
    pub hash: String,
}
