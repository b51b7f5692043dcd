//! Feeds, and what is asked on a stream of its own: histories, searches, mentions, exports.

use bytes::Bytes;
use quorate_core::{LogIndex, RoomName, RoomRef, Seq, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::Failure;

/// Follows a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribe {
    /// Chosen by the client, used once in a session: names the feed.
    pub feed: u32,
    /// Which room.
    pub room: RoomRef,
    /// From this seq on; what comes after now without.
    pub from: Option<Seq>,
}

/// Follows a room no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsubscribe {
    /// Which feed.
    pub feed: u32,
}

/// See [`super::Answer::Subscribed`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscribed {
    /// The room's name, which for a direct room the client may not know.
    pub room: RoomName,
    /// The feed begins here; later than asked when the room's past does not reach back.
    pub from: Seq,
    /// The room's last seq.
    pub last: Seq,
    /// The oldest seq still kept.
    pub first: Seq,
}

/// Events of a followed room, in order and without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feed {
    /// Which feed.
    pub feed: u32,
    /// The seq of the first event; each further one is the next. It is the one after those sent
    /// before, unless lines in between are kept no longer.
    pub first: Seq,
    /// The events ([`crate::event`]).
    pub events: Vec<Bytes>,
    /// The state that they come from.
    pub seen: LogIndex,
}

/// A feed is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedEnded {
    /// Which feed.
    pub feed: u32,
    /// Why, in kebab-case.
    pub code: String,
}

/// Asks for a part of a room's past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Which room.
    pub room: RoomRef,
    /// Which part of it.
    pub part: Part,
    /// At most so many events, up to [`super::HISTORY_LIMIT_MAX`].
    pub limit: u16,
    /// Answer no older state than the cluster had when this was asked.
    pub linearizable: bool,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Which part of a room's past. Bounds are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Part {
    /// The newest.
    #[serde(rename = "1")]
    Newest,
    /// What comes after this one.
    #[serde(rename = "2")]
    After(Seq),
    /// What stands before this one.
    #[serde(rename = "3")]
    Before(Seq),
}

/// A part of a history, ascending; the next part begins with the next seq.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryPart {
    /// The seq of the first event; each further one is the next.
    pub first: Seq,
    /// The events ([`crate::event`]).
    pub events: Vec<Bytes>,
}

/// A history is complete, or not to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEnd {
    /// The room's bounds.
    pub result: Result<Bounds, Failure>,
    /// The state that it comes from.
    pub seen: LogIndex,
}

/// A room's bounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Its name.
    pub room: RoomName,
    /// The oldest seq still kept.
    pub first: Seq,
    /// The last seq.
    pub last: Seq,
}

/// Asks for messages that hold words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// Words, and phrases in quotes; all of them have to be there.
    pub words: String,
    /// Only in this room.
    pub room: Option<RoomRef>,
    /// Only by this author.
    pub from: Option<UserName>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// Only what is older: where the page before ended ([`FoundEnd`]).
    pub before: Option<String>,
    /// At most so many, up to [`super::HISTORY_LIMIT_MAX`]; newest first.
    pub limit: u16,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Asks for messages that mention the user, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mentions {
    /// Only those past the read marks.
    pub unread: bool,
    /// Only what is older: where the page before ended ([`FoundEnd`]).
    pub before: Option<String>,
    /// At most so many, up to [`super::HISTORY_LIMIT_MAX`].
    pub limit: u16,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Asks for the user's own messages, wherever they stand: each once, in no particular order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnMessages {
    /// Where the page before ended ([`FoundEnd`]).
    pub after: Option<String>,
    /// At most so many, up to [`super::HISTORY_LIMIT_MAX`].
    pub limit: u16,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Asks for a message as it was posted, and the lines that edited it, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revisions {
    /// Which room.
    pub room: RoomRef,
    /// The message.
    pub seq: Seq,
    /// Answer no older state than this.
    pub seen: LogIndex,
}

/// Some of what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundPart {
    /// In the order that was asked for.
    pub found: Vec<Found>,
}

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The room's name.
    pub room: RoomName,
    /// Its place there.
    pub seq: Seq,
    /// The event ([`crate::event`]).
    pub event: Bytes,
}

/// All that was found was sent, or nothing can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundEnd {
    /// Where the next page begins; nothing when this was the last.
    pub result: Result<Option<String>, Failure>,
    /// The state that it comes from.
    pub seen: LogIndex,
}
