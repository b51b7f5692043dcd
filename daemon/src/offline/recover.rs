//! The only voter of what was a cluster.

use std::path::Path;

use quorate_adminapi::UtcTime;
use quorate_core::{LogIndex, NodeId};
use serde::Serialize;

use crate::store::{RecoverError, Store, Survivor};

/// What a node goes on with, and what is closed behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovery {
    /// The cluster, which stays the same.
    pub cluster: String,
    /// The node.
    pub node: NodeId,
    /// The last entry in its log. What others have after it is lost.
    pub last_log_index: LogIndex,
    /// That entry's term.
    pub term: u64,
    /// The last entry that it knew to be committed.
    pub committed: Option<LogIndex>,
    /// When the last command in the log was proposed.
    pub last_command_at: Option<UtcTime>,
    /// The voters before, of whom it is the only one afterwards.
    pub voters: Vec<NodeId>,
    /// The nodes whose data are refused for ever, and whose ids are not given again.
    pub closed: Vec<NodeId>,
}

/// What [`recover`] would do. Changes nothing.
///
/// # Errors
/// See [`RecoverError`].
pub fn plan_recovery(data_dir: &Path) -> Result<Recovery, RecoverError> {
    Store::survey(data_dir).map(|survivor| to_recovery(&survivor))
}

/// Makes the node of a data directory the only voter of its cluster, whatever is lost by that.
///
/// # Errors
/// See [`RecoverError`].
pub fn recover(data_dir: &Path) -> Result<Recovery, RecoverError> {
    Store::recover(data_dir).map(|survivor| to_recovery(&survivor))
}

fn to_recovery(survivor: &Survivor) -> Recovery {
    Recovery {
        cluster: survivor.identity.cluster.to_string(),
        node: survivor.identity.node,
        last_log_index: survivor.last,
        term: survivor.term,
        committed: survivor.committed,
        last_command_at: survivor.last_proposed_at.map(|at| UtcTime::from_unix_ms(at.0)),
        voters: survivor.voters.clone(),
        closed: survivor.closed.clone(),
    }
}
