//! Commands and log entries as bytes: what nodes relay, the log stores and every node applies.
//!
//! A command is rmp-serde's positional form, in which each variant is its hand-written number. An
//! entry is a version byte, the proposer's clock (u64, big-endian, milliseconds) and the command's
//! bytes as they came, so the leader stamps a relayed command without taking it apart.

use bytes::{BufMut, Bytes, BytesMut};
use quorate_core::{Command, Entry, Timestamp};
use thiserror::Error;

/// The only version of the entry's header so far.
const ENTRY_VERSION: u8 = 1;
const HEADER_BYTES: usize = 1 + 8;

/// Why bytes are not an entry of ours.
#[derive(Debug, Error)]
pub enum EntryError {
    /// Shorter than its header.
    #[error("an entry of {0} bytes is too short")]
    Short(usize),
    /// Made by a newer program.
    #[error("entry version {0} is not known here")]
    Version(u8),
    /// The command does not parse, or is of a kind not known here.
    #[error("the entry's command does not parse")]
    Command(#[from] rmp_serde::decode::Error),
}

/// A command's bytes, as they are relayed.
#[must_use]
pub fn encode_command(command: &Command) -> Bytes {
    rmp_serde::to_vec(command)
        .expect("commands hold nothing that MessagePack cannot")
        .into()
}

/// Reads a command's bytes.
///
/// # Errors
/// The bytes do not parse, or name a kind that is not known here.
pub fn decode_command(bytes: &[u8]) -> Result<Command, EntryError> {
    Ok(rmp_serde::from_slice(bytes)?)
}

/// The log entry of a command that is proposed now.
#[must_use]
pub fn stamp(proposed_at: Timestamp, command: &[u8]) -> Bytes {
    let mut entry = BytesMut::with_capacity(HEADER_BYTES + command.len());
    entry.put_u8(ENTRY_VERSION);
    entry.put_u64(proposed_at.0);
    entry.put_slice(command);
    entry.freeze()
}

/// An entry's bytes.
#[must_use]
pub fn encode(entry: &Entry) -> Bytes {
    stamp(entry.proposed_at, &encode_command(&entry.command))
}

/// Reads an entry's bytes.
///
/// # Errors
/// They are too short, of a newer version, or do not parse.
pub fn decode(bytes: &[u8]) -> Result<Entry, EntryError> {
    let Some((header, command)) = bytes.split_first_chunk::<HEADER_BYTES>() else {
        return Err(EntryError::Short(bytes.len()));
    };
    let [version, clock @ ..] = *header;
    if version != ENTRY_VERSION {
        return Err(EntryError::Version(version));
    }
    Ok(Entry {
        proposed_at: Timestamp(u64::from_be_bytes(clock)),
        command: decode_command(command)?,
    })
}

#[cfg(test)]
mod tests {
    use quorate_core::{
        Action, Body, DeviceId, MessageId, Origin, PostMessage, RequestNo, RoomName, RoomRef, Submission, WriterId,
    };

    use super::*;

    fn post() -> Entry {
        Entry {
            proposed_at: Timestamp(0x0102),
            command: Command::Submit(Submission {
                origin: Origin {
                    device: DeviceId([7; 32]),
                    writer: WriterId(9),
                    request: RequestNo(3),
                },
                action: Action::PostMessage(PostMessage {
                    room: RoomRef::Name(RoomName::parse("ops").unwrap()),
                    id: MessageId::parse("k").unwrap(),
                    body: Body::parse("hi").unwrap(),
                    reply_to: None,
                    mentions: Vec::new(),
                    calls_room: false,
                }),
            }),
        }
    }

    #[test]
    fn an_entry_keeps_its_golden_bytes() {
        let device = "7 ".repeat(32);
        let expected = format!(
            "1 0 0 0 0 0 0 1 2 81 a1 35 92 93 c4 20 {device}9 3 81 a1 34 96 81 a1 31 a3 6f 70 73 a1 6b a2 68 69 c0 90 c2"
        );
        let bytes = encode(&post());
        let hex: Vec<_> = bytes.iter().map(|byte| format!("{byte:x}")).collect();
        assert_eq!(hex.join(" "), expected);
        assert_eq!(decode(&bytes).unwrap(), post());
    }

    #[test]
    fn an_entry_of_a_newer_version_is_refused() {
        let mut bytes = encode(&post()).to_vec();
        bytes[0] = 2;
        assert!(matches!(decode(&bytes), Err(EntryError::Version(2))));
    }

    #[test]
    fn a_command_of_an_unknown_kind_is_refused() {
        assert!(matches!(
            decode(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0x81, 0xa2, b'9', b'9', 0xc0]),
            Err(EntryError::Command(_))
        ));
    }

    #[test]
    fn no_cut_of_an_entry_parses() {
        let bytes = encode(&post());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "cut at {length}");
        }
    }
}
