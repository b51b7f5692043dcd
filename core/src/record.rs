//! The state as records: what a store keeps, a snapshot carries and a restart loads. Each event
//! names the records that it touches, so a store writes rows and never walks the state.

use serde::{Deserialize, Serialize};

use crate::{
    DeviceId, DeviceName, EventNo, LogIndex, Outcome, PasswordHash, RequestNo, RoomId, RoomName, Seq, Timestamp, Topic,
    UserId, UserName, WriterId,
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
}

/// A device that speaks for a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Whom for.
    pub user: UserId,
    /// What the user calls it.
    pub name: DeviceName,
    /// Since when, in log time.
    pub bound_at: Timestamp,
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
    /// How many messages were ever posted: with the counts in [`Member`], unread counts come from a
    /// subtraction.
    pub messages: u64,
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
    /// How many messages, of anybody, are at or before the mark.
    pub seen: u64,
    /// How many of the member's own messages are past the mark.
    pub own_past_mark: u64,
}

/// What a member may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Role {
    /// Post and read.
    #[serde(rename = "1")]
    Member,
    /// Everything.
    #[serde(rename = "2")]
    Owner,
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
}
