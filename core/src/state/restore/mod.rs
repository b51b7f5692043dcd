//! From records to a state. A store may have lost or mixed up rows: what does not fit together is
//! refused here, before it can make nodes differ.

mod access;
mod account;
mod message;
mod room;
mod roster;

use std::collections::{BTreeSet, VecDeque};

use thiserror::Error;

use crate::{
    Clock, Done, Lockdown, Outcome, Placed, Receipt, ReceiptSlot, Record, RecordKey, RequestNo, RoomId, RoomName,
    State, UserId, WriterId,
};

use super::lines::Lines;
use super::table::{RoomState, WriterState};

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

/// Records that are kept in another form than they have. Lists rather than maps, since there may be
/// millions: they come sorted from a store, and are sorted before they are looked at.
#[derive(Default)]
struct Loose {
    clock: Option<Clock>,
    receipts: Vec<(WriterId, RequestNo, ReceiptSlot, Outcome)>,
    messages: Vec<(UserId, u128, Placed)>,
    /// Of the rooms that receipts name, one copy for all.
    names: BTreeSet<RoomName>,
}

impl State {
    /// The state that these records are, in any order; no records at all are a new state.
    ///
    /// # Errors
    /// When they are not all the records of one state.
    pub fn from_records(records: impl IntoIterator<Item = Record>) -> Result<Self, RestoreError> {
        let mut state = Self::new();
        let mut loose = Loose::default();
        let mut some = false;
        for record in records {
            some = true;
            let key = record.key();
            if !state.collect(record, &mut loose) {
                return Err(RestoreError::Duplicate(key));
            }
        }
        match loose.clock {
            Some(clock) => state.clock = clock,
            None if some => return Err(RestoreError::NoClock),
            None => {}
        }
        state.index_users()?;
        state.index_devices()?;
        state.index_rooms()?;
        state.index_writers(loose.receipts)?;
        state.index_invites()?;
        state.index_nodes()?;
        state.index_messages(loose.messages)?;
        state.index_past()?;
        state.index_members()?;
        state.index_doors()?;
        state.index_access()?;
        Ok(state)
    }

    /// Puts a record where it belongs; false if its place was taken.
    fn collect(&mut self, record: Record, loose: &mut Loose) -> bool {
        match record {
            Record::Clock(found) => loose.clock.replace(found).is_none(),
            Record::User(id, user) => self.users.insert(id, user).is_none(),
            Record::Device(id, device) => self.devices.insert(id, device).is_none(),
            Record::Writer(id, writer) => {
                let receipts = VecDeque::new();
                self.writers.insert(id, WriterState { writer, receipts }).is_none()
            }
            Record::Receipt(writer, slot, Receipt { request, outcome }) => {
                let outcome = loose.with_shared_name(outcome);
                loose.receipts.push((writer, request, slot, outcome));
                true
            }
            Record::Room(id, room) => {
                let lines = Lines::new();
                self.rooms.insert(id, RoomState { room, lines }).is_none()
            }
            Record::Member(room, user, member) => self.members.insert((room, user), member).is_none(),
            Record::MessageKey(author, digest, placed) => {
                loose.messages.push((author, digest, placed));
                true
            }
            Record::Edits(room, seq, lines) => self.edits.insert((room, seq), lines).is_none(),
            Record::Reaction(room, seq, user, emoji, reaction) => {
                self.reactions.insert((room, seq, user, emoji), reaction).is_none()
            }
            Record::Restriction(room, user, restriction) => {
                self.restrictions.insert((room, user), restriction).is_none()
            }
            Record::Ban(room, user, ban) => self.bans.insert((room, user), ban).is_none(),
            Record::Invitation(room, user, invitation) => self.invitations.insert((room, user), invitation).is_none(),
            Record::Mention(user, room, seq, no) => self.mentions.insert((user, room, seq), no).is_none(),
            Record::Call(room, seq, call) => self.calls.insert((room, seq), call).is_none(),
            Record::Invite(id, invite) => self.invites.insert(id, invite).is_none(),
            Record::Settings(settings) => self.settings.replace(settings).is_none(),
            Record::ServerRole(user, role) => self.server_roles.insert(user, role).is_none(),
            Record::ServerBan(id, ban) => self.server_bans.insert(id, ban).is_none(),
            Record::Lockdown(lockdown) => std::mem::replace(&mut self.lockdown, lockdown) == Lockdown::Off,
            Record::AuditHead(head) => self.audit.replace(head).is_none(),
            // Read where somebody asks for it, and checked there.
            Record::AuditEntry(..) => true,
            Record::JoinToken(id, token) => self.join_tokens.insert(id, token).is_none(),
            Record::Node(id, node) => self.nodes.insert(id, node).is_none(),
            Record::Roster(roster) => self.roster.replace(roster).is_none(),
        }
    }

    fn named_user(&self, from: RecordKey, user: UserId) -> Result<(), RestoreError> {
        let to = RecordKey::User(user);
        let is_there = self.users.contains_key(&user);
        is_there.then_some(()).ok_or(RestoreError::Dangling { from, to })
    }

    fn named_room(&self, from: RecordKey, room: RoomId) -> Result<&RoomState, RestoreError> {
        let to = RecordKey::Room(room);
        self.rooms.get(&room).ok_or(RestoreError::Dangling { from, to })
    }
}

impl Loose {
    fn with_shared_name(&mut self, outcome: Outcome) -> Outcome {
        renamed(outcome, |_, name| match self.names.get(name) {
            Some(known) => known.clone(),
            None => {
                self.names.insert(name.clone());
                name.clone()
            }
        })
    }
}

/// The outcome with another copy of the room's name in it, if one is in it.
fn renamed(outcome: Outcome, copy: impl FnOnce(RoomId, &RoomName) -> RoomName) -> Outcome {
    match outcome {
        Ok(Done::Posted { room, name, seq, at }) => {
            let name = copy(room, &name);
            Ok(Done::Posted { room, name, seq, at })
        }
        Ok(Done::Created { room, name }) => {
            let name = copy(room, &name);
            Ok(Done::Created { room, name })
        }
        other => other,
    }
}

/// The error of a record that is there but cannot be.
const fn contradicts(key: RecordKey) -> RestoreError {
    RestoreError::Contradiction(key)
}
