//! A backup as the data of a new node: the only voter of a cluster of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use quorate_certs::ClusterId;
use quorate_core::NodeId;
use thiserror::Error;

use super::backup::{BackupError, BackupReader};
use super::database::File;
use super::identity::{self, Identity};
use super::rows::{self, Meta};
use super::snapshot::Loader;
use super::{Databases, OpenError, RAFT_FILE, STATE_FILE, Store, StoreError, raft_log};
use crate::consensus::types::{LogId, Membership, NodeAddrs, StoredMembership};

/// Why no data directory was made of a backup.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The backup is no good.
    #[error(transparent)]
    Backup(#[from] BackupError),
    /// The directory cannot be made, or is not empty.
    #[error(transparent)]
    Open(#[from] OpenError),
}

impl From<StoreError> for RestoreError {
    fn from(error: StoreError) -> Self {
        Self::Open(error.into())
    }
}

impl Store {
    /// Makes the data of a node, with a new incarnation, of a backup, in a directory that is empty or not there. The
    /// chat goes on where the backup ends: same log index, same receipts. The node is the only voter, and has no addrs
    /// yet. Blocks.
    ///
    /// # Errors
    /// See [`RestoreError`]. What was made stays unfinished, and is taken for nothing.
    pub fn restore(dir: &Path, cluster: ClusterId, node: NodeId, backup: impl Read) -> Result<Identity, RestoreError> {
        let databases = Databases::on_disk();
        let identity = Identity::new(cluster, node);
        identity::begin(dir, [RAFT_FILE, STATE_FILE], &identity)?;
        let open = |file: File| super::open::open_file(&databases, file, &dir.join(file.to_string()));

        let mut backup = BackupReader::open(backup)?;
        let state = Arc::new(open(File::State)?);
        let mut loader = Loader::new(Arc::clone(&state));
        while let Some(frame) = backup.next()? {
            loader.push(&frame).map_err(BackupError::from)?;
        }
        backup.finish()?;
        let (chat, meta) = loader
            .finish(&identity, |meta| alone(meta, node))
            .map_err(BackupError::from)?;
        rows::replace_records(&state, &chat.leave_cluster(node))?;
        let last = meta.applied.ok_or(BackupError::Damaged("it is of no entry"))?;
        super::open::close(File::State, state)?;

        let raft = open(File::Raft)?;
        raft_log::write_identity(&raft, &identity)?;
        raft_log::begin_after(&raft, &last, node)?;
        drop(raft);
        identity::finish(dir)?;
        Ok(identity)
    }
}

/// Where the rows stand, with this node as the only member. Ids that were used stay used.
fn alone(meta: Meta, node: NodeId) -> Meta {
    let applied: Option<LogId> = meta.applied;
    let mut meta = meta;
    meta.set_membership(StoredMembership::new(applied, only(node, NodeAddrs::default())));
    meta
}

/// The membership of a single voter.
pub(super) fn only(node: NodeId, addrs: NodeAddrs) -> Membership {
    let nodes = BTreeMap::from([(node, addrs)]);
    Membership::new(vec![BTreeSet::from([node])], nodes).expect("the only voter is a node")
}
