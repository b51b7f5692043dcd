//! Which records an event touches: what a store has to write.

use crate::{Event, RECEIPT_WINDOW, ReceiptSlot, RecordKey, RoomEvent, RoomEventKind, StateEvent, Withdrawn};

impl Event {
    /// The keys of the records that are different after this event, or gone. The clock is not among
    /// them for room events: every applied entry touches it.
    #[must_use]
    pub fn touches(&self) -> Vec<RecordKey> {
        match self {
            Self::State(event) => event.touches(),
            Self::Room(event) => event.touches(),
        }
    }
}

impl StateEvent {
    fn touches(&self) -> Vec<RecordKey> {
        match self {
            Self::ClockAdvanced { .. } => vec![RecordKey::Clock],
            Self::UserRegistered { user, .. }
            | Self::PasswordChanged { user, .. }
            | Self::UserDeleted { user, .. }
            | Self::UserDisabled { user }
            | Self::UserEnabled { user }
            | Self::UserPurged { user } => vec![RecordKey::User(*user)],
            Self::ServerRoleSet { user, .. } => vec![RecordKey::ServerRole(*user)],
            Self::ServerBanAdded { ban, .. } | Self::ServerBanEnded { ban } => vec![RecordKey::ServerBan(*ban)],
            Self::LockdownSet { .. } => vec![RecordKey::Lockdown],
            // The entry itself is a row that the store makes from the event.
            Self::Audited { .. } => vec![RecordKey::AuditHead],
            Self::DeviceBound { user, device, .. } => vec![RecordKey::User(*user), RecordKey::Device(*device)],
            Self::DeviceUnbound { device } => vec![RecordKey::Device(*device)],
            Self::WriterGranted { writer, .. } => vec![RecordKey::Writer(*writer)],
            Self::WriterExpired { writer, last } => {
                // Slot 0 is that of request 64, 128, ..: the others were used before it.
                let slots = ReceiptSlot::all().filter(|slot| *slot != ReceiptSlot(0) || last.0 >= RECEIPT_WINDOW);
                let used = slots.take_while(|slot| u64::from(slot.0) <= last.0);
                let receipts = used.map(|slot| RecordKey::Receipt(*writer, slot));
                [RecordKey::Writer(*writer)].into_iter().chain(receipts).collect()
            }
            Self::Answered { writer, request, .. } => {
                vec![
                    RecordKey::Writer(*writer),
                    RecordKey::Receipt(*writer, ReceiptSlot::of(*request)),
                ]
            }
            Self::RoomCreated { room, .. } | Self::RoomDeleted { room } | Self::RoomForgotten { room } => {
                vec![RecordKey::Room(*room)]
            }
            Self::ReadMarked { room, user, .. } => vec![RecordKey::Member(*room, *user)],
            Self::MemberRemoved { room, user } => vec![RecordKey::Room(*room), RecordKey::Member(*room, *user)],
            Self::MessagesPurged { messages, .. } => messages.iter().flat_map(withdrawn).collect(),
            Self::InviteCreated { invite, .. } | Self::InviteUsed { invite } | Self::InviteEnded { invite } => {
                vec![RecordKey::Invite(*invite)]
            }
            Self::RetentionSet { room, .. } => vec![room.map_or(RecordKey::Settings, RecordKey::Room)],
            Self::QuotaSet { user, .. } => vec![user.map_or(RecordKey::Settings, RecordKey::User)],
            Self::InvitationEnded { room, user } => vec![RecordKey::Invitation(*room, *user)],
            Self::BanEnded { room, user } => vec![RecordKey::Ban(*room, *user)],
            Self::RestrictionEnded { room, user } => vec![RecordKey::Restriction(*room, *user)],
            Self::HistoryCut {
                room,
                messages,
                reactions,
                calls,
                ..
            } => {
                let calls = calls.iter().map(|seq| RecordKey::Call(*room, *seq));
                let reactions = reactions
                    .iter()
                    .map(|(seq, user, emoji)| RecordKey::Reaction(*room, *seq, *user, *emoji));
                let messages = messages.iter().flat_map(withdrawn);
                [RecordKey::Room(*room)]
                    .into_iter()
                    .chain(messages)
                    .chain(reactions)
                    .chain(calls)
                    .collect()
            }
            Self::Mentioned {
                user,
                room,
                seq,
                dropped,
                ..
            } => {
                let dropped = dropped.map(|(room, seq)| RecordKey::Mention(*user, room, seq));
                dropped
                    .into_iter()
                    .chain([RecordKey::Mention(*user, *room, *seq)])
                    .collect()
            }
            Self::MentionsDropped { user, mentions } => {
                let mention = |(room, seq): &(_, _)| RecordKey::Mention(*user, *room, *seq);
                mentions.iter().map(mention).collect()
            }
            Self::Roster(event) => event.touches(),
            Self::RoomCalled { room, seq, dropped, .. } => {
                let dropped = dropped.map(|seq| RecordKey::Call(*room, seq));
                dropped.into_iter().chain([RecordKey::Call(*room, *seq)]).collect()
            }
        }
    }
}

impl RoomEvent {
    fn touches(&self) -> Vec<RecordKey> {
        let room = RecordKey::Room(self.room);
        let author = RecordKey::Member(self.room, self.author);
        let member = |user| RecordKey::Member(self.room, user);
        match &self.kind {
            RoomEventKind::Message { id, .. } => {
                vec![room, author, RecordKey::MessageKey(self.author, id.digest())]
            }
            RoomEventKind::Joined | RoomEventKind::Left => {
                vec![
                    room,
                    author,
                    RecordKey::Invitation(self.room, self.author),
                    RecordKey::Restriction(self.room, self.author),
                ]
            }
            RoomEventKind::TopicSet { .. } | RoomEventKind::Archived | RoomEventKind::Unarchived => vec![room],
            RoomEventKind::Edited { target, .. } => vec![room, RecordKey::Edits(self.room, *target)],
            RoomEventKind::Redacted { target, .. } => [room].into_iter().chain(withdrawn(target)).collect(),
            RoomEventKind::Reacted { target, emoji } | RoomEventKind::Unreacted { target, emoji } => {
                vec![
                    room,
                    RecordKey::Reaction(self.room, *target, self.author, emoji.digest()),
                ]
            }
            RoomEventKind::Invited { user, .. } => vec![room, RecordKey::Invitation(self.room, *user)],
            RoomEventKind::Kicked { user, .. } => {
                vec![room, member(*user), RecordKey::Restriction(self.room, *user)]
            }
            RoomEventKind::Muted { user, .. } => vec![room, member(*user)],
            RoomEventKind::Unmuted { user, .. } | RoomEventKind::RoleSet { user, .. } => {
                vec![room, member(*user), RecordKey::Restriction(self.room, *user)]
            }
            RoomEventKind::Banned { user, .. } | RoomEventKind::Unbanned { user, .. } => vec![
                room,
                member(*user),
                RecordKey::Ban(self.room, *user),
                RecordKey::Invitation(self.room, *user),
                RecordKey::Restriction(self.room, *user),
            ],
            // Rows only; they touch nothing more than what they stand in for.
            RoomEventKind::Revised { .. } | RoomEventKind::Withdrawn { .. } | RoomEventKind::EditWithdrawn { .. } => {
                Vec::new()
            }
        }
    }
}

/// Its key, its edits, and its author's counts.
fn withdrawn(message: &Withdrawn) -> [RecordKey; 4] {
    [
        RecordKey::Room(message.room),
        RecordKey::MessageKey(message.author, message.digest),
        RecordKey::Edits(message.room, message.seq),
        RecordKey::Member(message.room, message.author),
    ]
}
