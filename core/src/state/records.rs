//! The state as records, for stores and snapshots.

use crate::{Receipt, ReceiptSlot, Record, RecordKey, State, WriterId};

use super::table::{MessageKey, WriterState};

impl State {
    /// All of it, in the order of the keys.
    pub fn records(&self) -> impl Iterator<Item = Record> + '_ {
        std::iter::once(Record::Clock(self.clock))
            .chain(self.users.iter().map(|(id, user)| Record::User(*id, user.clone())))
            .chain(
                self.devices
                    .iter()
                    .map(|(id, device)| Record::Device(*id, device.clone())),
            )
            .chain(self.writers.iter().map(|(id, state)| Record::Writer(*id, state.writer)))
            .chain(self.writers.iter().flat_map(|(id, state)| receipts(*id, state)))
            .chain(
                self.rooms
                    .iter()
                    .map(|(id, state)| Record::Room(*id, state.room.clone())),
            )
            .chain(
                self.members
                    .iter()
                    .map(|((room, user), member)| Record::Member(*room, *user, *member)),
            )
            .chain(
                self.messages
                    .iter()
                    .map(|(key, placed)| Record::MessageKey(key.author(), key.digest(), *placed)),
            )
    }

    /// What is to be kept under a key now; nothing, when the row is to be deleted.
    #[must_use]
    pub fn record(&self, key: &RecordKey) -> Option<Record> {
        Some(match *key {
            RecordKey::Clock => Record::Clock(self.clock),
            RecordKey::User(id) => Record::User(id, self.users.get(&id)?.clone()),
            RecordKey::Device(id) => Record::Device(id, self.devices.get(&id)?.clone()),
            RecordKey::Writer(id) => Record::Writer(id, self.writers.get(&id)?.writer),
            RecordKey::Receipt(id, slot) => receipt(id, self.writers.get(&id)?, slot)?,
            RecordKey::Room(id) => Record::Room(id, self.rooms.get(&id)?.room.clone()),
            RecordKey::Member(room, user) => Record::Member(room, user, *self.members.get(&(room, user))?),
            RecordKey::MessageKey(author, digest) => {
                Record::MessageKey(author, digest, *self.messages.get(&MessageKey::new(author, digest))?)
            }
        })
    }
}

fn receipts(id: WriterId, state: &WriterState) -> impl Iterator<Item = Record> + '_ {
    ReceiptSlot::all().filter_map(move |slot| receipt(id, state, slot))
}

fn receipt(id: WriterId, state: &WriterState, slot: ReceiptSlot) -> Option<Record> {
    let (request, outcome) = state.in_slot(slot)?;
    Some(Record::Receipt(
        id,
        slot,
        Receipt {
            request,
            outcome: outcome.clone(),
        },
    ))
}
