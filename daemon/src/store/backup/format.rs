//! The head of a backup, and the hash at its end.

use std::io::{self, Read};

use bytes::{Buf, BufMut};
use quorate_core::NodeId;

use super::BackupError;

/// The newest shape of a backup that is known here, and the one that is made.
pub const FORMAT_VERSION: u32 = 1;
/// The first bytes: what a text editor would show, and one that no text has.
const MAGIC: [u8; 8] = *b"QUORATE\x1a";
/// Bytes of the hash at the end.
pub(super) const HASH_BYTES: usize = 32;
/// A cluster id is 16 characters; its length is told for those of later formats.
const CLUSTER_BYTES_MAX: usize = 64;

/// Whose the backup is, and when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::store) struct Head {
    pub(in crate::store) cluster: String,
    /// Which node made it.
    pub(in crate::store) node: NodeId,
    /// By that node's clock, in milliseconds since 1970.
    pub(in crate::store) taken_at_ms: u64,
}

impl Head {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.put_u32(FORMAT_VERSION);
        out.put_u8(u8::try_from(self.cluster.len()).expect("a cluster id is 16 characters"));
        out.put_slice(self.cluster.as_bytes());
        out.put_u64(self.node.0);
        out.put_u64(self.taken_at_ms);
        let crc = crc32c::crc32c(&out);
        out.put_u32(crc);
        out
    }

    /// Takes the head off what is read.
    pub(super) fn read(from: &mut impl Read) -> Result<Self, BackupError> {
        let mut head = vec![0; MAGIC.len() + 4 + 1];
        match from.read_exact(&mut head) {
            // Too short to be anything.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(BackupError::NotABackup),
            other => other.map_err(BackupError::Read)?,
        }
        let (magic, mut rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(BackupError::NotABackup);
        }
        let format = rest.get_u32();
        if format > FORMAT_VERSION {
            return Err(BackupError::NewerFormat {
                found: format,
                known: FORMAT_VERSION,
            });
        }
        let len = usize::from(rest.get_u8());
        if format == 0 || len > CLUSTER_BYTES_MAX {
            return Err(BackupError::Damaged("not the shape of a head"));
        }
        let mut body = vec![0; len + 8 + 8 + 4];
        from.read_exact(&mut body).map_err(cut)?;
        head.extend_from_slice(&body);
        let (checked, crc) = head.split_at(head.len() - 4);
        if crc32c::crc32c(checked).to_be_bytes() != crc {
            return Err(BackupError::Damaged("the head's checksum mismatch"));
        }
        let (cluster, mut numbers) = body.split_at(len);
        Ok(Self {
            cluster: String::from_utf8_lossy(cluster).into_owned(),
            node: NodeId(numbers.get_u64()),
            taken_at_ms: numbers.get_u64(),
        })
    }
}

/// A read that ended too early is damage; others are not the file's fault.
pub(super) fn cut(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::Damaged("it ends too early"),
        _ => BackupError::Read(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head {
            cluster: "abcdefghijklmnop".to_owned(),
            node: NodeId(3),
            taken_at_ms: 258,
        }
    }

    #[test]
    fn a_head_keeps_its_golden_bytes() {
        let bytes = head().to_bytes();
        let golden = b"QUORATE\x1a\0\0\0\x01\x10abcdefghijklmnop\0\0\0\0\0\0\0\x03\0\0\0\0\0\0\x01\x02";
        assert_eq!(bytes[..bytes.len() - 4], *golden);
        assert_eq!(Head::read(&mut bytes.as_slice()).unwrap(), head());
    }

    #[test]
    fn whatever_is_done_to_a_head_it_is_refused() {
        let bytes = head().to_bytes();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(Head::read(&mut flipped.as_slice()).is_err(), "byte {at}");
            assert!(Head::read(&mut &bytes[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut bytes = head().to_bytes();
        bytes[11] = 9;
        assert!(matches!(
            Head::read(&mut bytes.as_slice()),
            Err(BackupError::NewerFormat { found: 9, .. })
        ));
    }
}
