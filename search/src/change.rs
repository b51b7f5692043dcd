//! What can happen to the index.

use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};

/// One change, in log order. Each may be applied again: the second time changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A message was posted, or edited: this is what stands at its place now, whatever stood there before.
    Add {
        /// The event that posted it. Hits are ordered by this.
        no: EventNo,
        /// Where it stands.
        room: RoomId,
        /// Its place in the room; one place has one text.
        seq: Seq,
        /// Who wrote it.
        author: UserId,
        /// When it was posted, by log time.
        at: Timestamp,
        /// Its words. A text without any word is in the index, but never found.
        text: String,
    },
    /// A message was redacted.
    Remove {
        /// The message's place.
        room: RoomId,
        /// The message's place in the room.
        seq: Seq,
    },
    /// A room was deleted, with all that was said in it.
    RemoveRoom {
        /// The room.
        room: RoomId,
    },
    /// The start of a room was cut off.
    RemoveBelow {
        /// The room.
        room: RoomId,
        /// The first seq that stays.
        first: Seq,
    },
    /// A user was purged: everything that they wrote goes.
    RemoveAuthor {
        /// The user.
        author: UserId,
    },
}
