//! Messages, and how far they were read.

use serde::{Deserialize, Serialize};

use crate::{Body, Emoji, MessageId, Reason, RoomRef, Seq, UserName};

/// Users that one message mentions at the most; more are no mentions.
pub const MENTIONS_PER_MESSAGE_MAX: usize = 50;

/// See [`crate::Action::PostMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMessage {
    /// Where to. A direct room is made by the first message in it.
    pub room: RoomRef,
    /// The idempotency key.
    pub id: MessageId,
    /// The text.
    pub body: Body,
    /// The message that this one answers.
    pub reply_to: Option<Seq>,
    /// Names that stand in the text behind an `@`, found by the node that was asked
    /// ([`Body::mentions`]); what a client puts here is not looked at.
    #[serde(default)]
    pub mentions: Vec<UserName>,
    /// `@room` stands in the text; found in the same way.
    #[serde(default)]
    pub calls_room: bool,
}

/// See [`crate::Action::MarkRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// Which room.
    pub room: RoomRef,
    /// Read up to and with this one; a mark never goes back.
    pub upto: Seq,
}

/// See [`crate::Action::EditMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditMessage {
    /// Which room.
    pub room: RoomRef,
    /// The message.
    pub seq: Seq,
    /// Its text from now on.
    pub body: Body,
}

/// See [`crate::Action::RedactMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RedactMessage {
    /// Which room.
    pub room: RoomRef,
    /// The message: an own one, or anybody's for a moderator.
    pub seq: Seq,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// See [`crate::Action::React`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct React {
    /// Which room.
    pub room: RoomRef,
    /// The message.
    pub seq: Seq,
    /// Which.
    pub emoji: Emoji,
    /// Take it away rather than put it there.
    pub remove: bool,
}
