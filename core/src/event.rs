//! What happened. Events are facts: [`crate::State`] takes each of them without a way to fail, the
//! store turns them into rows, and readers follow a room by its room events.

use serde::{Deserialize, Serialize};

use crate::{
    Body, DeviceId, DeviceName, EventNo, MessageId, Outcome, PasswordHash, RequestNo, RoomId, RoomName, Seq, Timestamp,
    Topic, UserId, UserName, WriterId,
};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// About accounts, devices, writers, rooms' records and marks: seen by no reader of a room.
    #[serde(rename = "1")]
    State(StateEvent),
    /// A line in a room's history.
    #[serde(rename = "2")]
    Room(RoomEvent),
}

/// A fact outside of any room's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StateEvent {
    /// Log time went on.
    #[serde(rename = "1")]
    ClockAdvanced {
        /// Log time from here on.
        now: Timestamp,
    },
    /// An account exists.
    #[serde(rename = "2")]
    UserRegistered {
        /// Its id.
        user: UserId,
        /// Its name.
        name: UserName,
        /// Its password hash.
        password: PasswordHash,
        /// The client's attempt, see [`crate::RegisterUser`].
        attempt: u128,
    },
    /// A device speaks for a user.
    #[serde(rename = "3")]
    DeviceBound {
        /// Whom for.
        user: UserId,
        /// Which.
        device: DeviceId,
        /// What the user calls it.
        name: DeviceName,
    },
    /// A device speaks for nobody; its writers are gone with it.
    #[serde(rename = "4")]
    DeviceUnbound {
        /// Which.
        device: DeviceId,
    },
    /// An outbox may write.
    #[serde(rename = "5")]
    WriterGranted {
        /// Its id.
        writer: WriterId,
        /// On which device.
        device: DeviceId,
    },
    /// An outbox was idle for too long, or gave way to newer ones.
    #[serde(rename = "6")]
    WriterExpired {
        /// Its id.
        writer: WriterId,
    },
    /// A writer's request has its outcome, for ever.
    #[serde(rename = "7")]
    Answered {
        /// Whose.
        writer: WriterId,
        /// Which.
        request: RequestNo,
        /// What it came to.
        outcome: Outcome,
    },
    /// A room exists. Its creator's [`RoomEventKind::Joined`] follows.
    #[serde(rename = "8")]
    RoomCreated {
        /// Its id.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Invisible to everybody but its members.
        private: bool,
        /// What it is about.
        topic: Topic,
    },
    /// A member's read mark moved forward.
    #[serde(rename = "9")]
    ReadMarked {
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
        /// Read up to and with this one.
        upto: Seq,
    },
}

/// A line in a room's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomEvent {
    /// Its place in the order of the whole log.
    pub no: EventNo,
    /// Where.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// Who.
    pub author: UserId,
    /// The author's name, so that a line can be shown without another look-up.
    pub author_name: UserName,
    /// Log time.
    pub at: Timestamp,
    /// What.
    pub kind: RoomEventKind,
}

/// What a line in a room's history says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoomEventKind {
    /// The author posted.
    #[serde(rename = "1")]
    Message {
        /// The idempotency key.
        id: MessageId,
        /// The text.
        body: Body,
        /// The message that this one answers.
        reply_to: Option<Seq>,
    },
    /// The author became a member.
    #[serde(rename = "2")]
    Joined,
    /// The author's membership ended by their own wish.
    #[serde(rename = "3")]
    Left,
    /// The author changed the topic.
    #[serde(rename = "4")]
    TopicSet {
        /// What the room is about from now on.
        topic: Topic,
    },
}
