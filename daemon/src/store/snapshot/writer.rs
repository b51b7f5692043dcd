//! Taking a snapshot in, frame by frame, into a file of its own.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use quorate_core::State;
use redb::Database;

use crate::store::database::File;
use crate::store::machine::Shared;
use crate::store::rows::{self, Install, Meta};
use crate::store::{FORMAT_VERSION as STORE_FORMAT, Identity, SnapshotError, StoreError};

use super::SnapshotMeta;
use super::loader::Loader;

/// The files that snapshots are loaded into; what of them is found at start is removed.
pub(in crate::store) const NEW_PREFIX: &str = "state.redb.new.";

static NEW_FILES: AtomicU64 = AtomicU64::new(0);

/// Where received snapshots are put down.
#[derive(Clone)]
pub struct SnapshotDir {
    pub(in crate::store) shared: Arc<Shared>,
}

/// Takes a snapshot's frames. Dropped before its end, it leaves nothing.
pub struct SnapshotWriter {
    // Before the file, which is removed when nobody writes to it any more.
    loader: Loader,
    target: NewFile,
    identity: Identity,
}

/// A complete snapshot, checked and durable, not installed yet. Dropped, it leaves nothing.
pub struct Received {
    pub(super) target: NewFile,
    pub(super) state: Box<State>,
    pub(super) meta: Meta,
}

/// A file that is removed unless it was given a better name.
pub(super) struct NewFile {
    path: PathBuf,
    database: Option<Arc<Database>>,
}

impl fmt::Debug for SnapshotDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotDir")
    }
}

impl fmt::Debug for SnapshotWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotWriter")
    }
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Received")
    }
}

impl NewFile {
    fn create(dir: &SnapshotDir) -> Result<Self, StoreError> {
        let number = NEW_FILES.fetch_add(1, Ordering::Relaxed);
        let path = dir.shared.dir.join(format!("{NEW_PREFIX}{number}"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(StoreError::io(path)(error)),
            _ => {}
        }
        let database = dir.shared.databases.open(File::State, &path).map_err(rows::failed)?;
        Ok(Self {
            path,
            database: Some(Arc::new(database)),
        })
    }

    fn database(&self) -> &Arc<Database> {
        self.database.as_ref().expect("it is taken only when self is")
    }

    fn into_install(mut self, meta: Meta) -> Install {
        let database = self.database.take().expect("it is taken only once");
        Install {
            path: self.path.clone(),
            database,
            meta,
        }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.database.take().is_some() {
            remove(&self.path);
        }
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        // It is removed at the next start.
        tracing::warn!(path = %path.display(), %error, "an unfinished snapshot could not be removed");
    }
}

impl SnapshotWriter {
    /// Makes the file. Like all here, this blocks.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub fn begin(dir: &SnapshotDir) -> Result<Self, SnapshotError> {
        dir.shared.failure.check()?;
        let target = NewFile::create(dir)?;
        Ok(Self {
            loader: Loader::new(Arc::clone(target.database())),
            target,
            identity: dir.shared.identity.clone(),
        })
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// See [`SnapshotError`]. The writer is of no use afterwards.
    pub fn push(&mut self, frame: Bytes) -> Result<(), SnapshotError> {
        self.loader.push(&frame)?;
        match self.loader.header() {
            Some((cluster, _)) if cluster != self.identity.cluster.as_str() => Err(SnapshotError::OtherCluster {
                expected: self.identity.cluster.clone(),
                found: cluster.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Makes it durable and reads it back as a state.
    ///
    /// # Errors
    /// See [`SnapshotError`]; also when the last frame has not come.
    pub fn finish(self) -> Result<Received, SnapshotError> {
        let Self {
            loader,
            target,
            identity,
        } = self;
        let identity = Identity {
            format: STORE_FORMAT,
            ..identity
        };
        let (state, meta) = loader.finish(&identity, |meta| meta)?;
        Ok(Received {
            target,
            state: Box::new(state),
            meta,
        })
    }
}

impl Received {
    /// What it is a snapshot of. openraft must be given this one.
    #[must_use]
    pub fn meta(&self) -> SnapshotMeta {
        SnapshotMeta {
            last_log_id: self.meta.applied,
            last_membership: self.meta.membership.clone(),
        }
    }

    pub(super) fn into_parts(self) -> (State, Install) {
        let Self { target, state, meta } = self;
        (*state, target.into_install(meta))
    }
}
