//! How far the state may grow. The bounds are part of the state machine: every node must have the
//! same ones, so they are constants and not configuration.

use std::time::Duration;

use crate::Timestamp;

/// Outcomes kept for each writer. A client that has lost an answer asks again within so many
/// requests; it also bounds how many a client may have in flight.
pub const RECEIPT_WINDOW: u64 = 64;

/// A writer that has not written for so long, in log time, is forgotten.
pub const WRITER_IDLE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Writers of one user, on all devices. One more, and the longest idle gives way: the user alone pays
/// for programs that ask for a writer each. With full windows of receipts they take some 15 MB.
pub const WRITERS_PER_USER_MAX: usize = 4096;

/// Writers, idle ones and then orphans, forgotten by one entry at the most: each takes up to 65 rows
/// along, and it is others' entries that pay for them. As many as an entry makes, so there are never
/// more of them while any waits to go.
pub const EXPIRIES_PER_ENTRY_MAX: usize = 1;

/// Accounts in the cluster, without those that are no more.
pub const USERS_MAX: u32 = 1_000_000;

/// Names of accounts, with those that are no more: names are never given again, so each deleted
/// account takes the memory of its record for ever.
pub const NAMES_MAX: u32 = 4_000_000;

/// Rooms in the cluster, direct ones among them.
pub const ROOMS_MAX: u32 = 1_000_000;

/// Devices bound to one user.
pub const DEVICES_PER_USER_MAX: u32 = 64;

/// Rooms that one user is in, without direct ones.
pub const ROOMS_PER_USER_MAX: u32 = 1000;

/// Direct rooms that one user is in. Others begin them, and must not use up the rooms that the user
/// may join; it is as many as take a spammer a great many accounts.
pub const DIRECT_ROOMS_PER_USER_MAX: u32 = 10_000;

/// People who left a room while they might not write there, and are met the same way when they come
/// back. One whose time is up gives way. Past it they are not: who has silenced so many bans the next.
pub(super) const RESTRICTIONS_PER_ROOM_MAX: u32 = 1000;

/// Members in one room.
pub const MEMBERS_PER_ROOM_MAX: u32 = 10_000;

/// Rooms that one user may join by an invitation. The oldest gives way.
pub const INVITATIONS_PER_USER_MAX: u32 = 1000;

/// Rooms that one user may join by invitations of the same other user, so that nobody alone uses up
/// all that a user can have.
pub const INVITATIONS_PER_INVITER_MAX: u32 = 16;

/// Users who may join one room by an invitation. All of them end with the room, in one entry.
pub const INVITATIONS_PER_ROOM_MAX: u32 = 1000;

/// Users kept out of one room. All bans end with the room, in one entry.
pub const BANS_PER_ROOM_MAX: u32 = 1000;

/// Bots of one user. All of them end with the user, in one entry.
pub const BOTS_PER_USER_MAX: u32 = 16;

/// Bots that one user ever makes, with those that are no more, whose names are never given again.
pub const BOTS_EVER_PER_USER_MAX: u32 = 256;

/// Bans from the cluster. One that has run out gives way.
pub const SERVER_BANS_MAX: u32 = 10_000;

/// Invites to the cluster that are open at a time.
pub const INVITES_MAX: u32 = 10_000;

/// Registrations that one invite is made for.
pub const INVITE_USES_MAX: u32 = 10_000;

/// Nodes of the cluster, as many as a cluster file lists.
pub const NODES_MAX: u32 = 31;

/// Nodes that there ever were: ids are never given again, so each that is gone keeps its record.
pub const NODES_EVER_MAX: u32 = 10_000;

/// Tokens for nodes at a time.
pub const JOIN_TOKENS_MAX: u32 = 1000;

/// Nodes that one token lets in.
pub const JOIN_TOKEN_USES_MAX: u32 = 31;

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

/// Lines that a room keeps beyond its messages: before the oldest one, or when it has none, and past
/// as many as its retention lets it have. They are what joins, leaves and topics make, which neither
/// a quota counts nor a retention bounds.
pub(super) const LINES_BESIDE_MESSAGES_MAX: u64 = 10_000;

/// Rows besides messages (edits, reactions) after which one entry cuts no further.
pub(super) const SWEEP_ROWS_MAX: usize = 4000;

/// Messages of a deleted user that lose their texts by one entry at the most.
pub(super) const PURGES_PER_ENTRY_MAX: usize = 250;

/// Invites, and as many bans and restrictions, that one entry ends at the most because they have run out.
pub(super) const ENDS_PER_ENTRY_MAX: usize = 100;

/// Rooms that are looked at for sweeps at a time: whoever looks holds up the log meanwhile.
pub(super) const CHORE_LOOKS_MAX: usize = 10_000;

/// Sweeps that the state asks for at a time.
pub(super) const CHORES_MAX: usize = 64;

/// Whether a writer last used then has been idle for too long now.
pub(super) const fn too_idle(used_at: Timestamp, now: Timestamp) -> bool {
    now.0.saturating_sub(used_at.0) as u128 >= WRITER_IDLE_MAX.as_millis()
}
