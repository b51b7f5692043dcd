//! From records to a state. A store may have lost or mixed up rows: what does not fit together is
//! refused here, before it can make nodes differ.

use std::collections::{BTreeMap, VecDeque};

use thiserror::Error;

use crate::{
    Clock, DeviceId, Member, Outcome, RECEIPT_WINDOW, Receipt, ReceiptSlot, Record, RecordKey, RequestNo, RoomId,
    State, UserId, Writer, WriterId,
};

use super::table::{Lines, MessageKey, RoomState, WriterState};

/// Why records make no state. All of them mean the same to the caller: these rows are no snapshot
/// of one moment, and the node needs another copy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RestoreError {
    /// There are records, but not the clock's.
    #[error("there are records but no clock among them")]
    NoClock,
    /// Two records have the same key.
    #[error("there are two records for {0:?}")]
    Duplicate(RecordKey),
    /// A record names another one that is not there.
    #[error("{from:?} names {to:?}, which is missing")]
    Dangling {
        /// The one that is there.
        from: RecordKey,
        /// The one that is not.
        to: RecordKey,
    },
    /// A record contradicts the others: a name given twice, a count that is not so.
    #[error("{0:?} contradicts the other records")]
    Contradiction(RecordKey),
}

type Receipts = BTreeMap<(WriterId, RequestNo), (ReceiptSlot, Outcome)>;

impl State {
    /// The state that these records are, in any order; no records at all are a new state.
    ///
    /// # Errors
    /// When they are not all the records of one state.
    pub fn from_records(records: impl IntoIterator<Item = Record>) -> Result<Self, RestoreError> {
        let mut state = Self::new();
        let mut clock = None;
        let mut receipts = Receipts::new();
        let mut some = false;
        for record in records {
            some = true;
            let key = record.key();
            if !state.collect(record, &mut clock, &mut receipts) {
                return Err(RestoreError::Duplicate(key));
            }
        }
        match clock {
            Some(clock) => state.clock = clock,
            None if some => return Err(RestoreError::NoClock),
            None => {}
        }
        state.index_users()?;
        state.index_devices()?;
        state.index_writers(receipts)?;
        state.index_rooms()?;
        state.index_messages()?;
        state.index_members()?;
        Ok(state)
    }

    /// Puts a record where it belongs; false if its place was taken.
    fn collect(&mut self, record: Record, clock: &mut Option<Clock>, receipts: &mut Receipts) -> bool {
        match record {
            Record::Clock(found) => clock.replace(found).is_none(),
            Record::User(id, user) => self.users.insert(id, user).is_none(),
            Record::Device(id, device) => self.devices.insert(id, device).is_none(),
            Record::Writer(id, writer) => self
                .writers
                .insert(
                    id,
                    WriterState {
                        writer,
                        receipts: VecDeque::new(),
                    },
                )
                .is_none(),
            Record::Receipt(writer, slot, Receipt { request, outcome }) => {
                receipts.insert((writer, request), (slot, outcome)).is_none()
            }
            Record::Room(id, room) => self
                .rooms
                .insert(
                    id,
                    RoomState {
                        room,
                        lines: Lines::default(),
                    },
                )
                .is_none(),
            Record::Member(room, user, member) => self.members.insert((room, user), member).is_none(),
            Record::MessageKey(author, digest, placed) => {
                self.messages.insert(MessageKey::new(author, digest), placed).is_none()
            }
        }
    }

    fn index_users(&mut self) -> Result<(), RestoreError> {
        for (id, user) in &self.users {
            if self.user_names.insert(user.name.clone(), *id).is_some() {
                return Err(RestoreError::Contradiction(RecordKey::User(*id)));
            }
        }
        Ok(())
    }

    fn index_devices(&mut self) -> Result<(), RestoreError> {
        for (id, device) in &self.devices {
            self.named_user(RecordKey::Device(*id), device.user)?;
            self.user_devices.insert((device.user, *id));
        }
        Ok(())
    }

    fn index_writers(&mut self, receipts: Receipts) -> Result<(), RestoreError> {
        for (id, state) in &self.writers {
            self.named_device(RecordKey::Writer(*id), state.writer.device)?;
            let Writer { device, used_at, .. } = state.writer;
            self.idle.insert((used_at, *id));
            self.device_writers.insert((device, used_at, *id));
        }
        for ((id, request), (slot, outcome)) in receipts {
            let from = RecordKey::Receipt(id, slot);
            let to = RecordKey::Writer(id);
            let state = self.writers.get_mut(&id).ok_or(RestoreError::Dangling { from, to })?;
            // Ascending, so each must be the next of those that the writer's count asks for.
            let kept = state.writer.last.0.min(RECEIPT_WINDOW);
            let next = RequestNo(state.writer.last.0 - kept + state.receipts.len() as u64).next();
            if request != next || request > state.writer.last || slot != ReceiptSlot::of(request) {
                return Err(RestoreError::Contradiction(from));
            }
            state.receipts.push_back(outcome);
        }
        let short = |state: &WriterState| state.receipts.len() as u64 != state.writer.last.0.min(RECEIPT_WINDOW);
        match self.writers.iter().find(|(_, state)| short(state)) {
            Some((id, _)) => Err(RestoreError::Contradiction(RecordKey::Writer(*id))),
            None => Ok(()),
        }
    }

    fn index_rooms(&mut self) -> Result<(), RestoreError> {
        // Every line of a room has its number in the order of the log. Counted before lines are made,
        // so that a wild count is found here and not by running out of memory.
        let lines = self
            .rooms
            .values()
            .try_fold(0_u64, |sum, state| sum.checked_add(state.room.last_seq.0));
        if lines != Some(self.clock.next_event.0) {
            return Err(RestoreError::Contradiction(RecordKey::Clock));
        }
        for (id, state) in &mut self.rooms {
            let contradiction = RestoreError::Contradiction(RecordKey::Room(*id));
            state.lines = Lines::blank(state.room.last_seq).ok_or_else(|| contradiction.clone())?;
            if self.room_names.insert(state.room.name.clone(), *id).is_some() {
                return Err(contradiction);
            }
        }
        Ok(())
    }

    fn index_messages(&mut self) -> Result<(), RestoreError> {
        let mut counts: BTreeMap<RoomId, u64> = BTreeMap::new();
        for (key, placed) in &self.messages {
            let from = RecordKey::MessageKey(key.author(), key.digest());
            self.named_user(from, key.author())?;
            let to = RecordKey::Room(placed.room);
            let state = self
                .rooms
                .get_mut(&placed.room)
                .ok_or(RestoreError::Dangling { from, to })?;
            if !state.lines.fill(placed.seq, key.author()) {
                return Err(RestoreError::Contradiction(from));
            }
            *counts.entry(placed.room).or_default() += 1;
        }
        let count = |id| counts.get(id).copied().unwrap_or_default();
        match self.rooms.iter().find(|(id, state)| state.room.messages != count(id)) {
            Some((id, _)) => Err(RestoreError::Contradiction(RecordKey::Room(*id))),
            None => Ok(()),
        }
    }

    fn index_members(&mut self) -> Result<(), RestoreError> {
        let mut counts: BTreeMap<RoomId, u32> = BTreeMap::new();
        for ((room, user), member) in &self.members {
            let from = RecordKey::Member(*room, *user);
            self.named_user(from, *user)?;
            let to = RecordKey::Room(*room);
            let state = self.rooms.get(room).ok_or(RestoreError::Dangling { from, to })?;
            if !fits(member, state) {
                return Err(RestoreError::Contradiction(from));
            }
            self.user_rooms.insert((*user, *room));
            *counts.entry(*room).or_default() += 1;
        }
        let count = |id| counts.get(id).copied().unwrap_or_default();
        match self.rooms.iter().find(|(id, state)| state.room.members != count(id)) {
            Some((id, _)) => Err(RestoreError::Contradiction(RecordKey::Room(*id))),
            None => Ok(()),
        }
    }

    fn named_user(&self, from: RecordKey, user: UserId) -> Result<(), RestoreError> {
        match self.users.contains_key(&user) {
            true => Ok(()),
            false => Err(RestoreError::Dangling {
                from,
                to: RecordKey::User(user),
            }),
        }
    }

    fn named_device(&self, from: RecordKey, device: DeviceId) -> Result<(), RestoreError> {
        match self.devices.contains_key(&device) {
            true => Ok(()),
            false => Err(RestoreError::Dangling {
                from,
                to: RecordKey::Device(device),
            }),
        }
    }
}

/// Whether a member's marks and counters are possible. The counters are not counted again: that
/// would read every line for every member.
fn fits(member: &Member, state: &RoomState) -> bool {
    let room = &state.room;
    member.joined <= member.read
        && member.read <= room.last_seq
        && member
            .seen
            .checked_add(member.own_past_mark)
            .is_some_and(|counted| counted <= room.messages)
}
