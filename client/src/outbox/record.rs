//! The records of an outbox file, and how a file that was cut off anywhere is read.
//!
//! A record is `u32` little-endian length of the payload, `u32` little-endian CRC-32C of the payload, payload. The payload
//! is a version byte and the record in MessagePack. What follows the first record that is not whole is a torn tail: it
//! was never synced, so nobody was told that it is kept.

use quorate_core::{Action, RequestNo, WriterId};
use serde::{Deserialize, Serialize};

const RECORD_VERSION: u8 = 1;
const HEADER_BYTES: usize = 8;
/// The longest payload: a message of 64 KiB and the names around it.
const PAYLOAD_MAX_BYTES: usize = 80 * 1024;

/// One fact about an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Record {
    /// Something is to be sent.
    #[serde(rename = "1")]
    Entry {
        /// Its place in this file.
        local: u64,
        /// Its number, where a writer was known.
        number: Option<RequestNo>,
        /// What to send.
        action: Action,
    },
    /// A writer for all that is unresolved: numbered anew from 1, in order.
    #[serde(rename = "2")]
    Granted {
        /// Which.
        writer: WriterId,
    },
    /// The writer in use, at the head of a compacted file.
    #[serde(rename = "3")]
    Writer {
        /// Which.
        writer: WriterId,
        /// The number that its next new entry gets.
        next: RequestNo,
    },
    /// An entry has its answer.
    #[serde(rename = "4")]
    Resolved {
        /// Which.
        local: u64,
    },
    /// An entry must not happen any more; its number, if it has one, is used up by something without effect.
    #[serde(rename = "5")]
    Withdrawn {
        /// Which.
        local: u64,
    },
    /// The log never saw this number, which the resolved entry had: the entries after it have moved up by one.
    #[serde(rename = "6")]
    Freed {
        /// Which.
        number: RequestNo,
    },
}

impl Record {
    /// Appends the record as it stands in the file.
    pub(crate) fn encode(&self, into: &mut Vec<u8>) {
        let start = into.len();
        into.extend_from_slice(&[0; HEADER_BYTES]);
        into.push(RECORD_VERSION);
        rmp_serde::encode::write(into, self).expect("records hold nothing that MessagePack cannot");
        let payload = &into[start + HEADER_BYTES..];
        let len = u32::try_from(payload.len()).expect("payloads are far below 4 GiB");
        let crc = crc32c::crc32c(payload);
        into[start..start + 4].copy_from_slice(&len.to_le_bytes());
        into[start + 4..start + HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    }
}

/// The records of a file, and how many of its bytes are whole records.
pub(crate) fn decode_all(bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut whole = 0;
    while let Some((record, len)) = decode_one(&bytes[whole..]) {
        records.push(record);
        whole += len;
    }
    (records, whole)
}

fn decode_one(bytes: &[u8]) -> Option<(Record, usize)> {
    let (len, rest) = bytes.split_first_chunk::<4>()?;
    let (crc, rest) = rest.split_first_chunk::<4>()?;
    let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
    if len > PAYLOAD_MAX_BYTES {
        return None;
    }
    let payload = rest.get(..len)?;
    if crc32c::crc32c(payload) != u32::from_le_bytes(*crc) {
        return None;
    }
    match payload.split_first() {
        Some((&RECORD_VERSION, body)) => {
            let record = rmp_serde::from_slice(body).ok()?;
            Some((record, HEADER_BYTES + len))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        vec![
            Record::Granted { writer: WriterId(7) },
            Record::Resolved { local: 1 },
            Record::Writer {
                writer: WriterId(9),
                next: RequestNo(3),
            },
            Record::Withdrawn { local: u64::MAX },
            Record::Freed { number: RequestNo(3) },
        ]
    }

    fn bytes_of(record: &Record) -> Vec<u8> {
        let mut bytes = Vec::new();
        record.encode(&mut bytes);
        bytes
    }

    #[test]
    fn what_is_written_is_read_up_to_any_byte() {
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for record in records() {
            record.encode(&mut bytes);
            ends.push(bytes.len());
        }
        for cut in 0..=bytes.len() {
            let (read, whole) = decode_all(&bytes[..cut]);
            let expected = ends.iter().filter(|end| **end <= cut).count() - 1;
            assert_eq!(read, records()[..expected], "cut at {cut}");
            assert_eq!(whole, ends[expected], "cut at {cut}");
        }
    }

    #[test]
    fn a_flipped_bit_ends_what_is_read() {
        let bytes: Vec<u8> = records().iter().flat_map(bytes_of).collect();
        for position in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[position] ^= 1;
            assert!(decode_all(&bad).1 <= position, "flipped at {position}");
        }
    }

    #[test]
    fn a_record_keeps_its_golden_bytes() {
        let bytes = bytes_of(&Record::Resolved { local: 5 });
        assert_eq!(bytes[8..], *b"\x01\x81\xa14\x91\x05");
    }
}
