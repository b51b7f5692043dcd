//! Reading lines one by one, and in the order of the log.

use bytes::Bytes;
use quorate_core::{EventNo, RoomEvent, RoomId, Seq};
use quorate_protocol::event;
use redb::ReadTransaction;

use crate::store::seal::unseal;
use crate::store::{StoreError, StoredEvent};

use super::key;
use super::line::not_an_event;
use super::table::{EVENTS, ORIGINALS, PLACES, RowsTable, event_at, failed, no_at};

/// See [`crate::store::Reader::events_from`].
pub(in crate::store) fn events_from(
    transaction: &ReadTransaction,
    from: EventNo,
    limit: usize,
    bytes_max: usize,
) -> Result<Vec<RoomEvent>, StoreError> {
    let table = RowsTable::Events.place();
    let events = transaction.open_table(EVENTS).map_err(failed)?;
    let mut found = Vec::new();
    let mut bytes = 0;
    for row in events.range(from.0..).map_err(failed)?.take(limit) {
        let (no, value) = row.map_err(failed)?;
        let no = no.value();
        let payload = unseal(table, &no.to_be_bytes(), value.value())?;
        bytes += payload.len();
        if bytes > bytes_max && !found.is_empty() {
            break;
        }
        found.push(event::decode(payload).map_err(|_| not_an_event(no))?);
    }
    Ok(found)
}

/// See [`crate::store::Reader::lines`].
pub(in crate::store) fn lines(
    transaction: &ReadTransaction,
    places: &[(RoomId, Seq)],
) -> Result<Vec<Option<StoredEvent>>, StoreError> {
    let table = transaction.open_table(PLACES).map_err(failed)?;
    let events = transaction.open_table(EVENTS).map_err(failed)?;
    let line = |(room, seq): &(RoomId, Seq)| {
        let Some(no) = no_at(&table, *room, *seq)? else {
            return Ok(None);
        };
        Ok(Some(StoredEvent {
            seq: *seq,
            no: EventNo(no),
            bytes: event_at(&events, no)?,
        }))
    };
    places.iter().map(line).collect()
}

/// See [`crate::store::Reader::original`].
pub(in crate::store) fn original(
    transaction: &ReadTransaction,
    room: RoomId,
    seq: Seq,
) -> Result<Option<StoredEvent>, StoreError> {
    let table = RowsTable::Originals.place();
    let originals = transaction.open_table(ORIGINALS).map_err(failed)?;
    let key = key::place(room.0, seq.0);
    let Some(value) = originals.get(key.as_slice()).map_err(failed)? else {
        return Ok(None);
    };
    let bytes = Bytes::copy_from_slice(unseal(table, &key, value.value())?);
    let places = transaction.open_table(PLACES).map_err(failed)?;
    let no = no_at(&places, room, seq)?.ok_or_else(|| table.corrupt(&key, "the original of no line"))?;
    Ok(Some(StoredEvent {
        seq,
        no: EventNo(no),
        bytes,
    }))
}
