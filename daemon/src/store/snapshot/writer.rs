//! Taking a snapshot in, frame by frame, into a file of its own.

use std::fmt;
use std::fs;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use quorate_core::State;
use redb::{CursorError, Database, Durability, Key, ReadableDatabase, TableError, WriteTransaction};

use crate::store::database::File;
use crate::store::machine::Shared;
use crate::store::rows::{self, EVENTS, Install, Meta, ORIGINALS, PLACES, RECORDS, RowsTable};
use crate::store::{FORMAT_VERSION as STORE_FORMAT, Identity, SnapshotError, StoreError};

use super::SnapshotMeta;
use super::frame::{self, Chain, Counts, FORMAT_VERSION, Frame};

/// The files that snapshots are loaded into; what of them is found at start is removed.
pub(in crate::store) const NEW_PREFIX: &str = "state.redb.new.";
/// Bytes in a transaction: redb keeps in memory what a transaction wrote.
const TRANSACTION_BYTES_MAX: usize = 16 << 20;

static NEW_FILES: AtomicU64 = AtomicU64::new(0);

/// Where received snapshots are put down.
#[derive(Clone)]
pub struct SnapshotDir {
    pub(in crate::store) shared: Arc<Shared>,
}

/// Takes a snapshot's frames. Dropped before its end, it leaves nothing.
pub struct SnapshotWriter {
    target: NewFile,
    identity: Identity,
    transaction: Option<(WriteTransaction, usize)>,
    chain: Chain,
    meta: Option<Meta>,
    counts: Counts,
    complete: bool,
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
        Ok(Self {
            target: NewFile::create(dir)?,
            identity: dir.shared.identity.clone(),
            transaction: None,
            chain: Chain::default(),
            meta: None,
            counts: Counts::default(),
            complete: false,
        })
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// See [`SnapshotError`]. The writer is of no use afterwards.
    pub fn push(&mut self, frame: Bytes) -> Result<(), SnapshotError> {
        let number = self.chain.next;
        let bad = |what| SnapshotError::Garbled { frame: number, what };
        let chain = self.chain.crc;
        let parsed = self.chain.accept(&frame)?;
        match (parsed, &self.meta) {
            _ if self.complete => Err(bad("after the end")),
            (Frame::Header { format, .. }, _) if format > FORMAT_VERSION => Err(SnapshotError::NewerFormat {
                found: format,
                known: FORMAT_VERSION,
            }),
            (Frame::Header { format, .. }, _) if format < FORMAT_VERSION => Err(bad("of a format before any release")),
            (Frame::Header { rest, .. }, None) => {
                let (cluster, meta) = frame::parse_header(rest).ok_or_else(|| bad("not the shape of a header"))?;
                if cluster != self.identity.cluster.as_str() {
                    return Err(SnapshotError::OtherCluster {
                        expected: self.identity.cluster.clone(),
                        found: cluster,
                    });
                }
                self.meta = Some(meta);
                Ok(())
            }
            (Frame::Rows { table, rows }, Some(_)) => self.take_rows(table, rows, number),
            (Frame::Trailer { counts, chain: sent }, Some(_)) => {
                if sent != chain || counts != self.counts {
                    return Err(bad("frames are missing"));
                }
                self.complete = true;
                Ok(())
            }
            (Frame::Header { .. }, Some(_)) => Err(bad("a second header")),
            (Frame::Rows { .. } | Frame::Trailer { .. }, None) => Err(bad("no header before it")),
        }
    }

    fn take_rows(&mut self, table: RowsTable, rows: &[u8], number: u32) -> Result<(), SnapshotError> {
        let (transaction, bytes) = match self.transaction.take() {
            Some(open) => open,
            None => (self.begin_write(Durability::None)?, 0),
        };
        let count = match table {
            RowsTable::Records => load(&transaction, RECORDS, table, rows, number, as_it_is),
            RowsTable::Places => load(&transaction, PLACES, table, rows, number, as_it_is),
            RowsTable::Originals => load(&transaction, ORIGINALS, table, rows, number, as_it_is),
            RowsTable::Events => load(&transaction, EVENTS, table, rows, number, |key| {
                key.try_into().ok().map(u64::from_be_bytes)
            }),
        }?;
        self.counts[table as usize] += count;
        let bytes = bytes + rows.len();
        if bytes < TRANSACTION_BYTES_MAX {
            self.transaction = Some((transaction, bytes));
        } else {
            transaction.commit().map_err(rows::failed)?;
        }
        Ok(())
    }

    fn begin_write(&self, durability: Durability) -> Result<WriteTransaction, StoreError> {
        let mut transaction = self.target.database().begin_write().map_err(rows::failed)?;
        transaction.set_durability(durability).map_err(rows::failed)?;
        Ok(transaction)
    }

    /// Makes it durable and reads it back as a state.
    ///
    /// # Errors
    /// See [`SnapshotError`]; also when the last frame has not come.
    pub fn finish(mut self) -> Result<Received, SnapshotError> {
        let (Some(meta), true) = (self.meta.take(), self.complete) else {
            return Err(SnapshotError::Garbled {
                frame: self.chain.next,
                what: "the end is missing",
            });
        };
        if let Some((transaction, _)) = self.transaction.take() {
            transaction.commit().map_err(rows::failed)?;
        }
        let mut transaction = self.begin_write(Durability::Immediate)?;
        transaction.set_quick_repair(true);
        let identity = Identity {
            format: STORE_FORMAT,
            ..self.identity.clone()
        };
        rows::write_identity(&transaction, &identity)?;
        rows::write_meta(&transaction, &meta)?;
        transaction.commit().map_err(rows::failed)?;
        let read = self.target.database().begin_read().map_err(rows::failed)?;
        let state = rows::load_state(&read).map_err(|error| match error {
            StoreError::Inconsistent(why) => SnapshotError::Inconsistent(why),
            error => error.into(),
        })?;
        drop(read);
        let Self { target, .. } = self;
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

/// Appends the rows of a frame to their table, checking each of them.
fn load<K: Key + 'static>(
    transaction: &WriteTransaction,
    definition: redb::TableDefinition<'_, K, &'static [u8]>,
    table: RowsTable,
    mut rows: &[u8],
    number: u32,
    parse_key: impl for<'k> Fn(&'k [u8]) -> Option<K::SelfType<'k>>,
) -> Result<u64, SnapshotError> {
    let bad = |what| SnapshotError::Garbled { frame: number, what };
    let mut target = transaction.open_table(definition).map_err(rows::failed::<TableError>)?;
    let mut end = target
        .upper_bound_mut(Bound::<K::SelfType<'_>>::Unbounded)
        .map_err(rows::failed)?;
    let mut count = 0;
    while !rows.is_empty() {
        let (key, value) = frame::next_row(&mut rows).ok_or_else(|| bad("a row is cut"))?;
        rows::check_row(table, key, value).map_err(|_| bad("a row's checksum mismatch"))?;
        let key = parse_key(key).ok_or_else(|| bad("not the shape of a key"))?;
        match end.insert_before(key, value) {
            Err(CursorError::UnorderedKey) => return Err(bad("keys out of order")),
            other => other.map_err(rows::failed)?,
        }
        count += 1;
    }
    end.close().map_err(rows::failed)?;
    Ok(count)
}

fn as_it_is(key: &[u8]) -> Option<&[u8]> {
    Some(key)
}
