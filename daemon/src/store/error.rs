//! What can go wrong with the store, one enum per operation.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use quorate_certs::ClusterId;
use quorate_core::{LogIndex, NodeId, RestoreError};
use thiserror::Error;

use super::database::File;

/// A failure of the store. Whatever the variant, the process ends: see [`super::Failure`].
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// A record is not what was written.
    #[error("{place} is corrupt: {what}")]
    Corrupt {
        /// File, table and key.
        place: String,
        /// What does not fit.
        what: &'static str,
    },
    /// The rows are each sound but are no state together.
    #[error("{file} holds no consistent state", file = File::State)]
    Inconsistent(#[source] RestoreError),
    /// redb failed, on a transaction or a read.
    #[error("{file} failed")]
    Database {
        /// Which file.
        file: File,
        /// Why.
        source: Arc<redb::Error>,
    },
    /// The file system failed.
    #[error("{}", path.display())]
    Io {
        /// On what.
        path: PathBuf,
        /// Why.
        source: Arc<io::Error>,
    },
    /// A committed entry has no meaning here: made by a newer program, or garbled before it was
    /// logged.
    #[error("log entry {index} cannot be applied")]
    Entry {
        /// Which.
        index: LogIndex,
        /// Why.
        source: Arc<quorate_protocol::entry::EntryError>,
    },
    /// Something came out of its order.
    #[error("{what}: {found} after {last}")]
    Order {
        /// What.
        what: &'static str,
        /// The last one that was in order.
        last: u64,
        /// What came then.
        found: u64,
    },
    /// The store was shut down.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    pub(super) fn database<E: Into<redb::Error>>(file: File) -> impl FnOnce(E) -> Self {
        move |error| Self::Database {
            file,
            source: Arc::new(error.into()),
        }
    }

    pub(super) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Io {
            path: path.into(),
            source: Arc::new(error),
        }
    }
}

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        Self::other(error)
    }
}

/// Why a data directory was not opened, or not made.
#[derive(Debug, Error)]
pub enum OpenError {
    /// There is nothing yet: form a cluster or join one.
    #[error("{} holds no node yet", dir.display())]
    NotFormed {
        /// The directory.
        dir: PathBuf,
    },
    /// There is something already: no node is made over it.
    #[error("{} is not empty: {} is there", dir.display(), found.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
        /// What is in it.
        found: PathBuf,
    },
    /// Another node's.
    #[error("the data directory belongs to node {found}, not to node {expected}")]
    OtherNode {
        /// Who asked.
        expected: NodeId,
        /// Whose it is.
        found: NodeId,
    },
    /// Another cluster's.
    #[error("the data directory belongs to cluster {found}, not to cluster {expected}")]
    OtherCluster {
        /// Who asked.
        expected: ClusterId,
        /// Whose it is.
        found: ClusterId,
    },
    /// Written by a newer program.
    #[error("the data directory has format {found}, this program knows up to {known}")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// Written by a program that is too old.
    #[error("the data directory has format {found}, this program reads {oldest} and later")]
    OlderFormat {
        /// Its format.
        found: u32,
        /// The oldest that is read.
        oldest: u32,
    },
    /// A file of a formed node is gone.
    #[error("{} is missing, although identity.toml says that the node was formed; a node that lost its data must be replaced", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A file of a formed node holds nothing.
    #[error("{} is unexpectedly empty; a node that lost its data must be replaced", path.display())]
    UnexpectedlyEmpty {
        /// Which.
        path: PathBuf,
    },
    /// Data without the side file that says whose it is.
    #[error("{} is there, but identity.toml is not", path.display())]
    NoIdentity {
        /// What is there.
        path: PathBuf,
    },
    /// The side file and a data file do not belong together.
    #[error("{} is of another node or another life than identity.toml", path.display())]
    Mixed {
        /// Which data file.
        path: PathBuf,
    },
    /// The side file is garbled.
    #[error("{} cannot be read: {why}", path.display())]
    BadIdentity {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// In use.
    #[error("{} is locked by another process", path.display())]
    Locked {
        /// What.
        path: PathBuf,
    },
    /// The store itself failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a history was not read.
#[derive(Debug, Error)]
pub enum HistoryError {
    /// The rows are too far behind what is applied, or too many reads are waiting: ask again later.
    #[error("the store is too busy to read a history")]
    Busy,
    /// Ask for fewer at once.
    #[error("{asked} lines were asked for, {max} may be")]
    TooMany {
        /// So many were.
        asked: usize,
        /// So many may be.
        max: usize,
    },
    /// The store failed or closed; the process is about to end.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why waiting for an applied index ended.
#[derive(Debug, Error)]
pub enum WaitError {
    /// The deadline came first.
    #[error("log index {applied} is applied, {awaited} is not yet")]
    Deadline {
        /// How far this node is.
        applied: LogIndex,
        /// What was asked for.
        awaited: LogIndex,
    },
    /// The store failed or closed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a snapshot's frame, or all of it, was refused. The state that was there stays.
#[derive(Debug, Error)]
pub enum SnapshotError {
    /// What came is not what was sent: ask for the snapshot again.
    #[error("snapshot frame {frame} is refused: {what}")]
    Garbled {
        /// Which, from 0.
        frame: u32,
        /// What does not fit.
        what: &'static str,
    },
    /// It is another cluster's.
    #[error("the snapshot is of cluster {found}, not of cluster {expected}")]
    OtherCluster {
        /// Ours.
        expected: ClusterId,
        /// Theirs.
        found: String,
    },
    /// It was made by a newer program.
    #[error("the snapshot has format {found}, this program knows up to {known}")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// Its rows are no state.
    #[error("the snapshot holds no consistent state")]
    Inconsistent(#[source] RestoreError),
    /// It could not be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
}
