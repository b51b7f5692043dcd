//! The tables of `raft.redb`, and reading them at start.

use std::ops::Range;

use bytes::Buf;
use quorate_core::NodeId;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::consensus::types::shape;
use crate::consensus::types::{LogEntry, LogId};
use crate::store::StoreError;
use crate::store::database::File;
use crate::store::identity::{Identity, Incarnation};
use crate::store::seal::{Place, seal, seal_with, unseal};

use super::cache::Memory;

pub(super) const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");
pub(super) const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
pub(super) const PEERS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("peers");

const LOG_PLACE: Place = place("log");
const META_PLACE: Place = place("meta");
const PEERS_PLACE: Place = place("peers");

const IDENTITY: &str = "identity";
pub(super) const VOTE: &str = "vote";
pub(super) const PURGED: &str = "purged";
pub(super) const COMMITTED: &str = "committed";
pub(super) const ENROLLED: &str = "enrolled";

const fn place(table: &'static str) -> Place {
    Place {
        file: File::Raft,
        table,
    }
}

/// Maps redb's errors to ours.
pub(super) fn failed<E: Into<redb::Error>>(error: E) -> StoreError {
    StoreError::database(File::Raft)(error)
}

/// Makes all tables, with the identity, in a file that has none.
pub(in crate::store) fn write_identity(database: &Database, identity: &Identity) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    transaction.open_table(LOG).map_err(failed)?;
    transaction.open_table(PEERS).map_err(failed)?;
    put_meta(&transaction, IDENTITY, |out| {
        out.extend_from_slice(identity.to_text().as_bytes());
    })?;
    transaction.commit().map_err(failed)
}

/// The identity's text; none in a file that holds nothing.
pub(in crate::store) fn identity_row(database: &Database) -> Result<Option<String>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let text = get_meta(&transaction, IDENTITY)?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
}

/// The value of a meta row.
pub(super) fn put_meta(
    transaction: &WriteTransaction,
    name: &str,
    write: impl FnOnce(&mut Vec<u8>),
) -> Result<(), StoreError> {
    let mut meta = transaction.open_table(META).map_err(failed)?;
    let value = seal_with(name.as_bytes(), write);
    meta.insert(name, value.as_slice()).map_err(failed)?;
    Ok(())
}

fn get_meta(transaction: &ReadTransaction, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let Some(value) = meta.get(name).map_err(failed)? else {
        return Ok(None);
    };
    Ok(Some(unseal(META_PLACE, name.as_bytes(), value.value())?.to_vec()))
}

fn get_meta_as<T>(
    transaction: &ReadTransaction,
    name: &str,
    parse: impl FnOnce(&mut &[u8]) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    let Some(value) = get_meta(transaction, name)? else {
        return Ok(None);
    };
    let mut rest = value.as_slice();
    match parse(&mut rest) {
        Some(parsed) if rest.is_empty() => Ok(Some(parsed)),
        _ => Err(META_PLACE.corrupt(name.as_bytes(), "not the shape of its row")),
    }
}

/// The row of an entry.
pub(super) fn encode_entry(entry: &LogEntry) -> Vec<u8> {
    seal_with(&entry.log_id.index().to_be_bytes(), |out| shape::put_entry(out, entry))
}

pub(super) fn decode_entry(index: u64, value: &[u8]) -> Result<LogEntry, StoreError> {
    let key = index.to_be_bytes();
    let payload = unseal(LOG_PLACE, &key, value)?;
    let entry = shape::get_entry(payload).filter(|entry| entry.log_id.index() == index);
    entry.ok_or_else(|| LOG_PLACE.corrupt(&key, "not the shape of an entry"))
}

/// The row of a peer.
pub(super) fn encode_peer(peer: NodeId, incarnation: Incarnation) -> Vec<u8> {
    seal(&peer.0.to_be_bytes(), &incarnation.0.to_be_bytes())
}

fn decode_peer(peer: u64, value: &[u8]) -> Result<Incarnation, StoreError> {
    let key = peer.to_be_bytes();
    let mut payload = unseal(PEERS_PLACE, &key, value)?;
    let incarnation = payload.try_get_u128().ok().map(Incarnation);
    incarnation.ok_or_else(|| PEERS_PLACE.corrupt(&key, "not the shape of its row"))
}

/// The entries from the start of a range on, up to the first that is missing or over the limit in
/// bytes (one at least).
pub(super) fn read_entries(
    database: &Database,
    range: Range<u64>,
    bytes_max: usize,
) -> Result<Vec<LogEntry>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let log = transaction.open_table(LOG).map_err(failed)?;
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (row, expected) in log.range(range.clone()).map_err(failed)?.zip(range) {
        let (key, value) = row.map_err(failed)?;
        if key.value() != expected || bytes >= bytes_max {
            break;
        }
        let entry = decode_entry(expected, value.value())?;
        bytes += shape::entry_bytes(&entry);
        entries.push(entry);
    }
    Ok(entries)
}

/// The error for an entry that should be there.
pub(super) fn missing(index: u64) -> StoreError {
    LOG_PLACE.corrupt(&index.to_be_bytes(), "the entry is missing")
}

/// What was durable at the last stop, and the first row that a purge did not come to delete.
pub(super) fn load(database: &Database) -> Result<(Memory, Option<u64>), StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let purged: Option<LogId> = get_meta_as(&transaction, PURGED, shape::get_log_id)?;
    let log = transaction.open_table(LOG).map_err(failed)?;
    let last = match log.last().map_err(failed)? {
        Some((key, value)) => Some(decode_entry(key.value(), value.value())?.log_id),
        None => None,
    };
    let first = log.first().map_err(failed)?.map(|(key, _)| key.value());
    let past = |index: &u64| purged.is_none_or(|purged| *index > purged.index());
    let begin = purged.map_or(0, |purged| purged.index() + 1);
    let first_left = log.range(begin..).map_err(failed)?.next().transpose().map_err(failed)?;
    if first_left.is_some_and(|(key, _)| key.value() != begin) {
        return Err(missing(begin));
    }
    let mut memory = Memory::default();
    memory.vote = get_meta_as(&transaction, VOTE, shape::get_vote)?;
    memory.purged = purged;
    memory.last = last.filter(|last| past(&last.index()));
    memory.committed = get_meta_as(&transaction, COMMITTED, shape::get_log_id)?;
    memory.enrolled = get_meta(&transaction, ENROLLED)?.is_some();
    let peers = transaction.open_table(PEERS).map_err(failed)?;
    for row in peers.iter().map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        let incarnation = decode_peer(key.value(), value.value())?;
        memory.peers.insert(NodeId(key.value()), incarnation);
    }
    Ok((memory, first.filter(|first| !past(first))))
}
