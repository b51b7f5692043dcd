//! The tables of `state.redb`: shapes of their rows, and reading them at start.

use bytes::{Buf, Bytes};
use quorate_core::{EventNo, NodeId, Record, RecordKey, RoomEvent, RoomId, Seq, State};
use quorate_protocol::event;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, TableDefinition, TableError, WriteTransaction};

use crate::consensus::types::LogId;
use crate::consensus::types::{StoredMembership, shape};
use crate::store::StoreError;
use crate::store::database::File;
use crate::store::identity::Identity;
use crate::store::seal::{Place, seal, seal_with, unseal};

use super::{EventRow, key};

pub(in crate::store) const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
pub(in crate::store) const EVENTS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
pub(in crate::store) const PLACES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("places");
/// Messages as they were posted, of those that were edited since.
pub(in crate::store) const ORIGINALS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("originals");
const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");

const META_PLACE: Place = place("meta");
const IDENTITY: &str = "identity";
const APPLIED: &str = "applied";
const HIGHEST_NODE: &str = "highest_node";

const fn place(table: &'static str) -> Place {
    Place {
        file: File::State,
        table,
    }
}

/// The tables whose rows a snapshot carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum RowsTable {
    Records,
    Events,
    Places,
    Originals,
}

impl RowsTable {
    pub(in crate::store) const COUNT: usize = 4;
    pub(in crate::store) const ALL: [Self; Self::COUNT] = [Self::Records, Self::Events, Self::Places, Self::Originals];

    pub(super) const fn place(self) -> Place {
        place(match self {
            Self::Records => "records",
            Self::Events => "events",
            Self::Places => "places",
            Self::Originals => "originals",
        })
    }
}

/// Up to which entry the rows are, and what Raft knows of nodes at that entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::store) struct Meta {
    pub(in crate::store) applied: Option<LogId>,
    pub(in crate::store) membership: StoredMembership,
    /// The highest id of a node that ever was a member: ids are never given again.
    pub(in crate::store) highest_node: NodeId,
}

impl Meta {
    /// Of a time when the highest id was not written down; it is no lower than those of the members.
    pub(in crate::store) fn new(applied: Option<LogId>, membership: StoredMembership) -> Self {
        let mut meta = Self {
            applied,
            ..Self::default()
        };
        meta.set_membership(membership);
        meta
    }

    pub(in crate::store) fn set_membership(&mut self, membership: StoredMembership) {
        let highest = membership.nodes().map(|(node, _)| *node).max();
        self.highest_node = self.highest_node.max(highest.unwrap_or_default());
        self.membership = membership;
    }
}

/// Maps redb's errors to ours.
pub(in crate::store) fn failed<E: Into<redb::Error>>(error: E) -> StoreError {
    StoreError::database(File::State)(error)
}

/// Makes all tables, with the identity, in a file that has none.
pub(in crate::store) fn write_identity(transaction: &WriteTransaction, identity: &Identity) -> Result<(), StoreError> {
    transaction.open_table(RECORDS).map_err(failed)?;
    transaction.open_table(EVENTS).map_err(failed)?;
    transaction.open_table(PLACES).map_err(failed)?;
    transaction.open_table(ORIGINALS).map_err(failed)?;
    let mut meta = transaction.open_table(META).map_err(failed)?;
    let row = seal(IDENTITY.as_bytes(), identity.to_text().as_bytes());
    meta.insert(IDENTITY, row.as_slice()).map_err(failed)?;
    Ok(())
}

/// The identity's text; none in a file that holds nothing.
pub(in crate::store) fn identity_row(database: &Database) -> Result<Option<String>, StoreError> {
    let transaction = database.begin_read().map_err(failed)?;
    let text = get_meta(&transaction, IDENTITY)?;
    Ok(text.map(|text| String::from_utf8_lossy(&text).into_owned()))
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

pub(in crate::store) fn load_meta(transaction: &ReadTransaction) -> Result<Meta, StoreError> {
    let Some(value) = get_meta(transaction, APPLIED)? else {
        return Ok(Meta::default());
    };
    let mut rest = value.as_slice();
    let applied = shape::get_log_id_option(&mut rest);
    let membership = shape::get_stored_membership(&mut rest);
    let mut meta = match (applied, membership) {
        (Some(applied), Some(membership)) if rest.is_empty() => Meta::new(applied, membership),
        _ => return Err(META_PLACE.corrupt(APPLIED.as_bytes(), "not the shape of its row")),
    };
    if let Some(value) = get_meta(transaction, HIGHEST_NODE)? {
        let bad = |_| META_PLACE.corrupt(HIGHEST_NODE.as_bytes(), "not the shape of its row");
        let highest = value.as_slice().try_get_u64().map_err(bad)?;
        meta.highest_node = meta.highest_node.max(NodeId(highest));
    }
    Ok(meta)
}

pub(in crate::store) fn write_meta(transaction: &WriteTransaction, meta: &Meta) -> Result<(), StoreError> {
    let row = seal_with(APPLIED.as_bytes(), |out| {
        shape::put_log_id_option(out, meta.applied.as_ref());
        shape::put_stored_membership(out, &meta.membership);
    });
    let mut table = transaction.open_table(META).map_err(failed)?;
    table.insert(APPLIED, row.as_slice()).map_err(failed)?;
    let row = seal(HIGHEST_NODE.as_bytes(), &meta.highest_node.0.to_be_bytes());
    table.insert(HIGHEST_NODE, row.as_slice()).map_err(failed)?;
    Ok(())
}

/// Writes these records, or takes them away, and waits for the disk.
pub(in crate::store) fn replace_records(
    database: &Database,
    changes: &[(RecordKey, Option<Record>)],
) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    {
        let mut records = transaction.open_table(RECORDS).map_err(failed)?;
        for (key, record) in changes {
            let key = key::encode(key);
            match record {
                Some(record) => drop(
                    records
                        .insert(key.as_slice(), encode_record(&key, record).as_slice())
                        .map_err(failed)?,
                ),
                None => drop(records.remove(key.as_slice()).map_err(failed)?),
            }
        }
    }
    transaction.commit().map_err(failed)
}

/// The row of a record: MessagePack, its fields by position.
pub(super) fn encode_record(key: &[u8], record: &Record) -> Vec<u8> {
    seal_with(key, |out| {
        rmp_serde::encode::write(out, record).expect("records hold nothing that MessagePack cannot");
    })
}

pub(in crate::store) fn decode_record(key: &[u8], value: &[u8]) -> Result<Record, StoreError> {
    let place = RowsTable::Records.place();
    let payload = unseal(place, key, value)?;
    let record: Option<Record> = rmp_serde::from_slice(payload).ok();
    let record = record.filter(|record| key::encode(&record.key()) == key);
    record.ok_or_else(|| place.corrupt(key, "not the shape of a record"))
}

/// All records as a state.
pub(in crate::store) fn load_state(transaction: &ReadTransaction) -> Result<State, StoreError> {
    let records = transaction.open_table(RECORDS).map_err(failed)?;
    let mut bad = None;
    let sound = records.iter().map_err(failed)?.map_while(|row| {
        let decoded = row
            .map_err(failed)
            .and_then(|(key, value)| decode_record(key.value(), value.value()));
        decoded.map_err(|error| bad = Some(error)).ok()
    });
    let state = State::from_records(sound);
    match bad {
        Some(error) => Err(error),
        None => state.map_err(StoreError::Inconsistent),
    }
}

/// The sealed value of a room event.
pub(super) fn seal_event(no: EventNo, bytes: &[u8]) -> Vec<u8> {
    seal(&no.0.to_be_bytes(), bytes)
}

/// Key and sealed value of an event's place.
pub(super) fn seal_place(event: &EventRow) -> ([u8; 16], Vec<u8>) {
    let key = key::place(event.room.0, event.seq.0);
    let value = seal(&key, &event.no.0.to_be_bytes());
    (key, value)
}

/// Room, seq and event number of a row of places.
pub(in crate::store) fn decode_place(key: &[u8], value: &[u8]) -> Result<(RoomId, Seq, u64), StoreError> {
    let table = RowsTable::Places.place();
    let bad = |_| table.corrupt(key, "not the shape of its row");
    let mut payload = unseal(table, key, value)?;
    let mut place = key;
    let room = place.try_get_u64().map_err(bad)?;
    let seq = place.try_get_u64().map_err(bad)?;
    let no = payload.try_get_u64().map_err(bad)?;
    Ok((RoomId(room), Seq(seq), no))
}

/// The number of the event at a place, if a line is kept there.
pub(super) fn no_at(
    places: &impl ReadableTable<&'static [u8], &'static [u8]>,
    room: RoomId,
    seq: Seq,
) -> Result<Option<u64>, StoreError> {
    let key = key::place(room.0, seq.0);
    let value = places.get(key.as_slice()).map_err(failed)?;
    let place = value.map(|value| decode_place(&key, value.value())).transpose()?;
    Ok(place.map(|(_, _, no)| no))
}

/// The event of a row of events.
pub(in crate::store) fn decode_event(key: &[u8], value: &[u8]) -> Result<RoomEvent, StoreError> {
    let table = RowsTable::Events.place();
    let decoded = event::decode(unseal(table, key, value)?).ok();
    let decoded = decoded.filter(|event| event.no.0.to_be_bytes() == key);
    decoded.ok_or_else(|| table.corrupt(key, "not the shape of an event"))
}

/// The event of a row of originals.
pub(in crate::store) fn decode_original(key: &[u8], value: &[u8]) -> Result<RoomEvent, StoreError> {
    let table = RowsTable::Originals.place();
    let decoded = event::decode(unseal(table, key, value)?).ok();
    let decoded = decoded.filter(|event| key::place(event.room.0, event.seq.0) == key);
    decoded.ok_or_else(|| table.corrupt(key, "not the shape of an event"))
}

/// The bytes of an event that a place names.
pub(super) fn event_at(events: &impl ReadableTable<u64, &'static [u8]>, no: u64) -> Result<Bytes, StoreError> {
    let table = RowsTable::Events.place();
    let key = no.to_be_bytes();
    let value = events.get(no).map_err(failed)?;
    let value = value.ok_or_else(|| table.corrupt(&key, "the event is missing"))?;
    Ok(Bytes::copy_from_slice(unseal(table, &key, value.value())?))
}

/// The oldest line that is kept of a room, by the room's record; none of a room that has none.
pub(super) fn first_kept(transaction: &ReadTransaction, room: RoomId) -> Result<Option<Seq>, StoreError> {
    let records = transaction.open_table(RECORDS).map_err(failed)?;
    let key = key::encode(&RecordKey::Room(room));
    let Some(value) = records.get(key.as_slice()).map_err(failed)? else {
        return Ok(None);
    };
    Ok(match decode_record(&key, value.value())? {
        Record::Room(_, room) => Some(room.first_seq),
        _ => None,
    })
}

/// Checks a row of any table before it leaves for, or comes from, another node.
pub(in crate::store) fn check_row(table: RowsTable, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
    unseal(table.place(), key, value).map(drop)
}
