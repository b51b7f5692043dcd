//! The frames of a snapshot.
//!
//! ```text
//! frame    kind u8, number u32 (from 0), payload, CRC-32C u32 over all before it
//! header   1: format u32, cluster (16 bytes), last log id, membership, highest node id ever u64 (from format 3 on)
//! rows     2: table u8, then rows: key length u32, key, value length u32, value (sealed)
//! trailer  3: rows of each table u64 x 4, CRC-32C u32 over the CRCs of all frames before it
//! ```
//! Tables come one after the other, each sorted by its keys.

use bytes::{Buf, BufMut, Bytes};
use quorate_core::NodeId;

use crate::consensus::types::shape;
use crate::store::SnapshotError;
use crate::store::rows::{Meta, RowsTable};

/// The largest frame.
pub const FRAME_MAX_BYTES: usize = 256 << 10;
/// The newest shape of a snapshot that is known here, and the one that is made.
pub(super) const FORMAT_VERSION: u32 = 3;
/// The oldest that is read. Format 1 was of builds before any release.
pub(super) const FORMAT_OLDEST: u32 = 2;

/// How many rows each table has, in the order of [`RowsTable::ALL`].
pub(in crate::store) type Counts = [u64; RowsTable::COUNT];

const HEADER: u8 = 1;
const ROWS: u8 = 2;
const TRAILER: u8 = 3;
const ENVELOPE_BYTES: usize = 1 + 4 + 4;
const LENGTHS_BYTES: usize = 4 + 4;

/// What a frame says.
pub(in crate::store) enum Frame<'a> {
    Header { format: u32, rest: &'a [u8] },
    Rows { table: RowsTable, rows: &'a [u8] },
    Trailer { counts: Counts, chain: u32 },
}

/// Numbers the frames and chains their checksums, on either side.
#[derive(Default)]
pub(in crate::store) struct Chain {
    pub(in crate::store) next: u32,
    pub(in crate::store) crc: u32,
}

impl Chain {
    fn add(&mut self, crc: [u8; 4]) {
        self.crc = crc32c::crc32c_append(self.crc, &crc);
        self.next += 1;
    }

    fn close(&mut self, mut frame: Vec<u8>) -> Bytes {
        let crc = crc32c::crc32c(&frame).to_be_bytes();
        frame.put_slice(&crc);
        self.add(crc);
        frame.into()
    }

    fn open(&self, kind: u8) -> Vec<u8> {
        let mut frame = vec![kind];
        frame.put_u32(self.next);
        frame
    }

    pub(super) fn header(&mut self, cluster: &str, meta: &Meta) -> Bytes {
        let mut frame = self.open(HEADER);
        frame.put_u32(FORMAT_VERSION);
        frame.put_u8(u8::try_from(cluster.len()).expect("a cluster id is 16 characters"));
        frame.put_slice(cluster.as_bytes());
        shape::put_log_id_option(&mut frame, meta.applied.as_ref());
        shape::put_stored_membership(&mut frame, &meta.membership);
        frame.put_u64(meta.highest_node.0);
        self.close(frame)
    }

    pub(super) fn trailer(&mut self, counts: Counts) -> Bytes {
        let mut frame = self.open(TRAILER);
        counts.iter().for_each(|count| frame.put_u64(*count));
        frame.put_u32(self.crc);
        self.close(frame)
    }

    pub(super) fn rows(&self, table: RowsTable) -> RowsFrame {
        let mut frame = self.open(ROWS);
        let at = RowsTable::ALL.iter().position(|known| *known == table);
        frame.put_u8(u8::try_from(at.unwrap_or_default()).expect("there are few"));
        RowsFrame {
            empty: frame.len(),
            frame,
        }
    }

    pub(super) fn close_rows(&mut self, rows: RowsFrame) -> Bytes {
        self.close(rows.frame)
    }

    /// Takes a frame in, if it is the next one and is what was sent.
    pub(in crate::store) fn accept<'a>(&mut self, frame: &'a [u8]) -> Result<Frame<'a>, SnapshotError> {
        let number = self.next;
        let bad = |what| SnapshotError::Garbled { frame: number, what };
        if frame.len() > FRAME_MAX_BYTES {
            return Err(bad("too long"));
        }
        let (body, crc) = frame.split_last_chunk::<4>().ok_or_else(|| bad("too short"))?;
        if crc32c::crc32c(body) != u32::from_be_bytes(*crc) {
            return Err(bad("checksum mismatch"));
        }
        let mut from = body;
        let short = |_| bad("too short");
        let kind = from.try_get_u8().map_err(short)?;
        if from.try_get_u32().map_err(short)? != number {
            return Err(bad("out of its order"));
        }
        let frame = match kind {
            HEADER => Frame::Header {
                format: from.try_get_u32().map_err(short)?,
                rest: from,
            },
            ROWS => {
                let table = usize::from(from.try_get_u8().map_err(short)?);
                Frame::Rows {
                    table: *RowsTable::ALL.get(table).ok_or_else(|| bad("unknown table"))?,
                    rows: from,
                }
            }
            TRAILER => {
                let mut counts = Counts::default();
                for count in &mut counts {
                    *count = from.try_get_u64().map_err(short)?;
                }
                Frame::Trailer {
                    counts,
                    chain: from.try_get_u32().map_err(short)?,
                }
            }
            _ => return Err(bad("unknown kind")),
        };
        self.add(*crc);
        Ok(frame)
    }
}

/// A frame of rows in the making.
pub(super) struct RowsFrame {
    frame: Vec<u8>,
    empty: usize,
}

impl RowsFrame {
    pub(super) fn is_empty(&self) -> bool {
        self.frame.len() == self.empty
    }

    /// Adds a row; false if there is no room for it.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        let grown = self.frame.len() + LENGTHS_BYTES + key.len() + value.len();
        let fits = grown + ENVELOPE_BYTES <= FRAME_MAX_BYTES;
        if fits {
            for bytes in [key, value] {
                self.frame.put_u32(u32::try_from(bytes.len()).expect("it fits a frame"));
                self.frame.put_slice(bytes);
            }
        }
        fits
    }
}

/// Cluster and meta of a header.
pub(in crate::store) fn parse_header(format: u32, mut rest: &[u8]) -> Option<(String, Meta)> {
    let len = usize::from(rest.try_get_u8().ok()?);
    let (cluster, mut rest) = rest.split_at_checked(len)?;
    let cluster = String::from_utf8(cluster.to_vec()).ok()?;
    let applied = shape::get_log_id_option(&mut rest)?;
    let mut meta = Meta::new(applied, shape::get_stored_membership(&mut rest)?);
    if format > 2 {
        meta.highest_node = meta.highest_node.max(NodeId(rest.try_get_u64().ok()?));
    }
    rest.is_empty().then_some((cluster, meta))
}

/// The next row of a frame of rows.
pub(in crate::store) fn next_row<'a>(rows: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut part = || {
        let len = usize::try_from(rows.try_get_u32().ok()?).ok()?;
        let (part, rest) = rows.split_at_checked(len)?;
        *rows = rest;
        Some(part)
    };
    Some((part()?, part()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a node of an earlier build sends, and what this one does.
    #[test]
    fn headers_of_both_formats_are_read() {
        let mut old = vec![3];
        old.put_slice(b"abc");
        shape::put_log_id_option(&mut old, Some(&shape::log_id(4, NodeId(2), 9)));
        shape::put_stored_membership(&mut old, &Meta::default().membership);
        let (cluster, meta) = parse_header(2, &old).unwrap();
        assert_eq!(cluster, "abc");
        assert_eq!(meta.applied, Some(shape::log_id(4, NodeId(2), 9)));
        assert_eq!(meta.highest_node, NodeId(0));
        assert!(parse_header(3, &old).is_none(), "the highest id is missing");

        let mut new = old.clone();
        new.put_u64(7);
        let (_, meta) = parse_header(3, &new).unwrap();
        assert_eq!(meta.highest_node, NodeId(7));
        assert!(parse_header(2, &new).is_none());
    }
}
