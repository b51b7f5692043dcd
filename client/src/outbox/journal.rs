//! The file behind an outbox: appended by one thread, which syncs once for all that has gathered meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};

/// A place in what was ever appended, in bytes. It goes on counting when a file is compacted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(pub(crate) u64);

/// How far the file is on the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Durable {
    pub(crate) upto: Position,
    /// The disk gave up; nothing after `upto` will ever be there.
    pub(crate) failed: Option<Arc<io::Error>>,
}

/// Where an outbox keeps its records.
#[derive(Debug)]
pub(crate) enum Journal {
    /// Nowhere: for programs that lose what is unsent when they end, and know it.
    Memory,
    /// In a file.
    File(FileJournal),
}

#[derive(Debug)]
pub(crate) struct FileJournal {
    shared: Arc<Shared>,
    durable: watch::Receiver<Durable>,
}

#[derive(Debug)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

/// What the thread has not taken yet. It is bounded by the outbox: each entry is here once, and each of the small records
/// about it once.
#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// `bytes` are the whole new content rather than an addition.
    replace: bool,
    sync: bool,
    upto: Position,
    /// Bytes in the file when all this is written.
    file_bytes: u64,
    closing: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal {
    /// Takes over a file whose first `whole_bytes` are good, and cuts off the rest. The lock is let go when the last record
    /// is written. `synced` is notified whenever more is on the disk.
    pub(crate) fn open(path: &Path, whole_bytes: u64, lock: File, synced: Arc<Notify>) -> io::Result<Self> {
        let file = own_file(path, false)?;
        if file.metadata()?.len() != whole_bytes {
            file.set_len(whole_bytes)?;
            file.sync_all()?;
        }
        sync_dir(path)?;
        let shared = Arc::new(Shared {
            waiting: Mutex::new(Waiting {
                file_bytes: whole_bytes,
                ..Waiting::default()
            }),
            changed: Condvar::new(),
        });
        let (tell, durable) = watch::channel(Durable::default());
        let thread = Thread {
            path: path.to_owned(),
            file,
            shared: Arc::clone(&shared),
            tell,
            synced,
            _lock: lock,
        };
        std::thread::Builder::new()
            .name("outbox".to_owned())
            .spawn(move || thread.run())?;
        Ok(Self::File(FileJournal { shared, durable }))
    }

    /// Appends; with `sync`, the disk is asked to keep it, and with it all that was appended before.
    pub(crate) fn append(&self, bytes: &[u8], sync: bool) -> Position {
        let Self::File(file) = self else {
            return Position::default();
        };
        let mut waiting = file.shared.lock();
        waiting.bytes.extend_from_slice(bytes);
        waiting.sync |= sync;
        waiting.upto.0 += bytes.len() as u64;
        waiting.file_bytes += bytes.len() as u64;
        let upto = waiting.upto;
        drop(waiting);
        file.shared.changed.notify_one();
        upto
    }

    /// Puts this in place of all that was appended.
    pub(crate) fn replace(&self, image: Vec<u8>) {
        let Self::File(file) = self else {
            return;
        };
        let mut waiting = file.shared.lock();
        waiting.upto.0 += image.len() as u64;
        waiting.file_bytes = image.len() as u64;
        waiting.bytes = image;
        waiting.replace = true;
        waiting.sync = true;
        drop(waiting);
        file.shared.changed.notify_one();
    }

    /// Bytes in the file once all is written.
    pub(crate) fn file_bytes(&self) -> u64 {
        match self {
            Self::Memory => 0,
            Self::File(file) => file.shared.lock().file_bytes,
        }
    }

    /// How far the file is on the disk; `None` where nothing is kept.
    pub(crate) fn durable(&self) -> Option<watch::Receiver<Durable>> {
        match self {
            Self::Memory => None,
            Self::File(file) => Some(file.durable.clone()),
        }
    }

    /// Writes and syncs what is left and ends the thread. `durable()` closes when that has happened.
    pub(crate) fn close(&self) {
        if let Self::File(file) = self {
            file.shared.lock().closing = true;
            file.shared.changed.notify_one();
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

struct Thread {
    path: PathBuf,
    file: File,
    shared: Arc<Shared>,
    /// Held for as long as the file may be written, and let go before that is told: fields are dropped in their order.
    _lock: File,
    tell: watch::Sender<Durable>,
    synced: Arc<Notify>,
}

impl Thread {
    fn run(mut self) {
        let mut closing = false;
        while !closing {
            let batch = self.next_batch();
            closing = batch.closing;
            let upto = batch.upto;
            match self.write(batch) {
                Ok(true) => {
                    self.tell.send_modify(|durable| durable.upto = upto);
                    self.synced.notify_one();
                }
                Ok(false) => {}
                Err(error) => {
                    tracing::error!(path = %self.path.display(), %error, "the outbox cannot be written");
                    let failed = Some(Arc::new(error));
                    self.tell.send_modify(|durable| durable.failed = failed);
                    self.synced.notify_one();
                    return;
                }
            }
        }
    }

    fn next_batch(&self) -> Waiting {
        let mut waiting = self.shared.lock();
        while waiting.bytes.is_empty() && !waiting.replace && !waiting.closing {
            waiting = self
                .shared
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let rest = Waiting {
            upto: waiting.upto,
            file_bytes: waiting.file_bytes,
            closing: waiting.closing,
            ..Waiting::default()
        };
        std::mem::replace(&mut *waiting, rest)
    }

    /// Whether it was synced.
    fn write(&mut self, batch: Waiting) -> io::Result<bool> {
        if batch.replace {
            let beside = self.path.with_extension("new");
            let mut file = own_file(&beside, true)?;
            file.write_all(&batch.bytes)?;
            file.sync_all()?;
            std::fs::rename(&beside, &self.path)?;
            sync_dir(&self.path)?;
            self.file = file;
            return Ok(true);
        }
        self.file.seek(SeekFrom::End(0))?;
        self.file.write_all(&batch.bytes)?;
        if batch.sync {
            self.file.sync_data()?;
        }
        Ok(batch.sync)
    }
}

/// A file for its owner's eyes alone.
pub(crate) fn own_file(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(truncate).write(true).read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// A file is only there after a power cut if its directory was synced, too.
fn sync_dir(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(dir) => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}
