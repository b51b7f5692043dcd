//! Reading a page of a room's history.

use bytes::Bytes;
use quorate_core::{EventNo, RoomId, Seq};
use redb::ReadTransaction;

use crate::store::{Range, StoreError, StoredEvent};

use super::key;
use super::table::{EVENTS, PLACES, RowsTable, decode_place, event_at, failed, first_kept};

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
        let (_, seq, no) = decode_place(place.value(), no.value())?;
        if let Some(expected) = expected.filter(|expected| *expected != seq.0) {
            // Seqs have no gaps, so the row in between was lost: but for the front of a room, which
            // is cut as far as the room's record says in this very transaction.
            let is_front = page.events.is_empty() && expected == first;
            if !is_front || first_kept(transaction, room)? != Some(seq) {
                let expected = key::place(room.0, expected);
                return Err(RowsTable::Places.place().corrupt(&expected, "the seq is missing"));
            }
        }
        expected = Some(if forward { seq.0 + 1 } else { seq.0 - 1 });
        if page.full() {
            break;
        }
        if !page.push(seq, EventNo(no), event_at(&events, no)?) {
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
