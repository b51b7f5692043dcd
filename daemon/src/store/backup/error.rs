//! Why a backup was not made, or is none.

use std::io;

use thiserror::Error;

use crate::store::{HistoryError, SnapshotError, StoreError};

/// Why no backup is made. Nothing was sent.
#[derive(Debug, Error)]
pub enum SaveError {
    /// Others are being made: ask again when they are done.
    #[error("{0} backups are being made already")]
    TooMany(usize),
    /// The node has applied nothing: there is nothing to keep.
    #[error("this node has nothing to back up yet")]
    Nothing,
    /// The rows are too far behind what is applied: ask again later.
    #[error(transparent)]
    Rows(#[from] HistoryError),
    /// The store failed, or has no room for the spool.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a file is no good backup.
#[derive(Debug, Error)]
pub enum BackupError {
    /// It begins like something else.
    #[error("it is no backup: it does not begin as one")]
    NotABackup,
    /// Made by a newer program.
    #[error("the backup has format {found}, this program knows up to {known}")]
    NewerFormat {
        /// Its format.
        found: u32,
        /// The newest known here.
        known: u32,
    },
    /// It is not what was written, or not all of it.
    #[error("the backup is damaged: {0}")]
    Damaged(&'static str),
    /// The stream inside does not decompress.
    #[error("the backup is damaged: its frames do not decompress")]
    Stream(#[source] io::Error),
    /// A frame inside, or all of them together, are no snapshot.
    #[error("the backup is damaged")]
    Snapshot(#[from] SnapshotError),
    /// A row inside is not sound.
    #[error("the backup is damaged")]
    Row(#[source] StoreError),
    /// It could not be read.
    #[error("the backup cannot be read")]
    Read(#[source] io::Error),
}
