//! The outbox files of one user in a profile's folder: one for each process that writes at a time.
//!
//! `N.log` holds the records, and whoever holds the lock on `N.lock` owns it. A lock goes with its process, so the files of
//! dead ones can be told from those in use. Lock files stay: one that is removed could be locked twice.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Notify;

use super::Outbox;
use super::journal::Journal;
use super::queue::Queue;
use super::record::decode_all;

/// Processes that may write for one user in one profile at once.
const FILES_MAX: u32 = 256;

/// Takes the first file that no process owns, with what a dead one left in it.
pub(crate) fn own(folder: &Path) -> io::Result<Outbox> {
    make_folder(folder)?;
    for index in 0..FILES_MAX {
        if let Some(lock) = try_lock(folder, index)? {
            return load(folder, index, lock);
        }
    }
    Err(io::Error::other("too many processes use this profile"))
}

/// Takes the files that dead processes left something in.
pub(crate) fn orphans(folder: &Path) -> io::Result<Vec<Outbox>> {
    let mut orphans = Vec::new();
    for index in 0..FILES_MAX {
        if fs::metadata(log_path(folder, index)).map_or(0, |found| found.len()) == 0 {
            continue;
        }
        let Some(lock) = try_lock(folder, index)? else {
            continue;
        };
        let outbox = load(folder, index, lock)?;
        if *outbox.waiting().borrow() == 0 {
            outbox.close();
        } else {
            orphans.push(outbox);
        }
    }
    Ok(orphans)
}

fn load(folder: &Path, index: u32, lock: File) -> io::Result<Outbox> {
    let path = log_path(folder, index);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other?,
    };
    let (records, whole) = decode_all(&bytes);
    if whole < bytes.len() {
        tracing::info!(path = %path.display(), cut = bytes.len() - whole, "the outbox had a torn tail");
    }
    let synced = Arc::new(Notify::new());
    let journal = Journal::open(&path, whole as u64, lock, Arc::clone(&synced))?;
    Ok(Outbox::new(Queue::restore(records), journal, synced))
}

fn try_lock(folder: &Path, index: u32) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(folder.join(format!("{index}.lock")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn log_path(folder: &Path, index: u32) -> PathBuf {
    folder.join(format!("{index}.log"))
}

/// Messages that were not sent yet are nobody else's business.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
