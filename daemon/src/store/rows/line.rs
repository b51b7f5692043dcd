//! Writing lines, and changing those that were written before.
//!
//! A change may meet rows that have it behind them already, and leaves them as they are then. What
//! it must not meet is a line that is missing, or of another kind: the state decided on it.

use std::ops::Bound;

use bytes::Bytes;
use quorate_core::{Body, EventNo, RoomEvent, RoomEventKind, RoomId, Seq};
use quorate_protocol::event;
use redb::{Table, WriteTransaction};

use crate::store::StoreError;
use crate::store::seal::seal;

use super::table::{
    EVENTS, ORIGINALS, PLACES, RowsTable, decode_place, event_at, failed, no_at, seal_event, seal_place,
};
use super::{Change, EventRow, key};

type Places<'txn> = Table<'txn, &'static [u8], &'static [u8]>;

/// The tables of lines in one transaction.
pub(super) struct Lines<'txn> {
    transaction: &'txn WriteTransaction,
    events: Table<'txn, u64, &'static [u8]>,
    places: Places<'txn>,
    /// Opened by the first that needs it: most transactions only append.
    originals: Option<Places<'txn>>,
}

impl<'txn> Lines<'txn> {
    pub(super) fn open(transaction: &'txn WriteTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            transaction,
            events: transaction.open_table(EVENTS).map_err(failed)?,
            places: transaction.open_table(PLACES).map_err(failed)?,
            originals: None,
        })
    }

    /// Makes the changes, in their order.
    pub(super) fn change(mut self, changes: impl Iterator<Item = Change>) -> Result<(), StoreError> {
        let mut changes = changes.peekable();
        while changes.peek().is_some() {
            self.append(std::iter::from_fn(|| match changes.next_if(is_append)? {
                Change::Append(event) => Some(event),
                _ => None,
            }))?;
            while let Some(change) = changes.next_if(|change| !is_append(change)) {
                match change {
                    Change::Append(_) => {}
                    Change::Revise {
                        room,
                        target,
                        edit,
                        body,
                    } => self.revise(room, target, edit, body)?,
                    Change::Withdraw { room, lines } => {
                        lines.iter().try_for_each(|seq| self.withdraw(room, *seq))?;
                    }
                    Change::Cut { room, first, .. } => self.cut(room, first)?,
                }
            }
        }
        Ok(())
    }

    /// Events come in the order of their numbers, so they go in at the end without a search.
    fn append(&mut self, events: impl Iterator<Item = EventRow>) -> Result<(), StoreError> {
        let mut end = self.events.upper_bound_mut(Bound::<u64>::Unbounded).map_err(failed)?;
        for event in events {
            let row = seal_event(event.no, &event.bytes);
            end.insert_before(event.no.0, row.as_slice()).map_err(failed)?;
            let (key, value) = seal_place(&event);
            self.places.insert(key.as_slice(), value.as_slice()).map_err(failed)?;
        }
        end.close().map_err(failed)
    }

    fn revise(&mut self, room: RoomId, target: Seq, edit: Seq, body: Body) -> Result<(), StoreError> {
        let (no, bytes, line) = self.line(room, target)?;
        let (id, reply_to) = match line.kind {
            RoomEventKind::Message { id, reply_to, .. } => {
                let key = key::place(room.0, target.0);
                let row = seal(&key, &bytes);
                let originals = self.originals()?;
                originals.insert(key.as_slice(), row.as_slice()).map_err(failed)?;
                (id, reply_to)
            }
            RoomEventKind::Revised { id, reply_to, .. } => (id, reply_to),
            RoomEventKind::Withdrawn { .. } => return Ok(()),
            _ => return Err(not_a_message(no)),
        };
        let kind = RoomEventKind::Revised {
            id,
            body,
            reply_to,
            edit,
        };
        self.replace(no, RoomEvent { kind, ..line })
    }

    fn withdraw(&mut self, room: RoomId, seq: Seq) -> Result<(), StoreError> {
        let (no, _, line) = self.line(room, seq)?;
        let kind = match line.kind {
            RoomEventKind::Message { id, .. } => RoomEventKind::Withdrawn { id },
            RoomEventKind::Revised { id, .. } => {
                let key = key::place(room.0, seq.0);
                self.originals()?.remove(key.as_slice()).map_err(failed)?;
                RoomEventKind::Withdrawn { id }
            }
            RoomEventKind::Edited { target, .. } => RoomEventKind::EditWithdrawn { target },
            RoomEventKind::Withdrawn { .. } | RoomEventKind::EditWithdrawn { .. } => return Ok(()),
            _ => return Err(not_a_message(no)),
        };
        self.replace(no, RoomEvent { kind, ..line })
    }

    fn cut(&mut self, room: RoomId, first: Seq) -> Result<(), StoreError> {
        let (start, end) = (key::place(room.0, 0), key::place(room.0, first.0));
        let range = start.as_slice()..end.as_slice();
        let gone = self
            .places
            .extract_from_if(range.clone(), |_, _| true)
            .map_err(failed)?;
        for row in gone {
            let (place, no) = row.map_err(failed)?;
            let (_, _, no) = decode_place(place.value(), no.value())?;
            self.events.remove(no).map_err(failed)?;
        }
        self.originals()?.retain_in(range, |_, _| false).map_err(failed)
    }

    fn originals(&mut self) -> Result<&mut Places<'txn>, StoreError> {
        let open = match self.originals.take() {
            Some(open) => open,
            None => self.transaction.open_table(ORIGINALS).map_err(failed)?,
        };
        Ok(self.originals.insert(open))
    }

    /// The line at a place as it is stored now.
    fn line(&self, room: RoomId, seq: Seq) -> Result<(EventNo, Bytes, RoomEvent), StoreError> {
        let no = no_at(&self.places, room, seq)?.ok_or_else(|| {
            let place = RowsTable::Places.place();
            place.corrupt(&key::place(room.0, seq.0), "the line to change is missing")
        })?;
        let bytes = event_at(&self.events, no)?;
        let line = event::decode(&bytes).map_err(|_| not_an_event(no))?;
        Ok((EventNo(no), bytes, line))
    }

    fn replace(&mut self, no: EventNo, line: RoomEvent) -> Result<(), StoreError> {
        let row = seal_event(no, &event::encode(&line));
        self.events.insert(no.0, row.as_slice()).map_err(failed)?;
        Ok(())
    }
}

const fn is_append(change: &Change) -> bool {
    matches!(change, Change::Append(_))
}

fn not_a_message(no: EventNo) -> StoreError {
    let table = RowsTable::Events.place();
    table.corrupt(&no.0.to_be_bytes(), "the line to change is no message")
}

pub(super) fn not_an_event(no: u64) -> StoreError {
    let table = RowsTable::Events.place();
    table.corrupt(&no.to_be_bytes(), "not the shape of an event")
}
