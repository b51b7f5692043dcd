//! Making, opening and closing a data directory.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_certs::ClusterId;
use quorate_core::{LogIndex, NodeId};
use redb::{Database, DatabaseError, ReadableDatabase, StorageError};
use tokio::sync::mpsc;

use crate::fanout::Hub;

use super::database::File;
use super::identity::{self, Contents, Identity};
use super::machine::{Machine, QUEUE_BATCHES_MAX, Shared};
use super::raft_log::{self, PurgeFloor, WriterThread};
use super::rows::{self, Outlets, RowsThread};
use super::snapshot::{NEW_PREFIX, SPOOL_PREFIX};
use super::{Backups, Databases, Failure, LogStore, OpenError, Reader, SnapshotDir, StateMachine, StoreError};

/// The Raft log's file in a data directory.
pub const RAFT_FILE: &str = "raft.redb";
/// The rows' file in a data directory.
pub const STATE_FILE: &str = "state.redb";

/// How long closing waits for reads that are under way.
const CLOSE_WAIT_MAX: Duration = Duration::from_secs(5);
const CLOSE_POLL: Duration = Duration::from_millis(1);

/// An open data directory.
pub struct Store {
    identity: Identity,
    log: LogStore,
    machine: Machine,
    reader: Reader,
    shared: Arc<Shared>,
    threads: Threads,
}

struct Threads {
    log: WriterThread,
    rows: RowsThread,
}

impl Store {
    /// What a directory holds; one that is not there holds nothing.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn inspect(dir: &Path) -> Result<Contents, OpenError> {
        identity::read(dir, [RAFT_FILE, STATE_FILE])
    }

    /// Makes the data of a new node, with a new incarnation, in a directory that is empty or not
    /// there. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create(dir: &Path, cluster: ClusterId, node: NodeId) -> Result<Identity, OpenError> {
        Self::create_with(dir, cluster, node, &Databases::on_disk())
    }

    /// See [`Store::create`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn create_with(
        dir: &Path,
        cluster: ClusterId,
        node: NodeId,
        databases: &Databases,
    ) -> Result<Identity, OpenError> {
        let identity = Identity::new(cluster, node);
        identity::begin(dir, [RAFT_FILE, STATE_FILE], &identity)?;
        let raft = open_file(databases, File::Raft, &dir.join(RAFT_FILE))?;
        raft_log::write_identity(&raft, &identity)?;
        let state = open_file(databases, File::State, &dir.join(STATE_FILE))?;
        let mut transaction = state.begin_write().map_err(rows::failed)?;
        transaction.set_quick_repair(true);
        rows::write_identity(&transaction, &identity)?;
        transaction.commit().map_err(rows::failed)?;
        drop((raft, state));
        identity::finish(dir)?;
        Ok(identity)
    }

    /// Opens the data of a node, which must be the expected one's if one is expected, loads the
    /// state as of the last checkpoint and starts the writers. openraft then replays the rest from
    /// the log. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path, expected: Option<(ClusterId, NodeId)>, hub: Arc<Hub>) -> Result<Self, OpenError> {
        Self::open_with(dir, expected, hub, Databases::on_disk())
    }

    /// See [`Store::open`].
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open_with(
        dir: &Path,
        expected: Option<(ClusterId, NodeId)>,
        hub: Arc<Hub>,
        databases: Databases,
    ) -> Result<Self, OpenError> {
        Self::start(dir, expected, hub, databases, PurgeFloor::new)
    }

    pub(super) fn start(
        dir: &Path,
        expected: Option<(ClusterId, NodeId)>,
        hub: Arc<Hub>,
        databases: Databases,
        floor: impl FnOnce(Option<LogIndex>) -> PurgeFloor,
    ) -> Result<Self, OpenError> {
        let Contents::Formed(identity) = Self::inspect(dir)? else {
            return Err(OpenError::NotFormed { dir: dir.to_owned() });
        };
        identity.check(expected.as_ref())?;
        let raft = open_formed(&databases, File::Raft, dir, &identity)?;
        let state_file = open_formed(&databases, File::State, dir, &identity)?;
        remove_leftovers(dir)?;

        let failure = Failure::new();
        let transaction = state_file.begin_read().map_err(rows::failed)?;
        let meta = rows::load_meta(&transaction)?;
        let state = rows::load_state(&transaction)?;
        drop(transaction);
        let state_file = Arc::new(state_file);
        let shared = Shared::new(
            state,
            meta.clone(),
            Arc::clone(&state_file),
            failure.clone(),
            identity.clone(),
            databases,
            dir.to_owned(),
        );
        let floor = floor(meta.applied.map(|id| LogIndex(id.index())));
        let (log, log_thread) = LogStore::start(raft, failure.clone(), floor.clone())?;
        let (queue, ops) = mpsc::channel(QUEUE_BATCHES_MAX);
        let outlets = Outlets {
            database: Arc::clone(&shared.database),
            visible: shared.visible.clone(),
            floor,
            failure,
            path: dir.join(STATE_FILE),
        };
        let stats = Arc::clone(&shared.stats);
        let rows_thread = RowsThread::spawn(outlets, state_file, meta, stats, (queue.clone(), ops))?;
        let shared = Arc::new(shared);
        Ok(Self {
            identity,
            log,
            reader: Reader::new(Arc::clone(&shared), queue.downgrade()),
            machine: Machine::new(Arc::clone(&shared), queue, hub),
            shared,
            threads: Threads {
                log: log_thread,
                rows: rows_thread,
            },
        })
    }

    /// Whose it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The Raft log, for openraft, and what is remembered of the peers.
    #[must_use]
    pub fn log(&self) -> LogStore {
        self.log.clone()
    }

    /// The state machine, for openraft. There must be one Raft only.
    #[must_use]
    pub fn state_machine(&self) -> StateMachine {
        StateMachine::new(self.machine.clone())
    }

    /// Reads what is applied.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Makes backups of it.
    #[must_use]
    pub fn backups(&self) -> Backups {
        Backups::new(self.reader())
    }

    /// Where received snapshots are put down.
    #[must_use]
    pub fn snapshot_dir(&self) -> SnapshotDir {
        SnapshotDir {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Says when and why the store failed. The daemon must end then.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.shared.failure.clone()
    }

    /// Writes what is queued, makes a last checkpoint, ends the threads and closes the files. Raft
    /// must be shut down before. After a failure it closes all the same, and gives its cause.
    ///
    /// # Errors
    /// When something could not be written.
    pub async fn shutdown(self) -> Result<(), StoreError> {
        let Self { shared, threads, .. } = self;
        let stop = move || {
            let rows = threads.rows.stop();
            let log = threads.log.stop();
            let file = shared.database.swap(None);
            rows.and(log).and(file.map_or(Ok(()), |file| close(File::State, file)))
        };
        tokio::task::spawn_blocking(stop)
            .await
            .unwrap_or(Err(StoreError::Closed))
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

/// Makes a file that must not be there.
pub(super) fn open_file(databases: &Databases, file: File, path: &Path) -> Result<Database, OpenError> {
    databases.open(file, path).map_err(|error| opening(file, path, error))
}

/// Opens a file of a formed node and checks that it is of the same node and life.
pub(super) fn open_formed(
    databases: &Databases,
    file: File,
    dir: &Path,
    identity: &Identity,
) -> Result<Database, OpenError> {
    let path = dir.join(file.to_string());
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() == 0 && databases.are_files() => {
            return Err(OpenError::UnexpectedlyEmpty { path });
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && databases.are_files() => {
            return Err(OpenError::Missing { path });
        }
        _ => {}
    }
    let database = open_file(databases, file, &path)?;
    let row = match file {
        File::Raft => raft_log::identity_row(&database)?,
        File::State => rows::identity_row(&database)?,
    };
    match row {
        None => Err(OpenError::UnexpectedlyEmpty { path }),
        Some(text) if text != identity.to_text() => Err(OpenError::Mixed { path }),
        Some(_) => Ok(database),
    }
}

fn opening(file: File, path: &Path, error: DatabaseError) -> OpenError {
    let path = path.to_owned();
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => OpenError::Locked { path },
        // Nothing of a database in it: what a repair made empty, or what never was one.
        DatabaseError::Storage(StorageError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
            StoreError::Corrupt {
                place: path.display().to_string(),
                what: "it is no redb file",
            }
            .into()
        }
        error => StoreError::database(file)(error).into(),
    }
}

/// Removes what a crash left of snapshots on their way in or out.
fn remove_leftovers(dir: &Path) -> Result<(), StoreError> {
    let entries = fs::read_dir(dir).map_err(StoreError::io(dir))?;
    for entry in entries {
        let entry = entry.map_err(StoreError::io(dir))?;
        let name = entry.file_name();
        let left_over = |prefix| name.to_str().is_some_and(|name| name.starts_with(prefix));
        if left_over(NEW_PREFIX) || left_over(SPOOL_PREFIX) {
            let path: PathBuf = entry.path();
            fs::remove_file(&path).map_err(StoreError::io(path))?;
        }
    }
    Ok(())
}

/// Closes a file when the last read on it has ended.
pub(super) fn close(file: File, mut database: Arc<Database>) -> Result<(), StoreError> {
    let deadline = Instant::now() + CLOSE_WAIT_MAX;
    loop {
        match Arc::try_unwrap(database) {
            Ok(last) => return last.close().map_err(StoreError::database(file)),
            Err(shared) if Instant::now() < deadline => database = shared,
            // It is closed by the read's end.
            Err(_) => return Ok(()),
        }
        std::thread::sleep(CLOSE_POLL);
    }
}
