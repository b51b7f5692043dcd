//! The last resort: the data of one node that is left of a cluster without a majority, as those of its only voter.
//!
//! All entries that are here stay, be they known to be committed or not: those that were are then surely among them,
//! as far as they are here at all. What only the others have is lost. A membership of this node alone is appended,
//! in a term that is above all that this node has heard of, and the ids of all others are closed for ever: they are
//! recorded with an incarnation that no data directory has.

use std::collections::BTreeSet;
use std::path::Path;

use quorate_core::{LogIndex, NodeId, Timestamp};
use redb::ReadableDatabase;
use thiserror::Error;

use super::database::File;
use super::identity::{Contents, Identity};
use super::raft_log::{self, Tail};
use super::restore::only;
use super::{Databases, OpenError, Store, StoreError, rows};
use crate::consensus::types::NodeAddrs;

/// Why a node is not made the only voter. Nothing was changed.
#[derive(Debug, Error)]
pub enum RecoverError {
    /// The directory holds no node, is another's, or is in use.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It never was a member: it may know nothing of what the cluster did.
    #[error("this node never took part in its cluster: it has nothing to recover from")]
    NeverTookPart,
    /// Nothing to do.
    #[error("node {0} is the only voter of its cluster already")]
    Alone(NodeId),
}

impl From<StoreError> for RecoverError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

/// What is there to go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Whose data these are.
    pub identity: Identity,
    /// The last entry in the log, and its term.
    pub last: LogIndex,
    /// Its term.
    pub term: u64,
    /// The last entry that this node knew to be committed.
    pub committed: Option<LogIndex>,
    /// When the last command in the log was proposed, by log time.
    pub last_proposed_at: Option<Timestamp>,
    /// The voters of the last membership in the log.
    pub voters: Vec<NodeId>,
    /// All other nodes that this one knows of: their ids are closed for ever.
    pub closed: Vec<NodeId>,
}

impl Store {
    /// What a stopped node's directory would go on with. Changes nothing. Blocks.
    ///
    /// # Errors
    /// See [`RecoverError`].
    pub fn survey(dir: &Path) -> Result<Survivor, RecoverError> {
        Ok(Ground::open(dir)?.survivor)
    }

    /// Makes a stopped node the only voter of its cluster. Blocks.
    ///
    /// # Errors
    /// See [`RecoverError`].
    pub fn recover(dir: &Path) -> Result<Survivor, RecoverError> {
        let Ground { raft, survivor, addrs } = Ground::open(dir)?;
        let membership = only(survivor.identity.node, addrs);
        raft_log::take_over(&raft, survivor.identity.node, membership, &survivor.closed)?;
        raft.close().map_err(StoreError::database(File::Raft))?;
        Ok(survivor)
    }
}

/// Both files, open: a daemon that runs on them has them locked.
struct Ground {
    raft: redb::Database,
    survivor: Survivor,
    addrs: NodeAddrs,
}

impl Ground {
    fn open(dir: &Path) -> Result<Self, RecoverError> {
        let databases = Databases::on_disk();
        let Contents::Formed(identity) = Store::inspect(dir)? else {
            return Err(OpenError::NotFormed { dir: dir.to_owned() }.into());
        };
        let raft = super::open::open_formed(&databases, File::Raft, dir, &identity)?;
        let state = super::open::open_formed(&databases, File::State, dir, &identity)?;
        let meta = {
            let read = state.begin_read().map_err(rows::failed)?;
            rows::load_meta(&read)?
        };
        let applied = meta.applied.map(|id| id.index());
        let Tail {
            last,
            committed,
            enrolled,
            peers,
            memberships,
            last_proposed_at,
        } = raft_log::read_tail(&raft, applied)?;
        let Some(last) = last.filter(|_| enrolled) else {
            return Err(RecoverError::NeverTookPart);
        };
        let newest = memberships.last().unwrap_or(meta.membership.membership());
        let voters: Vec<NodeId> = newest.voter_ids().collect();
        let node = identity.node;
        if voters == [node] {
            return Err(RecoverError::Alone(node));
        }
        let addrs = newest.get_node(&node).cloned().unwrap_or_default();
        let mut closed: BTreeSet<NodeId> = peers.into_iter().collect();
        closed.extend(meta.membership.nodes().map(|(id, _)| *id));
        closed.extend(memberships.iter().flat_map(|of| of.nodes().map(|(id, _)| *id)));
        closed.remove(&node);
        let survivor = Survivor {
            last: LogIndex(last.index()),
            term: last.committed_leader_id().term,
            committed: committed.map(|id| LogIndex(id.index())),
            last_proposed_at,
            voters,
            closed: closed.into_iter().collect(),
            identity,
        };
        Ok(Self { raft, survivor, addrs })
    }
}
