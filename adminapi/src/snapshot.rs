//! Snapshots of a node, and backups.

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

use crate::{StateHash, UtcTime};

/// The answer of `GET /v1/snapshots`: what this node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshots {
    /// This node.
    pub node: NodeId,
    /// The newest snapshot; `null` while nothing is applied. It takes no room: its bytes are made when a node or an
    /// operator asks for them.
    pub snapshot: Option<OwnSnapshot>,
    /// What a backup would hold that is taken now.
    pub applied: LogIndex,
    /// The last backups that were taken from this node since its daemon began, newest first.
    pub saves: Vec<SaveInfo>,
}

/// The newest snapshot of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnSnapshot {
    /// The last entry in it.
    pub index: LogIndex,
    /// When it was made.
    pub at: UtcTime,
}

/// A backup that was taken from a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SaveInfo {
    /// When it was asked for.
    pub at: UtcTime,
    /// By the process of which user.
    pub uid: u32,
    /// The last entry in it; `null` unless all of it was taken.
    pub index: Option<LogIndex>,
    /// Rows in it; `null` unless all of it was taken.
    pub rows: Option<u64>,
    /// Bytes that were taken.
    pub bytes: u64,
    /// How long it took; `null` while it is being taken.
    pub took_ms: Option<u64>,
    /// How it is.
    pub state: SaveState,
}

/// How a backup is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SaveState {
    /// Being made or taken.
    Running,
    /// All of it was taken.
    Complete,
    /// It failed, or whoever took it went away.
    BrokenOff,
}

impl SaveState {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::BrokenOff => "broken-off",
        }
    }
}

/// What is in a backup, all of which was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupInfo {
    /// The cluster that it was taken from.
    pub cluster: String,
    /// The node that made it.
    pub node: NodeId,
    /// When, by that node's clock.
    pub taken_at: UtcTime,
    /// The shape of the file.
    pub format: u32,
    /// The shape of the snapshot inside.
    pub snapshot_format: u32,
    /// The last entry of the log that is in it.
    pub index: LogIndex,
    /// That entry's term.
    pub term: u64,
    /// The state hash at that entry.
    pub state_hash: StateHash,
    /// The members at that entry.
    pub members: Vec<BackupMember>,
    /// What operators call the cluster, where it was told.
    #[serde(default)]
    pub name: Option<String>,
    /// The highest id that a node ever had.
    pub highest_node: NodeId,
    /// Rows of each table.
    pub rows: BackupRows,
    /// Accounts in use.
    pub users: u64,
    /// Rooms, direct ones too.
    pub rooms: u64,
    /// Messages that have a text.
    pub messages: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// Its hash, the last 32 bytes of it, in lower-case hex.
    pub blake3: String,
}

/// A member, as it was when a backup was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupMember {
    /// Its id.
    pub id: NodeId,
    /// Whether it voted.
    pub voter: bool,
    /// Where other nodes reached it.
    pub peer_addr: String,
    /// Where clients reached it.
    pub client_addr: String,
}

/// How many rows each table of a backup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRows {
    /// What decisions need.
    pub records: u64,
    /// Lines of rooms.
    pub events: u64,
    /// Where they are.
    pub places: u64,
    /// Edited messages, as they were posted.
    pub originals: u64,
}

impl BackupRows {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.records + self.events + self.places + self.originals
    }
}
