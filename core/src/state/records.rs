//! The state as records, for stores and snapshots.

use crate::{Placed, Receipt, ReceiptSlot, Record, RecordKey, RoomId, Seq, State, WriterId};

use super::lines::Message;
use super::table::WriterState;

impl State {
    /// All of it, in the order of the keys. Entries of the audit log are rows of the store alone.
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
            .chain(self.placed())
            .chain(
                self.edits
                    .iter()
                    .map(|((room, seq), edits)| Record::Edits(*room, *seq, edits.clone())),
            )
            .chain(self.reactions.iter().map(|((room, seq, user, emoji), reaction)| {
                Record::Reaction(*room, *seq, *user, *emoji, reaction.clone())
            }))
            .chain(
                self.bans
                    .iter()
                    .map(|((room, user), ban)| Record::Ban(*room, *user, *ban)),
            )
            .chain(
                self.invitations
                    .iter()
                    .map(|((room, user), invitation)| Record::Invitation(*room, *user, *invitation)),
            )
            .chain(
                self.mentions
                    .iter()
                    .map(|((user, room, seq), no)| Record::Mention(*user, *room, *seq, *no)),
            )
            .chain(
                self.calls
                    .iter()
                    .map(|((room, seq), call)| Record::Call(*room, *seq, *call)),
            )
            .chain(self.invites.iter().map(|(id, invite)| Record::Invite(*id, *invite)))
            .chain(self.settings.map(Record::Settings))
            .chain(
                self.restrictions
                    .iter()
                    .map(|((room, user), restriction)| Record::Restriction(*room, *user, *restriction)),
            )
            .chain(
                self.server_roles
                    .iter()
                    .map(|(user, role)| Record::ServerRole(*user, *role)),
            )
            .chain(
                self.server_bans
                    .iter()
                    .map(|(id, ban)| Record::ServerBan(*id, ban.clone())),
            )
            .chain(self.lockdown.kept().map(Record::Lockdown))
            .chain(self.audit.map(Record::AuditHead))
            .chain(
                self.join_tokens
                    .iter()
                    .map(|(id, token)| Record::JoinToken(*id, *token)),
            )
            .chain(self.nodes.iter().map(|(id, node)| Record::Node(*id, node.clone())))
            .chain(self.roster.clone().map(Record::Roster))
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
                let (room, seq, message) = self.message_of(author, digest)?;
                placed(room, seq, &message)
            }
            RecordKey::Edits(room, seq) => Record::Edits(room, seq, self.edits.get(&(room, seq))?.clone()),
            RecordKey::Reaction(room, seq, user, emoji) => {
                let reaction = self.reactions.get(&(room, seq, user, emoji))?;
                Record::Reaction(room, seq, user, emoji, reaction.clone())
            }
            RecordKey::Restriction(room, user) => {
                Record::Restriction(room, user, *self.restrictions.get(&(room, user))?)
            }
            RecordKey::Ban(room, user) => Record::Ban(room, user, *self.bans.get(&(room, user))?),
            RecordKey::Invitation(room, user) => Record::Invitation(room, user, *self.invitations.get(&(room, user))?),
            RecordKey::Mention(user, room, seq) => {
                Record::Mention(user, room, seq, *self.mentions.get(&(user, room, seq))?)
            }
            RecordKey::Call(room, seq) => Record::Call(room, seq, *self.calls.get(&(room, seq))?),
            RecordKey::Invite(id) => Record::Invite(id, *self.invites.get(&id)?),
            RecordKey::Settings => Record::Settings(self.settings?),
            RecordKey::ServerRole(user) => Record::ServerRole(user, *self.server_roles.get(&user)?),
            RecordKey::ServerBan(id) => Record::ServerBan(id, self.server_bans.get(&id)?.clone()),
            RecordKey::Lockdown => Record::Lockdown(self.lockdown.kept()?),
            RecordKey::AuditHead => Record::AuditHead(self.audit?),
            RecordKey::AuditEntry(_) => return None,
            RecordKey::JoinToken(id) => Record::JoinToken(id, *self.join_tokens.get(&id)?),
            RecordKey::Node(id) => Record::Node(id, self.nodes.get(&id)?.clone()),
            RecordKey::Roster => Record::Roster(self.roster.clone()?),
        })
    }
}

impl State {
    /// Messages with their texts and without, in one order.
    fn placed(&self) -> impl Iterator<Item = Record> + '_ {
        let mut texts = self.messages.iter().peekable();
        let mut withdrawn = self.withdrawn.iter().peekable();
        std::iter::from_fn(move || match (texts.peek(), withdrawn.peek()) {
            (Some(text), Some(other)) if text > other => withdrawn.next(),
            (None, _) => withdrawn.next(),
            _ => texts.next(),
        })
        .filter_map(|key| {
            let message = self.rooms.get(&key.room)?.lines.message(key.seq)?;
            Some(placed(key.room, key.seq, &message))
        })
    }
}

fn placed(room: RoomId, seq: Seq, message: &Message) -> Record {
    let at = Placed {
        room,
        seq,
        at: message.at,
        bytes: message.bytes,
        redacted: message.redacted,
    };
    Record::MessageKey(message.author, message.digest, at)
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
