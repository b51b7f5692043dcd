//! A new cluster of one node, made of a backup.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use quorate_adminapi::BackupInfo;
use quorate_certs::{CaError, IdentityError, KekError};
use quorate_core::NodeId;
use quorate_formation::{AuthorityFileError, CaDirError, NewClusterError, UNNAMED};
use thiserror::Error;

use super::backup::check_file;
use super::identity::NewIdentity;
use crate::store::{self, BackupError, Store};

/// What a file system that is mounted there may have put into a directory that is empty otherwise.
const LOST_AND_FOUND: &str = "lost+found";

/// What is to be made of which backup.
#[derive(Clone, Copy, Debug)]
pub struct RestoreAsk<'a> {
    /// The backup; it is read twice.
    pub file: &'a Path,
    /// Where to; empty or not there.
    pub data_dir: &'a Path,
    /// The id of the node; without one, the lowest that no node ever had.
    pub node: Option<NodeId>,
    /// A folder with a CA to go on with, so that clients trust the cluster as they did.
    pub ca_dir: Option<&'a Path>,
}

/// What would be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestorePlan {
    /// What is in the backup, all of which was checked.
    pub backup: BackupInfo,
    /// The id of the node.
    pub node: NodeId,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Of what, and as which node.
    pub plan: RestorePlan,
    /// The id of the new cluster.
    pub cluster: String,
    /// The fingerprint of its CA, for clients.
    pub ca: String,
    /// Where a new CA is.
    pub ca_dir: Option<PathBuf>,
}

/// Why nothing was restored. What was begun was taken away again.
#[derive(Debug, Error)]
pub enum RestoreError {
    /// The backup is no good.
    #[error("{}", path.display())]
    Backup {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<BackupError>,
    },
    /// There is something already.
    #[error("{} is not empty: {} is there", dir.display(), found.display())]
    NotEmpty {
        /// The directory.
        dir: PathBuf,
        /// What is in it.
        found: PathBuf,
    },
    /// Ids are never given again.
    #[error("ids up to {highest} were those of other nodes, and {node} cannot be one again")]
    IdUsed {
        /// The id asked for.
        node: NodeId,
        /// The highest that was ever given.
        highest: NodeId,
    },
    /// The saved CA is none.
    #[error(transparent)]
    CaDir(#[from] CaDirError),
    /// No certificate was made.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The key under which the CA is sealed was not written.
    #[error("the key that seals the CA")]
    Kek(#[from] KekError),
    /// The sealed CA was not written.
    #[error("the sealed CA")]
    Authority(#[from] AuthorityFileError),
    /// The certificate was not written.
    #[error("the certificate of the node")]
    Identity(#[from] IdentityError),
    /// The CA was not written.
    #[error(transparent)]
    CaFiles(#[from] NewClusterError),
    /// The directory cannot be looked at or made.
    #[error("{}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The data were not made.
    #[error(transparent)]
    Store(Box<store::RestoreError>),
}

impl From<store::RestoreError> for RestoreError {
    fn from(error: store::RestoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// Checks the backup and whether it can be restored there. Changes nothing.
///
/// # Errors
/// See [`RestoreError`].
pub fn plan_restore(ask: RestoreAsk<'_>) -> Result<RestorePlan, RestoreError> {
    // The quick refusals first.
    refuse_unless_empty(ask.data_dir)?;
    let backup = check_file(ask.file).map_err(|error| RestoreError::Backup {
        path: ask.file.to_owned(),
        source: Box::new(error),
    })?;
    let highest = backup.highest_node;
    let node = ask.node.unwrap_or(NodeId(highest.0 + 1));
    if node <= highest {
        return Err(RestoreError::IdUsed { node, highest });
    }
    Ok(RestorePlan { backup, node })
}

/// Makes a cluster of one node of a backup: a new cluster id, a new incarnation, a new CA unless a saved one is given. Its
/// daemon needs nothing but a config that names the directory.
///
/// # Errors
/// See [`RestoreError`].
pub fn restore(ask: RestoreAsk<'_>) -> Result<Restored, RestoreError> {
    let plan = plan_restore(ask)?;
    let was_there = ask.data_dir.exists();
    let made = fill(ask, plan);
    if made.is_err() {
        // Best effort: what stays is seen, and refused the next time.
        let _ = clear(ask.data_dir, was_there);
    }
    made
}

fn fill(ask: RestoreAsk<'_>, plan: RestorePlan) -> Result<Restored, RestoreError> {
    let dir = ask.data_dir;
    let identity = NewIdentity::make(plan.node, ask.ca_dir)?;
    make_private(dir)?;
    let ca_dir = identity.save(dir, plan.backup.name.as_deref().unwrap_or(UNNAMED))?;
    let file = File::open(ask.file).map_err(|error| RestoreError::Backup {
        path: ask.file.to_owned(),
        source: Box::new(BackupError::Read(error)),
    })?;
    // Last: with it the directory becomes a node's.
    Store::restore(dir, identity.cluster.clone(), plan.node, file)?;
    Ok(Restored {
        plan,
        cluster: identity.cluster.to_string(),
        ca: identity.ca.fingerprint().to_string(),
        ca_dir,
    })
}

fn refuse_unless_empty(dir: &Path) -> Result<(), RestoreError> {
    let failed = |source| RestoreError::Io {
        path: dir.to_owned(),
        source,
    };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if name != LOST_AND_FOUND {
            return Err(RestoreError::NotEmpty {
                dir: dir.to_owned(),
                found: name.into(),
            });
        }
    }
    Ok(())
}

/// It will hold keys and texts.
fn make_private(dir: &Path) -> Result<(), RestoreError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|source| RestoreError::Io {
        path: dir.to_owned(),
        source,
    })
}

/// Takes away what was made in a directory that was empty.
fn clear(dir: &Path, keep_dir: bool) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name() == LOST_AND_FOUND {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    if keep_dir { Ok(()) } else { fs::remove_dir(dir) }
}
