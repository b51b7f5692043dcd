//! A backup's frames, one after the other, and at the end whether all of it is what was written.

use std::io::{self, BufReader, Read};

use super::BackupError;
use super::format::{HASH_BYTES, Head, cut};
use crate::store::snapshot::FRAME_MAX_BYTES;

/// Bytes read at once.
const CHUNK_BYTES: usize = 256 << 10;

/// Reads a backup to its end.
pub(in crate::store) struct BackupReader<R: Read> {
    head: Head,
    frames: zstd::Decoder<'static, BufReader<Hashed<R>>>,
}

/// The hash of what is in a backup, if it is the one at its end. Looks at nothing else.
///
/// # Errors
/// It is another one, or the backup cannot be read.
pub fn rehash(from: impl Read) -> Result<[u8; HASH_BYTES], BackupError> {
    let mut hashed = Hashed::new(from);
    io::copy(&mut hashed, &mut io::sink()).map_err(BackupError::Read)?;
    Ok(hashed.finish()?.hash)
}

/// The bytes of a whole backup.
pub(in crate::store) struct Whole {
    pub(in crate::store) bytes: u64,
    pub(in crate::store) hash: [u8; HASH_BYTES],
}

impl<R: Read> BackupReader<R> {
    pub(in crate::store) fn open(from: R) -> Result<Self, BackupError> {
        let mut hashed = Hashed::new(from);
        let head = Head::read(&mut hashed)?;
        let frames = zstd::Decoder::new(hashed).map_err(BackupError::Read)?;
        Ok(Self { head, frames })
    }

    pub(in crate::store) fn head(&self) -> &Head {
        &self.head
    }

    /// The next frame; none after the last.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Vec<u8>>, BackupError> {
        let mut len = [0; 4];
        let first = loop {
            match self.frames.read(&mut len) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read.map_err(stream)?,
            }
        };
        if first == 0 {
            return Ok(None);
        }
        self.frames.read_exact(&mut len[first..]).map_err(stream)?;
        let len = u32::from_be_bytes(len) as usize;
        if len > FRAME_MAX_BYTES {
            return Err(BackupError::Damaged("a frame is too long"));
        }
        let mut frame = vec![0; len];
        self.frames.read_exact(&mut frame).map_err(stream)?;
        Ok(Some(frame))
    }

    /// Compares the hash, after the last frame.
    pub(in crate::store) fn finish(self) -> Result<Whole, BackupError> {
        self.frames.finish().into_inner().finish()
    }
}

/// What zstd says of bytes that were not written so, told from what the file says.
fn stream(error: io::Error) -> BackupError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => cut(error),
        io::ErrorKind::Other | io::ErrorKind::InvalidData => BackupError::Stream(error),
        _ => BackupError::Read(error),
    }
}

/// Passes on all but the last bytes, the hash, and hashes what it passes on.
struct Hashed<R> {
    from: R,
    buffer: Vec<u8>,
    /// What of the buffer was passed on, and what was read into it.
    start: usize,
    end: usize,
    hasher: blake3::Hasher,
    passed: u64,
    ended: bool,
}

impl<R: Read> Hashed<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            buffer: vec![0; CHUNK_BYTES],
            start: 0,
            end: 0,
            hasher: blake3::Hasher::new(),
            passed: 0,
            ended: false,
        }
    }

    /// Compares what was hashed with what is held back, at the end.
    fn finish(self) -> Result<Whole, BackupError> {
        let hash = *self.hasher.finalize().as_bytes();
        if self.buffer[self.start..self.end] != hash {
            return Err(BackupError::Damaged("its hash is not that of what is in it"));
        }
        Ok(Whole {
            bytes: self.passed + HASH_BYTES as u64,
            hash,
        })
    }

    /// Reads until there is more than is held back, or the end.
    fn fill(&mut self) -> io::Result<()> {
        while !self.ended && self.end - self.start <= HASH_BYTES {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            match self.from.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let there = (self.end - self.start).saturating_sub(HASH_BYTES);
        let taken = there.min(out.len());
        let bytes = &self.buffer[self.start..self.start + taken];
        out[..taken].copy_from_slice(bytes);
        self.hasher.update(bytes);
        self.start += taken;
        self.passed += taken as u64;
        Ok(taken)
    }
}
