//! Loading a snapshot's frames into an empty file of rows, each of them checked.

use std::ops::Bound;
use std::sync::Arc;

use quorate_core::State;
use redb::{CursorError, Database, Durability, Key, ReadableDatabase, TableError, WriteTransaction};

use crate::store::rows::{self, EVENTS, Meta, ORIGINALS, PLACES, RECORDS, RowsTable};
use crate::store::{Identity, SnapshotError, StoreError};

use super::frame::{self, Chain, Counts, FORMAT_OLDEST, FORMAT_VERSION, Frame};

/// Bytes in a transaction: redb keeps in memory what a transaction wrote.
const TRANSACTION_BYTES_MAX: usize = 16 << 20;

/// Takes the frames in their order.
pub(in crate::store) struct Loader {
    database: Arc<Database>,
    transaction: Option<(WriteTransaction, usize)>,
    chain: Chain,
    header: Option<(String, Meta)>,
    counts: Counts,
    complete: bool,
}

impl Loader {
    /// Into a file that has no rows.
    pub(in crate::store) fn new(database: Arc<Database>) -> Self {
        Self {
            database,
            transaction: None,
            chain: Chain::default(),
            header: None,
            counts: Counts::default(),
            complete: false,
        }
    }

    /// The cluster, and up to where the rows are; known with the first frame.
    pub(in crate::store) fn header(&self) -> Option<&(String, Meta)> {
        self.header.as_ref()
    }

    /// Takes the next frame.
    pub(in crate::store) fn push(&mut self, frame: &[u8]) -> Result<(), SnapshotError> {
        let number = self.chain.next;
        let bad = |what| SnapshotError::Garbled { frame: number, what };
        let chain = self.chain.crc;
        let parsed = self.chain.accept(frame)?;
        match (parsed, &self.header) {
            _ if self.complete => Err(bad("after the end")),
            (Frame::Header { .. }, Some(_)) => Err(bad("a second header")),
            (Frame::Header { format, rest }, None) => {
                self.header = Some(read_header(format, rest, number)?);
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
        let mut transaction = self.database.begin_write().map_err(rows::failed)?;
        transaction.set_durability(durability).map_err(rows::failed)?;
        Ok(transaction)
    }

    /// Makes all of it durable as the rows of this node, with what `change` makes of where they stand, and reads
    /// them back as a state.
    pub(in crate::store) fn finish(
        mut self,
        identity: &Identity,
        change: impl FnOnce(Meta) -> Meta,
    ) -> Result<(State, Meta), SnapshotError> {
        let (Some((_, meta)), true) = (self.header.take(), self.complete) else {
            return Err(SnapshotError::Garbled {
                frame: self.chain.next,
                what: "the end is missing",
            });
        };
        let meta = change(meta);
        if let Some((transaction, _)) = self.transaction.take() {
            transaction.commit().map_err(rows::failed)?;
        }
        let mut transaction = self.begin_write(Durability::Immediate)?;
        transaction.set_quick_repair(true);
        rows::write_identity(&transaction, identity)?;
        rows::write_meta(&transaction, &meta)?;
        transaction.commit().map_err(rows::failed)?;
        let read = self.database.begin_read().map_err(rows::failed)?;
        let state = rows::load_state(&read).map_err(|error| match error {
            StoreError::Inconsistent(why) => SnapshotError::Inconsistent(why),
            error => error.into(),
        })?;
        Ok((state, meta))
    }
}

/// Cluster and meta, if this program knows the format.
pub(in crate::store) fn read_header(format: u32, rest: &[u8], number: u32) -> Result<(String, Meta), SnapshotError> {
    let bad = |what| SnapshotError::Garbled { frame: number, what };
    if format > FORMAT_VERSION {
        return Err(SnapshotError::NewerFormat {
            found: format,
            known: FORMAT_VERSION,
        });
    }
    if format < FORMAT_OLDEST {
        return Err(bad("of a format before any release"));
    }
    frame::parse_header(format, rest).ok_or_else(|| bad("not the shape of a header"))
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
