//! The state as records: what a store keeps, a snapshot carries and a restart loads. Each event
//! names the records that it touches, so a store writes rows and never walks the state.

use serde::{Deserialize, Serialize};

use crate::{
    AuditEntry, AuditHead, AuditNo, BanId, DeviceId, DeviceName, Emoji, EventNo, InviteId, InviteKey, JoinToken,
    Likeness, Lockdown, LogIndex, Node, NodeId, Operator, Outcome, PasswordHash, RequestNo, RoomId, RoomName, Roster,
    Seq, ServerBan, ServerRole, Span, Timestamp, TokenId, Topic, UserId, UserName, WriterId,
};

/// One record with its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// The clock and the counters; there is one.
    #[serde(rename = "1")]
    Clock(Clock),
    /// An account.
    #[serde(rename = "2")]
    User(UserId, User),
    /// A bound device.
    #[serde(rename = "3")]
    Device(DeviceId, Device),
    /// A writer.
    #[serde(rename = "4")]
    Writer(WriterId, Writer),
    /// The outcome of one of a writer's last requests; the slot is the request number modulo the
    /// window, so that old ones are overwritten in place.
    #[serde(rename = "5")]
    Receipt(WriterId, ReceiptSlot, Receipt),
    /// A room.
    #[serde(rename = "6")]
    Room(RoomId, Room),
    /// A membership.
    #[serde(rename = "7")]
    Member(RoomId, UserId, Member),
    /// Where a caller's message id led, by the id's digest.
    #[serde(rename = "8")]
    MessageKey(UserId, u128, Placed),
    /// What edits made of a message.
    #[serde(rename = "9")]
    Edits(RoomId, Seq, Edits),
    /// An emoji that a user put to a message, by the emoji's digest.
    #[serde(rename = "10")]
    Reaction(RoomId, Seq, UserId, u64, Reaction),
    /// Somebody who has to stay out of a room.
    #[serde(rename = "11")]
    Ban(RoomId, UserId, Ban),
    /// Somebody who may join a room.
    #[serde(rename = "12")]
    Invitation(RoomId, UserId, Invitation),
    /// A message that has a member's name in it.
    #[serde(rename = "13")]
    Mention(UserId, RoomId, Seq, EventNo),
    /// A message that calls the whole room.
    #[serde(rename = "14")]
    Call(RoomId, Seq, Call),
    /// An invite to the cluster.
    #[serde(rename = "15")]
    Invite(InviteId, Invite),
    /// What holds for the whole cluster; there is one, or none while nothing was ever set.
    #[serde(rename = "16")]
    Settings(Settings),
    /// What waits for somebody who left a room and may come back.
    #[serde(rename = "17")]
    Restriction(RoomId, UserId, Restriction),
    /// What somebody may do who may do more than any user.
    #[serde(rename = "20")]
    ServerRole(UserId, ServerRole),
    /// Somebody who has to stay out of the cluster.
    #[serde(rename = "21")]
    ServerBan(BanId, ServerBan),
    /// What nobody may do for now; there is one, or none while everybody may do everything.
    #[serde(rename = "22")]
    Lockdown(Lockdown),
    /// Where the audit log begins and ends; there is one, or none before its first entry.
    #[serde(rename = "23")]
    AuditHead(AuditHead),
    /// An entry of the audit log. A row only: no state holds one.
    #[serde(rename = "24")]
    AuditEntry(AuditNo, AuditEntry),
    /// What lets a node in.
    #[serde(rename = "40")]
    JoinToken(TokenId, JoinToken),
    /// A node of the cluster, also one that is no more.
    #[serde(rename = "41")]
    Node(NodeId, Node),
    /// What holds for all nodes; there is one, or none while nobody wrote it down.
    #[serde(rename = "42")]
    Roster(Roster),
}

impl Record {
    /// Its key.
    #[must_use]
    pub const fn key(&self) -> RecordKey {
        match self {
            Self::Clock(_) => RecordKey::Clock,
            Self::User(id, _) => RecordKey::User(*id),
            Self::Device(id, _) => RecordKey::Device(*id),
            Self::Writer(id, _) => RecordKey::Writer(*id),
            Self::Receipt(id, slot, _) => RecordKey::Receipt(*id, *slot),
            Self::Room(id, _) => RecordKey::Room(*id),
            Self::Member(room, user, _) => RecordKey::Member(*room, *user),
            Self::MessageKey(author, digest, _) => RecordKey::MessageKey(*author, *digest),
            Self::Edits(room, seq, _) => RecordKey::Edits(*room, *seq),
            Self::Reaction(room, seq, user, emoji, _) => RecordKey::Reaction(*room, *seq, *user, *emoji),
            Self::Ban(room, user, _) => RecordKey::Ban(*room, *user),
            Self::Invitation(room, user, _) => RecordKey::Invitation(*room, *user),
            Self::Mention(user, room, seq, _) => RecordKey::Mention(*user, *room, *seq),
            Self::Call(room, seq, _) => RecordKey::Call(*room, *seq),
            Self::Invite(id, _) => RecordKey::Invite(*id),
            Self::Settings(_) => RecordKey::Settings,
            Self::Restriction(room, user, _) => RecordKey::Restriction(*room, *user),
            Self::ServerRole(user, _) => RecordKey::ServerRole(*user),
            Self::ServerBan(ban, _) => RecordKey::ServerBan(*ban),
            Self::Lockdown(_) => RecordKey::Lockdown,
            Self::AuditHead(_) => RecordKey::AuditHead,
            Self::AuditEntry(no, _) => RecordKey::AuditEntry(*no),
            Self::JoinToken(id, _) => RecordKey::JoinToken(*id),
            Self::Node(id, _) => RecordKey::Node(*id),
            Self::Roster(_) => RecordKey::Roster,
        }
    }
}

/// The key of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "each names the variant of Record whose key it is")]
pub enum RecordKey {
    Clock,
    User(UserId),
    Device(DeviceId),
    Writer(WriterId),
    Receipt(WriterId, ReceiptSlot),
    Room(RoomId),
    Member(RoomId, UserId),
    MessageKey(UserId, u128),
    Edits(RoomId, Seq),
    Reaction(RoomId, Seq, UserId, u64),
    Ban(RoomId, UserId),
    Invitation(RoomId, UserId),
    Mention(UserId, RoomId, Seq),
    Call(RoomId, Seq),
    Invite(InviteId),
    Settings,
    Restriction(RoomId, UserId),
    ServerRole(UserId),
    ServerBan(BanId),
    Lockdown,
    AuditHead,
    AuditEntry(AuditNo),
    JoinToken(TokenId),
    Node(NodeId),
    Roster,
}

/// A place in a writer's window of receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceiptSlot(pub u8);

/// Log time, the counters, and the chain over all events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Log time.
    pub now: Timestamp,
    /// The number of the next room event.
    pub next_event: EventNo,
    /// The chain over all events so far.
    pub hash: StateHash,
}

/// SipHash-1-3-128 with fixed keys, chained over all events: equal on two nodes that applied the
/// same entries in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateHash {
    /// The last entry that went in.
    pub index: LogIndex,
    /// The chain up to it.
    pub hash: u128,
}

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its name.
    pub name: UserName,
    /// What its password is proven against.
    pub password: PasswordHash,
    /// When it was registered, in log time.
    pub registered_at: Timestamp,
    /// See [`crate::RegisterUser`].
    pub attempt: u128,
    /// Of the name.
    pub likeness: Likeness,
    /// Whose bot it is, if it is one.
    pub owner: Option<UserId>,
    /// Whether it may do anything.
    pub standing: Standing,
    /// When a password was last proven, in log time.
    pub last_login: Timestamp,
    /// How much it may keep, where that is not what everybody may.
    pub quota: Option<Quota>,
}

/// Whether an account may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It may.
    #[serde(rename = "1")]
    Active,
    /// It is no more. The record stays, so that nobody gets its name.
    #[serde(rename = "2")]
    Deleted {
        /// Texts of its messages are still to go.
        purging: bool,
    },
    /// It is there and may do nothing until an operator lets it.
    #[serde(rename = "20")]
    Disabled,
}

/// A device that speaks for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Whom for.
    pub user: UserId,
    /// What the user calls it.
    pub name: DeviceName,
    /// When it last logged in, in log time.
    pub bound_at: Timestamp,
    /// The entry that bound it: writers of an earlier binding write no more.
    pub binding: LogIndex,
}

/// An outbox that writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The device that it is on.
    pub device: DeviceId,
    /// The last request applied; 0 when there was none.
    pub last: RequestNo,
    /// When it last wrote, in log time.
    pub used_at: Timestamp,
    /// The binding of the device under which it was granted.
    pub binding: LogIndex,
}

/// The stored outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Which request.
    pub request: RequestNo,
    /// What it came to.
    pub outcome: Outcome,
}

/// A place where members talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// What it is about.
    pub topic: Topic,
    /// When it was made, in log time.
    pub created_at: Timestamp,
    /// The seq of its last event.
    pub last_seq: Seq,
    /// How many members it has.
    pub members: u32,
    /// How many messages are there: posted, and neither redacted nor cut.
    pub messages: u64,
    /// The oldest line that is kept; the next one, if none is.
    pub first_seq: Seq,
    /// How long it remembers.
    pub retention: Retention,
    /// Whether it may be written to.
    pub standing: RoomStanding,
    /// Who made it: who leaves a room behind is still counted for it.
    pub founder: UserId,
}

/// Whether a room may be written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RoomStanding {
    /// It may.
    #[serde(rename = "1")]
    Open,
    /// It may be read.
    #[serde(rename = "2")]
    Archived,
    /// It may neither: nobody is in it, its name is free, and its lines go a few at a time.
    #[serde(rename = "3")]
    Deleted,
}

/// How long is remembered. What is over either bound goes, oldest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Retention {
    /// Messages older than this go; without it, none for their age.
    pub age_max: Option<Span>,
    /// So many messages are kept at the most; without it, all.
    pub messages_max: Option<u64>,
}

/// How much a user may keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quota {
    /// Bytes of texts; without it, any number.
    pub text_bytes_max: Option<u64>,
    /// Rooms owned; without it, as many as anybody may be in.
    pub rooms_max: Option<u32>,
}

/// What holds for the whole cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// For rooms without a rule of their own; each bound by itself.
    pub retention: Retention,
    /// For users without a quota of their own.
    pub quota: Quota,
}

/// A user in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// What they may do.
    pub role: Role,
    /// The seq of their join: nothing before it is hidden, but unread counts from here.
    pub joined: Seq,
    /// Read up to and with this one.
    pub read: Seq,
    /// How many of the member's own messages are past the mark.
    pub own_past_mark: u64,
    /// Silenced until then, in log time; the end of time until unmuted, 0 not at all.
    pub muted_until: Timestamp,
}

/// What edits made of a message. All of their texts are kept for as long as the message has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edits {
    /// The lines, ascending.
    pub lines: Vec<Seq>,
    /// Bytes of their texts, all together.
    pub bytes: u64,
}

/// An emoji at a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// Which.
    pub emoji: Emoji,
    /// The line that put it there.
    pub line: Seq,
}

/// Somebody who has to stay out of a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Who said so.
    pub by: UserId,
    /// Since when, in log time.
    pub at: Timestamp,
    /// Until when; without it for ever.
    pub until: Option<Timestamp>,
}

/// What waits for somebody who left a room while they might not write there: leaving and joining
/// again is no way around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restriction {
    /// They may only read.
    pub read_only: bool,
    /// As in [`Member`].
    pub muted_until: Timestamp,
}

/// Somebody who may join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Who said so.
    pub by: UserId,
    /// Since when, in log time.
    pub at: Timestamp,
}

/// A message that calls the whole room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Its place in the order of the whole log.
    pub no: EventNo,
    /// Who calls.
    pub author: UserId,
}

/// An invite to the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Of its secret.
    pub key: InviteKey,
    /// When it was made, in log time.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// For how many registrations it was made.
    pub uses: u32,
    /// How many it is still good for.
    pub uses_left: u32,
    /// Who made it.
    pub by: Operator,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Post and read.
    #[serde(rename = "1")]
    Member,
    /// Everything.
    #[serde(rename = "2")]
    Owner,
    /// All but to give the room away, archive or delete it, and to make moderators.
    #[serde(rename = "3")]
    Moderator,
    /// Read.
    #[serde(rename = "4")]
    ReadOnly,
}

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Where.
    pub room: RoomId,
    /// Its place there.
    pub seq: Seq,
    /// When, in log time.
    pub at: Timestamp,
    /// Bytes of the text that it was posted with; 0 once its texts are gone.
    pub bytes: u32,
    /// Its texts are gone.
    pub redacted: bool,
}
