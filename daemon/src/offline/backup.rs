//! Looking through backups.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use quorate_adminapi::{BackupInfo, BackupMember, BackupRows, StateHash, UtcTime};

use crate::store::{BACKUP_FORMAT_VERSION, BackupError, Summary, check_backup, rehash_backup};

/// Reads a whole backup, checks all that is in it, and says what that is.
///
/// # Errors
/// See [`BackupError`].
pub fn check_file(path: &Path) -> Result<BackupInfo, BackupError> {
    check_stream(File::open(path).map_err(BackupError::Read)?)
}

/// As [`check_file`], of a backup that comes from anywhere.
///
/// # Errors
/// See [`BackupError`].
pub fn check_stream(from: impl Read) -> Result<BackupInfo, BackupError> {
    check_backup(from).map(|summary| to_info(&summary))
}

/// The hash of what is in a file, in lower-case hex, if it is the one at its end: a second look at what was written.
///
/// # Errors
/// It is another one, or the file cannot be read.
pub fn hash_of_file(path: &Path) -> Result<String, BackupError> {
    let hash = rehash_backup(File::open(path).map_err(BackupError::Read)?)?;
    Ok(hex(&hash))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn to_info(summary: &Summary) -> BackupInfo {
    let voters: Vec<_> = summary.membership.voter_ids().collect();
    let members = summary.membership.nodes().map(|(id, addrs)| BackupMember {
        id: *id,
        voter: voters.contains(id),
        peer_addr: addrs.peer.clone(),
        client_addr: addrs.client.clone(),
    });
    BackupInfo {
        cluster: summary.cluster.clone(),
        node: summary.node,
        taken_at: UtcTime::from_unix_ms(summary.taken_at_ms),
        format: BACKUP_FORMAT_VERSION,
        snapshot_format: summary.snapshot_format,
        index: summary.index,
        term: summary.term,
        state_hash: StateHash {
            index: summary.hash.index,
            hash: format!("{:032x}", summary.hash.hash),
        },
        members: members.collect(),
        name: summary.name.clone(),
        highest_node: summary.highest_node,
        rows: BackupRows {
            records: summary.records,
            events: summary.events,
            places: summary.places,
            originals: summary.originals,
        },
        users: summary.users,
        rooms: summary.rooms,
        messages: summary.messages,
        bytes: summary.bytes,
        blake3: hex(&summary.blake3),
    }
}
