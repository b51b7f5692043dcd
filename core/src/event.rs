//! What happened. Events are facts: [`crate::State`] takes each of them without a way to fail, the
//! store turns them into rows, and readers follow a room by its room events.

use serde::{Deserialize, Serialize};

use crate::{
    Body, DeviceId, DeviceName, EventNo, MessageId, Outcome, PasswordHash, RECEIPT_WINDOW, ReceiptSlot, RecordKey,
    RequestNo, RoomId, RoomName, Seq, Timestamp, Topic, UserId, UserName, WriterId,
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
    /// A device speaks for nobody. Its writers' [`StateEvent::WriterExpired`] came before.
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
    /// An outbox was idle for too long, gave way to newer ones, or lost its device.
    #[serde(rename = "6")]
    WriterExpired {
        /// Its id.
        writer: WriterId,
        /// Its last request: tells which receipts go with it.
        last: RequestNo,
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

impl Event {
    /// The keys of the records that are different after this event, or gone. The clock is not among
    /// them for room events: every applied entry touches it.
    pub fn touches(&self) -> impl Iterator<Item = RecordKey> {
        let (keys, receipts) = match self {
            Self::State(event) => event.touches(),
            Self::Room(event) => (event.touches(), None),
        };
        let receipts = receipts.into_iter().flat_map(|(writer, last)| {
            let slots = ReceiptSlot::all().filter(move |slot| *slot != ReceiptSlot(0) || last.0 >= RECEIPT_WINDOW);
            slots
                .take_while(move |slot| u64::from(slot.0) <= last.0)
                .map(move |slot| RecordKey::Receipt(writer, slot))
        });
        keys.into_iter().flatten().chain(receipts)
    }
}

/// No event touches more records than these, receipts of an expired writer aside.
type Keys = [Option<RecordKey>; 3];

impl StateEvent {
    fn touches(&self) -> (Keys, Option<(WriterId, RequestNo)>) {
        let one = |key| [Some(key), None, None];
        match self {
            Self::ClockAdvanced { .. } => (one(RecordKey::Clock), None),
            Self::UserRegistered { user, .. } => (one(RecordKey::User(*user)), None),
            Self::DeviceBound { device, .. } | Self::DeviceUnbound { device } => {
                (one(RecordKey::Device(*device)), None)
            }
            Self::WriterGranted { writer, .. } => (one(RecordKey::Writer(*writer)), None),
            Self::WriterExpired { writer, last } => (one(RecordKey::Writer(*writer)), Some((*writer, *last))),
            Self::Answered { writer, request, .. } => {
                let receipt = RecordKey::Receipt(*writer, ReceiptSlot::of(*request));
                ([Some(RecordKey::Writer(*writer)), Some(receipt), None], None)
            }
            Self::RoomCreated { room, .. } => (one(RecordKey::Room(*room)), None),
            Self::ReadMarked { room, user, .. } => (one(RecordKey::Member(*room, *user)), None),
        }
    }
}

impl RoomEvent {
    fn touches(&self) -> Keys {
        let (room, member) = (RecordKey::Room(self.room), RecordKey::Member(self.room, self.author));
        match &self.kind {
            RoomEventKind::Message { id, .. } => [
                Some(room),
                Some(member),
                Some(RecordKey::MessageKey(self.author, id.digest())),
            ],
            RoomEventKind::Joined | RoomEventKind::Left => [Some(room), Some(member), None],
            RoomEventKind::TopicSet { .. } => [Some(room), None, None],
        }
    }
}
