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

/// People who left a room while they might not write there, and are met the same way when they come
/// back. Past it they are not: who has silenced so many bans the next.
pub(super) const RESTRICTIONS_PER_ROOM_MAX: u32 = 1000;

/// Members in one room.
pub const MEMBERS_PER_ROOM_MAX: u32 = 10_000;

/// Rooms that one user may join by an invitation.
pub const INVITATIONS_PER_USER_MAX: u32 = 1000;

/// Users who may join one room by an invitation. All of them end with the room, in one entry.
pub const INVITATIONS_PER_ROOM_MAX: u32 = 1000;

/// Users kept out of one room. All bans end with the room, in one entry.
pub const BANS_PER_ROOM_MAX: u32 = 1000;

/// Bots of one user. All of them end with the user, in one entry.
pub const BOTS_PER_USER_MAX: u32 = 16;

/// Invites to the cluster that are open at a time.
pub const INVITES_MAX: u32 = 10_000;

/// Registrations that one invite is made for.
pub const INVITE_USES_MAX: u32 = 10_000;

/// The shortest time that a room may remember: a message must live long enough to be read.
pub const RETENTION_AGE_MIN: Duration = Duration::from_secs(60);

/// Mentions remembered for one user; the oldest gives way.
pub(super) const MENTIONS_PER_USER_MAX: usize = 500;

/// Messages that call a whole room remembered for one room; the oldest gives way.
pub(super) const CALLS_PER_ROOM_MAX: usize = 128;

/// Edits of one message. All of their lines go with the message's text, in one entry.
pub const EDITS_PER_MESSAGE_MAX: u32 = 100;

/// Reactions to one message. All of them go with the message, in one entry.
pub const REACTIONS_PER_MESSAGE_MAX: u32 = 200;

/// Reactions of one user to one message, so that nobody alone uses up all that a message can have.
pub const REACTIONS_PER_USER_MAX: u32 = 20;

/// Lines of a room that one entry cuts off at the most: an entry must not hold up those behind it.
pub(super) const SWEEP_LINES_MAX: u64 = 1000;

/// Rows besides messages (edits, reactions) after which one entry cuts no further.
pub(super) const SWEEP_ROWS_MAX: usize = 4000;

/// Messages of a deleted user that lose their texts by one entry at the most.
pub(super) const PURGES_PER_ENTRY_MAX: usize = 250;

/// Invites, and as many bans, that one entry ends at the most because they have run out.
pub(super) const ENDS_PER_ENTRY_MAX: usize = 100;

/// Sweeps that the state asks for at a time.
pub(super) const CHORES_MAX: usize = 64;

/// Whether a writer last used then has been idle for too long now.
pub(super) const fn too_idle(used_at: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(used_at.0) as u128 >= WRITER_IDLE_MAX.as_millis()
}
