//! How far the state may grow. The bounds are part of the state machine: every node must have the
//! same ones, so they are constants and not configuration.

use std::time::Duration;

use crate::Timestamp;

/// Outcomes kept for each writer. A client that has lost an answer asks again within so many
/// requests; it also bounds how many a client may have in flight.
pub const RECEIPT_WINDOW: u64 = 64;

/// A writer that has not written for so long, in log time, is forgotten.
pub const WRITER_IDLE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Writers on one device. One more, and the longest idle gives way: the device alone pays for
/// programs that ask for a writer each.
pub const WRITERS_PER_DEVICE_MAX: usize = 4096;

/// Idle writers forgotten by one entry at the most, so that no entry pays for all at once. Each
/// entry makes at most one writer, so the sweep is faster than what it sweeps.
pub const EXPIRIES_PER_ENTRY_MAX: usize = 4;

/// Accounts in the cluster.
pub const USERS_MAX: u32 = 1_000_000;

/// Rooms in the cluster, direct ones among them.
pub const ROOMS_MAX: u32 = 1_000_000;

/// Devices bound to one user.
pub const DEVICES_PER_USER_MAX: u32 = 64;

/// Rooms that one user is in, direct ones among them.
pub const ROOMS_PER_USER_MAX: u32 = 1000;

/// Members in one room.
pub const MEMBERS_PER_ROOM_MAX: u32 = 10_000;

/// Whether a writer last used then has been idle for too long now.
pub(super) const fn too_idle(used_at: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(used_at.0) as u128 >= WRITER_IDLE_MAX.as_millis()
}
