//! Writing a backup into a file without a name, at less than full speed, and telling how far it is.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quorate_core::LogIndex;
use tokio::sync::watch;

use super::format::Head;
use crate::store::StoreError;
use crate::store::snapshot::{Counts, SnapshotReader};

/// zstd's fastest level of those that compress chat to a third: the others make a backup longer in the making, not much
/// smaller.
const ZSTD_LEVEL: i32 = 1;
/// Bytes written at once.
const CHUNK_BYTES: usize = 256 << 10;
/// How long the spool works before it rests: about a frame.
const WORK: Duration = Duration::from_millis(1);
/// How long it rests then, as a share of how long it worked: posts have their turn, and a million messages still take
/// less than ten seconds. It must not be long, since the read transaction keeps the pages that are freed meanwhile.
const REST_SHARE: f64 = 1.4;

/// Room that a backup leaves on the disk: a full one would end the node, which is worth more than its copy.
const LEFT_BYTES_MIN: u64 = 256 << 20;

/// How far a spool is.
#[derive(Clone, Debug, Default)]
pub(super) struct Progress {
    /// Bytes that can be read.
    pub(super) written: u64,
    /// What came of it, once it has ended.
    pub(super) end: Option<Result<Spooled, StoreError>>,
}

/// What was spooled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spooled {
    /// The last entry in it.
    pub(super) index: LogIndex,
    pub(super) rows: u64,
}

/// Spools a backup to its end, or until nobody listens any more. Blocks.
pub(super) fn spool(
    reader: &SnapshotReader,
    (path, file): (&Path, &File),
    head: &Head,
    tell: &watch::Sender<Progress>,
) {
    let end = run(reader, (path, file), head, tell);
    tell.send_modify(|progress| progress.end = Some(end));
}

fn run(
    reader: &SnapshotReader,
    (path, file): (&Path, &File),
    head: &Head,
    tell: &watch::Sender<Progress>,
) -> Result<Spooled, StoreError> {
    let failed = |error| StoreError::io(PathBuf::from(path))(error);
    let mut sink = Sink::new(file, tell);
    sink.write_all(&head.to_bytes()).map_err(failed)?;
    let buffered = BufWriter::with_capacity(CHUNK_BYTES, sink);
    let mut encoder = zstd::Encoder::new(buffered, ZSTD_LEVEL).map_err(failed)?;
    let mut pace = Pace::new();
    let (meta, counts) = reader.read(|frame| {
        if tell.is_closed() {
            return Err(StoreError::Closed);
        }
        let len = u32::try_from(frame.len()).expect("frames are bounded");
        encoder.write_all(&len.to_be_bytes()).map_err(failed)?;
        encoder.write_all(&frame).map_err(failed)?;
        pace.rest();
        Ok(())
    })?;
    let buffered = encoder.finish().map_err(failed)?;
    let sink = buffered.into_inner().map_err(|error| failed(error.into_error()))?;
    sink.finish().map_err(failed)?;
    Ok(Spooled {
        index: LogIndex(meta.applied.map_or(0, |id| id.index())),
        rows: total(counts),
    })
}

fn total(counts: Counts) -> u64 {
    counts.iter().sum()
}

/// Hashes what goes into the file, and tells how much that is.
struct Sink<'a> {
    file: &'a File,
    tell: &'a watch::Sender<Progress>,
    hasher: blake3::Hasher,
}

impl<'a> Sink<'a> {
    fn new(file: &'a File, tell: &'a watch::Sender<Progress>) -> Self {
        Self {
            file,
            tell,
            hasher: blake3::Hasher::new(),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        let disk = rustix::fs::fstatvfs(self.file)?;
        if disk.f_bavail.saturating_mul(disk.f_frsize) < LEFT_BYTES_MIN {
            let told = format!("less than {} MiB are left on the disk", LEFT_BYTES_MIN >> 20);
            return Err(io::Error::new(io::ErrorKind::StorageFull, told));
        }
        self.file.write_all(bytes)?;
        self.tell.send_modify(|progress| progress.written += bytes.len() as u64);
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        let hash = self.hasher.finalize();
        self.put(hash.as_bytes())
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes)?;
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Leaves the CPU and the disk to others from time to time.
struct Pace {
    since: Instant,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now() }
    }

    fn rest(&mut self) {
        let worked = self.since.elapsed();
        if worked >= WORK {
            std::thread::sleep(worked.mul_f64(REST_SHARE));
            self.since = Instant::now();
        }
    }
}
