//! Making a snapshot's frames.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use redb::{ReadTransaction, ReadableTable};

use crate::store::StoreError;
use crate::store::machine::Shared;
use crate::store::rows::{self, EVENTS, Meta, ORIGINALS, PLACES, RECORDS, RowsTable};

use super::frame::{Chain, Counts, FRAME_MAX_BYTES};

/// Spools beside the data, so that what fits there fits here; removed at start.
pub(in crate::store) const SPOOL_PREFIX: &str = "snapshot.spool.";
const LENGTH_BYTES: usize = 4;

static SPOOLS: AtomicU64 = AtomicU64::new(0);

/// This node's state as a snapshot.
#[derive(Clone)]
pub struct SnapshotReader {
    shared: Arc<Shared>,
}

impl fmt::Debug for SnapshotReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SnapshotReader")
    }
}

impl SnapshotReader {
    pub(in crate::store) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The frames of the state as it is now, which may be newer than the meta that openraft has with
    /// this snapshot: who receives them takes the meta from the header ([`super::Received::meta`]).
    ///
    /// Blocks: all rows are read at once into a spool file, so that the read transaction is short
    /// however slowly the frames are taken; each step then reads from that file.
    pub fn frames(&self) -> impl Iterator<Item = Result<Bytes, StoreError>> + Send + use<> {
        let (spool, error) = match self.spool() {
            Ok(spool) => (Some(spool), None),
            Err(error) => (None, Some(Err(error))),
        };
        error.into_iter().chain(spool.into_iter().flatten())
    }

    fn spool(&self) -> Result<Spool, StoreError> {
        self.shared.failure.check()?;
        let mut spool = SpoolWriter::create(&self.shared.dir)?;
        self.read(|frame| spool.push(&frame))?;
        spool.finish()
    }

    /// Makes the frames, in one read transaction, and says what they are of. Blocks.
    pub(in crate::store) fn read(
        &self,
        push: impl FnMut(Bytes) -> Result<(), StoreError>,
    ) -> Result<(Meta, Counts), StoreError> {
        match self.read_rows(push) {
            // The spool's own errors (a full disk) fail this snapshot, not the node.
            Err(error @ StoreError::Io { .. }) => Err(error),
            other => self.shared.failure.note(other),
        }
    }

    fn read_rows(&self, mut push: impl FnMut(Bytes) -> Result<(), StoreError>) -> Result<(Meta, Counts), StoreError> {
        let transaction = self.shared.begin_read()?;
        let meta = rows::load_meta(&transaction)?;
        let mut chain = Chain::default();
        push(chain.header(self.shared.identity.cluster.as_str(), &meta))?;
        let mut counts = Counts::default();
        for (count, table) in counts.iter_mut().zip(RowsTable::ALL) {
            let mut frame = chain.rows(table);
            each_row(&transaction, table, |key, value| {
                rows::check_row(table, key, value)?;
                *count += 1;
                if frame.push(key, value) {
                    return Ok(());
                }
                let full = std::mem::replace(&mut frame, chain.rows(table));
                push(chain.close_rows(full))?;
                // The number of the new frame is one more since the last was closed.
                frame = chain.rows(table);
                assert!(
                    frame.push(key, value),
                    "records and events are far smaller than a frame"
                );
                Ok(())
            })?;
            if !frame.is_empty() {
                push(chain.close_rows(frame))?;
            }
        }
        push(chain.trailer(counts))?;
        Ok((meta, counts))
    }
}

fn each_row(
    transaction: &ReadTransaction,
    table: RowsTable,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let bytes = match table {
        RowsTable::Events => {
            let events = transaction.open_table(EVENTS).map_err(rows::failed)?;
            for row in events.iter().map_err(rows::failed)? {
                let (key, value) = row.map_err(rows::failed)?;
                visit(&key.value().to_be_bytes(), value.value())?;
            }
            return Ok(());
        }
        RowsTable::Records => RECORDS,
        RowsTable::Places => PLACES,
        RowsTable::Originals => ORIGINALS,
    };
    let table = transaction.open_table(bytes).map_err(rows::failed)?;
    for row in table.iter().map_err(rows::failed)? {
        let (key, value) = row.map_err(rows::failed)?;
        visit(key.value(), value.value())?;
    }
    Ok(())
}

/// A file without a name beside the data, and the name that it had.
pub(in crate::store) fn spool_file(dir: &Path) -> Result<(PathBuf, File), StoreError> {
    let number = SPOOLS.fetch_add(1, Ordering::Relaxed);
    let path = dir.join(format!("{SPOOL_PREFIX}{number}"));
    let open = || {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        // Without a name it is gone with its last user, whatever happens.
        fs::remove_file(&path)?;
        Ok(file)
    };
    let file = open().map_err(StoreError::io(&path))?;
    Ok((path, file))
}

struct SpoolWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl SpoolWriter {
    fn create(dir: &Path) -> Result<Self, StoreError> {
        let (path, file) = spool_file(dir)?;
        Ok(Self {
            path,
            file: BufWriter::new(file),
        })
    }

    fn push(&mut self, frame: &[u8]) -> Result<(), StoreError> {
        let len = u32::try_from(frame.len()).expect("frames are bounded");
        self.file
            .write_all(&len.to_be_bytes())
            .and_then(|()| self.file.write_all(frame))
            .map_err(StoreError::io(&self.path))
    }

    fn finish(self) -> Result<Spool, StoreError> {
        let Self { path, file } = self;
        let rewind = || {
            let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            Ok(BufReader::with_capacity(FRAME_MAX_BYTES, file))
        };
        let file = rewind().map_err(StoreError::io(&path))?;
        Ok(Spool { path, file })
    }
}

/// Frames on the way out.
struct Spool {
    path: PathBuf,
    file: BufReader<File>,
}

impl Spool {
    fn read(&mut self) -> io::Result<Option<Bytes>> {
        let mut len = [0; LENGTH_BYTES];
        match self.file.read_exact(&mut len) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            other => other?,
        }
        let mut frame = vec![0; u32::from_be_bytes(len) as usize];
        self.file.read_exact(&mut frame)?;
        Ok(Some(frame.into()))
    }
}

impl Iterator for Spool {
    type Item = Result<Bytes, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().map_err(StoreError::io(&self.path)).transpose()
    }
}
