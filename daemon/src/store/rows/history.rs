//! Reading a page of a room's history.

use bytes::{Buf, Bytes};
use quorate_core::{EventNo, RoomId, Seq};
use redb::{ReadTransaction, ReadableTable};

use crate::store::seal::unseal;
use crate::store::{Range, StoreError, StoredEvent};

use super::key;
use super::table::{EVENTS, PLACES, RowsTable, failed};

/// The events of a range in the order of their seqs; see [`crate::store::Reader::history`].
pub(in crate::store) fn history(
    transaction: &ReadTransaction,
    room: RoomId,
    range: Range,
    limit: usize,
    bytes_max: usize,
) -> Result<Vec<StoredEvent>, StoreError> {
    let places = transaction.open_table(PLACES).map_err(failed)?;
    let events = transaction.open_table(EVENTS).map_err(failed)?;
    let (first, last) = match range {
        Range::After(seq) => (seq.next().0, u64::MAX),
        Range::Before(seq) => (1, seq.0.saturating_sub(1)),
        Range::Newest => (1, u64::MAX),
    };
    let mut page = Page {
        limit,
        bytes_max,
        bytes: 0,
        events: Vec::new(),
    };
    if first > last {
        return Ok(page.events);
    }
    let (start, end) = (key::place(room.0, first), key::place(room.0, last));
    let rows = places.range(start.as_slice()..=end.as_slice()).map_err(failed)?;
    let forward = matches!(range, Range::After(_));
    let (mut ahead, mut back);
    let rows: &mut dyn Iterator<Item = _> = if forward {
        ahead = rows;
        &mut ahead
    } else {
        back = rows.rev();
        &mut back
    };
    let mut expected = forward.then_some(first);
    for row in rows {
        let (place, no) = row.map_err(failed)?;
        let (place, no) = read_place(place.value(), no.value())?;
        if expected.is_some_and(|expected| expected != place.1) {
            // Seqs have no gaps, so the row in between was lost.
            let expected = key::place(room.0, expected.unwrap_or_default());
            return Err(RowsTable::Places.place().corrupt(&expected, "the seq is missing"));
        }
        expected = Some(if forward { place.1 + 1 } else { place.1 - 1 });
        if page.full() {
            break;
        }
        let bytes = read_event(&events, no)?;
        if !page.push(Seq(place.1), EventNo(no), bytes) {
            break;
        }
    }
    if !forward {
        page.events.reverse();
    }
    Ok(page.events)
}

struct Page {
    limit: usize,
    bytes_max: usize,
    bytes: usize,
    events: Vec<StoredEvent>,
}

impl Page {
    fn full(&self) -> bool {
        self.events.len() >= self.limit
    }

    /// Takes the event if it fits, or is the first.
    fn push(&mut self, seq: Seq, no: EventNo, bytes: Bytes) -> bool {
        self.bytes += bytes.len();
        let fits = self.events.is_empty() || self.bytes <= self.bytes_max;
        if fits {
            self.events.push(StoredEvent { seq, no, bytes });
        }
        fits
    }
}

fn read_place(key: &[u8], value: &[u8]) -> Result<((u64, u64), u64), StoreError> {
    let table = RowsTable::Places.place();
    let bad = || table.corrupt(key, "not the shape of its row");
    let mut payload = unseal(table, key, value)?;
    let mut place = key;
    let room = place.try_get_u64().map_err(|_| bad())?;
    let seq = place.try_get_u64().map_err(|_| bad())?;
    let no = payload.try_get_u64().map_err(|_| bad())?;
    Ok(((room, seq), no))
}

fn read_event(events: &impl ReadableTable<u64, &'static [u8]>, no: u64) -> Result<Bytes, StoreError> {
    let table = RowsTable::Events.place();
    let key = no.to_be_bytes();
    let value = events.get(no).map_err(failed)?;
    let value = value.ok_or_else(|| table.corrupt(&key, "the event is missing"))?;
    Ok(Bytes::copy_from_slice(unseal(table, &key, value.value())?))
}
