//! What a node keeps on its disk: the Raft log and the state, each in a redb file of its own with
//! one writer thread, and the side file that says whose they are.
//!
//! ```text
//! DIR/identity.toml   format, cluster, node, incarnation
//! DIR/raft.redb       votes, log, purge mark, peers' incarnations: every transaction is durable
//! DIR/state.redb      rows behind the state machine: durable at checkpoints, replayed from the log
//! ```
//!
//! Everything in the files carries a version byte and a CRC-32C over key and value, checked on each
//! read: redb does not verify its own checksums then. A record that fails its check is never served.
//! The first storage error is published ([`Store::failure`]), nothing is confirmed after it, and the
//! daemon ends: what a failed fsync left on the disk is anybody's guess.
//!
//! Left out: repair of a damaged directory. A node that lost anything is replaced by one with a new
//! id, or fed a snapshot by its peers; it never votes with half a memory.
//!
//! Knows nothing of sessions, sockets and who may read what.

mod backup;
mod database;
mod error;
mod failure;
mod identity;
mod machine;
mod notes;
mod open;
mod publish;
mod raft_log;
mod raft_machine;
mod reader;
mod recover;
mod removal;
mod restore;
mod rows;
mod seal;
mod snapshot;
mod stats;
#[cfg(test)]
mod suite;

pub use backup::{
    BACKUP_FORMAT_VERSION, BackupError, BackupStream, Backups, SAVES_KEPT, SAVES_MAX, Save, SaveError, SaveState,
    Summary, check as check_backup, rehash as rehash_backup,
};
pub use database::Databases;
pub use error::{HistoryError, OpenError, SnapshotError, StoreError, WaitError};
pub use failure::Failure;
pub use identity::{Contents, FORMAT_VERSION, Identity, Incarnation};
pub use open::{RAFT_FILE, STATE_FILE, Store};
pub use raft_log::LogStore;
pub use raft_machine::{SnapshotBuilder, StateMachine};
pub use reader::{LINES_MAX, Range, Reader, StoredEvent};
pub use recover::{RecoverError, Survivor};
pub use removal::{Removal, Removals};
pub use restore::RestoreError;
pub use rows::{AuditCheck, AuditPage};
pub use snapshot::{
    FRAME_MAX_BYTES, Received, SnapshotData, SnapshotDir, SnapshotMeta, SnapshotReader, SnapshotWriter,
};
pub use stats::{CommitStats, LogStats};
