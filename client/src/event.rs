//! An event in a room, as a program sees it.

use quorate_core::{RoomEventKind, RoomName, Seq, Timestamp, UserName};
use quorate_protocol::event;

/// An event in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub room: RoomName,
    /// Its place there.
    pub seq: Seq,
    /// Who.
    pub author: UserName,
    /// When, in log time.
    pub at: Timestamp,
    /// What.
    pub kind: RoomEventKind,
}

impl Event {
    /// Reads an event; one of a kind that is not known here is nothing.
    pub(crate) fn read(room: &RoomName, seq: Seq, bytes: &[u8]) -> Option<Self> {
        match event::decode(bytes) {
            Ok(event) => Some(Self {
                room: room.clone(),
                seq,
                author: event.author_name,
                at: event.at,
                kind: event.kind,
            }),
            Err(error) => {
                tracing::debug!(%room, %seq, %error, "an event was skipped");
                None
            }
        }
    }
}
