//! Backups on their way out of this node, and what became of the last ones.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use quorate_core::LogIndex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::SaveError;
use super::format::Head;
use super::spool::{self, Progress};
use crate::store::snapshot::{self, SnapshotReader};
use crate::store::{Reader, StoreError};

/// Backups made at once: each has a spool on the disk for as long as its reader takes.
pub const SAVES_MAX: usize = 2;
/// How many of the last backups are remembered, until the daemon ends.
pub const SAVES_KEPT: usize = 32;
/// Bytes handed out at once.
const CHUNK_BYTES: u64 = 256 << 10;

/// Makes backups of this node. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Backups(Arc<Inner>);

struct Inner {
    reader: Reader,
    turns: Arc<Semaphore>,
    saves: Mutex<Book>,
}

/// The last backups, oldest first.
#[derive(Default)]
struct Book {
    next: u64,
    saves: VecDeque<(u64, Save)>,
}

/// A backup that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// When.
    pub at: SystemTime,
    /// By whose process.
    pub uid: u32,
    /// The last entry that is in it, once all of it was taken.
    pub index: Option<LogIndex>,
    /// Rows in it, once all of it was taken.
    pub rows: Option<u64>,
    /// Bytes that were taken.
    pub bytes: u64,
    /// How long it took, once it has ended.
    pub took_ms: Option<u64>,
    /// How it is.
    pub state: SaveState,
}

/// How a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveState {
    /// Being made or taken.
    Running,
    /// All of it was taken.
    Complete,
    /// It failed, or whoever took it went away.
    BrokenOff,
}

impl fmt::Debug for Backups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Backups")
    }
}

impl Backups {
    /// Of the node that the reader reads.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self(Arc::new(Inner {
            reader,
            turns: Arc::new(Semaphore::new(SAVES_MAX)),
            saves: Mutex::default(),
        }))
    }

    /// Begins a backup of everything that is applied here by now.
    ///
    /// # Errors
    /// See [`SaveError`]. What fails later ends the stream with an error.
    pub async fn save(&self, uid: u32) -> Result<BackupStream, SaveError> {
        let turn = Arc::clone(&self.0.turns)
            .try_acquire_owned()
            .map_err(|_| SaveError::TooMany(SAVES_MAX))?;
        if self.0.reader.last_applied().is_none() {
            return Err(SaveError::Nothing);
        }
        self.0.reader.rows_ready().await?;
        let shared = Arc::clone(self.0.reader.shared());
        let made = tokio::task::spawn_blocking({
            let shared = Arc::clone(&shared);
            move || snapshot::spool_file(&shared.dir)
        });
        let (path, file) = made.await.map_err(|_| StoreError::Closed)??;
        let file = Arc::new(file);
        let now = SystemTime::now();
        let head = Head {
            cluster: shared.identity.cluster.to_string(),
            node: shared.identity.node,
            taken_at_ms: millis(now),
        };
        let entry = self.enter(now, uid);
        let (tell, progress) = watch::channel(Progress::default());
        let written = Arc::clone(&file);
        tokio::task::spawn_blocking(move || {
            spool::spool(&SnapshotReader::new(shared), (&path, &written), &head, &tell);
        });
        Ok(BackupStream {
            file,
            at: 0,
            progress,
            entry,
            _turn: turn,
        })
    }

    /// The last backups that were asked for since the daemon began, newest first.
    #[must_use]
    pub fn saves(&self) -> Vec<Save> {
        self.book().saves.iter().rev().map(|(_, save)| save.clone()).collect()
    }

    fn enter(&self, at: SystemTime, uid: u32) -> Entry {
        let mut book = self.book();
        let number = book.next;
        book.next += 1;
        let save = Save {
            at,
            uid,
            index: None,
            rows: None,
            bytes: 0,
            took_ms: None,
            state: SaveState::Running,
        };
        book.saves.push_back((number, save));
        if book.saves.len() > SAVES_KEPT {
            book.saves.pop_front();
        }
        Entry {
            book: self.clone(),
            number,
            began: Instant::now(),
            state: SaveState::BrokenOff,
        }
    }

    fn change(&self, number: u64, change: impl FnOnce(&mut Save)) {
        let mut book = self.book();
        // One that runs for long may be forgotten over others.
        if let Some((_, save)) = book.saves.iter_mut().find(|(found, _)| *found == number) {
            change(save);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.saves.lock().expect("nothing panics while it holds this lock")
    }
}

/// The line of a backup among the last ones, closed when it is dropped.
struct Entry {
    book: Backups,
    number: u64,
    began: Instant,
    state: SaveState,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let took = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let state = self.state;
        self.book.change(self.number, |save| {
            save.took_ms = Some(took);
            save.state = state;
        });
    }
}

/// The bytes of a backup, in their order. Taken slowly it delays nothing but itself; dropped it ends the making.
pub struct BackupStream {
    file: Arc<File>,
    at: u64,
    progress: watch::Receiver<Progress>,
    entry: Entry,
    _turn: OwnedSemaphorePermit,
}

impl fmt::Debug for BackupStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackupStream")
    }
}

impl BackupStream {
    /// The next bytes; none after the last.
    ///
    /// # Errors
    /// The backup could not be made to its end, or not be read back.
    pub async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        loop {
            let Progress { written, end } = self.progress.borrow_and_update().clone();
            if self.at < written {
                return self.read(CHUNK_BYTES.min(written - self.at)).await.map(Some);
            }
            match end {
                Some(Ok(spooled)) => {
                    self.entry.state = SaveState::Complete;
                    let book = &self.entry.book;
                    book.change(self.entry.number, |save| {
                        save.index = Some(spooled.index);
                        save.rows = Some(spooled.rows);
                    });
                    return Ok(None);
                }
                Some(Err(error)) => return Err(error),
                // The spool tells its end before it is gone, unless the runtime is going down.
                None => self.progress.changed().await.map_err(|_| StoreError::Closed)?,
            }
        }
    }

    async fn read(&mut self, len: u64) -> Result<Bytes, StoreError> {
        let (file, at) = (Arc::clone(&self.file), self.at);
        let mut bytes = vec![0; usize::try_from(len).expect("a chunk is small")];
        let read = move || file.read_exact_at(&mut bytes, at).map(|()| Bytes::from(bytes));
        let read: io::Result<Bytes> = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)?;
        let bytes = read.map_err(StoreError::io("the spool of a backup"))?;
        self.at += len;
        let taken = self.at;
        self.entry.book.change(self.entry.number, |save| save.bytes = taken);
        Ok(bytes)
    }
}

fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
