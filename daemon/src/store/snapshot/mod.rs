//! Snapshots. Building one is a checkpoint; its bytes are made from a read transaction when somebody
//! asks for them, as checksummed frames, and loaded by the receiver into a file of its own that takes
//! the place of the old one by rename.

mod frame;
mod install;
mod loader;
mod reader;
mod writer;

pub use frame::FRAME_MAX_BYTES;
pub(super) use frame::{Chain, Counts, Frame, next_row};
pub(super) use install::install;
pub(super) use loader::{Loader, read_header};
pub use reader::SnapshotReader;
pub(super) use reader::{SPOOL_PREFIX, spool_file};
pub(super) use writer::NEW_PREFIX;
pub use writer::{Received, SnapshotDir, SnapshotWriter};

/// What names a snapshot: its last log id, and the membership there.
pub use crate::consensus::types::RaftSnapshotMeta as SnapshotMeta;

/// A snapshot's contents, as openraft hands them about.
#[derive(Debug)]
pub enum SnapshotData {
    /// This node's own, to be sent.
    Local(SnapshotReader),
    /// A peer's, to be installed.
    Received(Received),
}
