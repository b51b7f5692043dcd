//! A room event as bytes: the same in the store's rows, in the fan-out's tail and on a client's
//! feed, so an event is encoded once in its life on a node.
//!
//! A version byte, then rmp-serde's positional form; variants are their hand-written numbers.
//! Readers of a feed count seqs by position, so an event of a kind that they do not know is
//! skipped and leaves no hole in their count.

use bytes::{BufMut, Bytes, BytesMut};
use quorate_core::RoomEvent;
use thiserror::Error;

const EVENT_VERSION: u8 = 1;

/// Why bytes are not a room event known here.
#[derive(Debug, Error)]
pub enum EventError {
    /// Nothing at all.
    #[error("an event of no bytes")]
    Empty,
    /// Made by a newer program.
    #[error("event version {0} is not known here")]
    Version(u8),
    /// It does not parse, or is of a kind not known here.
    #[error("the event does not parse")]
    Body(#[from] rmp_serde::decode::Error),
}

/// An event's bytes.
#[must_use]
pub fn encode(event: &RoomEvent) -> Bytes {
    let mut bytes = BytesMut::with_capacity(128).writer();
    bytes.get_mut().put_u8(EVENT_VERSION);
    rmp_serde::encode::write(&mut bytes, event).expect("events hold nothing that MessagePack cannot");
    bytes.into_inner().freeze()
}

/// Reads an event's bytes.
///
/// # Errors
/// They are of a newer version, of an unknown kind, or do not parse.
pub fn decode(bytes: &[u8]) -> Result<RoomEvent, EventError> {
    match bytes.split_first() {
        None => Err(EventError::Empty),
        Some((&EVENT_VERSION, body)) => Ok(rmp_serde::from_slice(body)?),
        Some((&version, _)) => Err(EventError::Version(version)),
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::{Body, EventNo, MessageId, RoomEventKind, RoomId, Seq, Timestamp, UserId, UserName};

    use super::*;

    #[test]
    fn an_event_keeps_its_golden_bytes() {
        let event = RoomEvent {
            no: EventNo(5),
            room: RoomId(2),
            seq: Seq(1),
            author: UserId(4),
            author_name: UserName::parse("al").unwrap(),
            at: Timestamp(300),
            kind: RoomEventKind::Message {
                id: MessageId::parse("k").unwrap(),
                body: Body::parse("hi").unwrap(),
                reply_to: Some(Seq(7)),
            },
        };
        let golden = b"\x01\x97\x05\x02\x01\x04\xa2al\xcd\x01\x2c\x81\xa11\x93\xa1k\xa2hi\x07";
        assert_eq!(encode(&event), golden.as_slice());
        assert_eq!(decode(golden).unwrap(), event);
    }

    #[test]
    fn an_event_of_a_newer_version_is_refused() {
        assert!(matches!(decode(&[9, 0x97]), Err(EventError::Version(9))));
    }
}
