//! Making and opening redb files, and the directory entries that must be durable with them.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use redb::{Builder, Database, DatabaseError};

use super::StoreError;

/// redb's own page cache. The log is read from the entry cache, so its pages hardly matter.
const RAFT_PAGE_CACHE_BYTES: usize = 32 << 20;
/// Small on purpose. A start scans all records, which fills whatever is allowed here, and it stays
/// filled; what it lacks is in the system's page cache. Measured at 1 000 000 messages: reads are as
/// fast as with 256 MiB, and the daemon is 265 MB smaller.
const STATE_PAGE_CACHE_BYTES: usize = 32 << 20;

/// One of the two data files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// `raft.redb`.
    Raft,
    /// `state.redb`.
    State,
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raft => super::RAFT_FILE,
            Self::State => super::STATE_FILE,
        })
    }
}

type OpenFn = dyn Fn(&Builder, &Path) -> Result<Database, DatabaseError> + Send + Sync;

/// How databases are opened. On files, but for tests of what a disk may do to them.
#[derive(Clone)]
pub struct Databases {
    open: Arc<OpenFn>,
    are_files: bool,
}

impl Databases {
    /// On the file system.
    #[must_use]
    pub fn on_disk() -> Self {
        let open = |builder: &Builder, path: &Path| {
            if path.exists() {
                builder.open(path)
            } else {
                builder.create(path)
            }
        };
        Self {
            open: Arc::new(open),
            are_files: true,
        }
    }

    /// On what the closure makes of a path.
    pub fn with(open: impl Fn(&Builder, &Path) -> Result<Database, DatabaseError> + Send + Sync + 'static) -> Self {
        Self {
            open: Arc::new(open),
            are_files: false,
        }
    }

    /// Whether a database's path is a file's.
    pub(super) fn are_files(&self) -> bool {
        self.are_files
    }

    pub(super) fn open(&self, file: File, path: &Path) -> Result<Database, DatabaseError> {
        let mut builder = Builder::new();
        builder.set_cache_size(match file {
            File::Raft => RAFT_PAGE_CACHE_BYTES,
            File::State => STATE_PAGE_CACHE_BYTES,
        });
        (self.open)(&builder, path)
    }
}

impl fmt::Debug for Databases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Databases")
    }
}

/// Makes the names in a directory as durable as the files behind them.
pub(super) fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    fs::File::open(dir)
        .and_then(|dir| dir.sync_all())
        .map_err(StoreError::io(dir))
}
