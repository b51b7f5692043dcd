//! The state of the chat and the one way to change it.
//!
//! [`State::apply`] takes an entry in two steps, each of them *decide* (reads only, may refuse) and
//! then *evolve* (takes the events one by one, cannot fail): first the housekeeping that time asks
//! for, then the command.
//!
//! # Log time
//! `now` is the greatest `proposed_at` seen. A request that was answered before gives its stored
//! outcome and leaves everything alone, log time too: only the index of the hash moves.
//!
//! # Unread counts
//! A member's mark may land on any seq, so how many messages of others lie past it is no difference
//! of two seqs. Each member record therefore holds two counters: how many messages of anybody are
//! at or before the mark, and how many of their own are past it; the unread count is
//! `room.messages - seen - own_past_mark`. Posting moves one of them by one. Moving a mark needs the
//! authors of the lines that it passes: each room keeps them in memory, eight bytes a line, made
//! again from the message keys at a restart. Marks never go back, so a member passes each line once
//! in a membership, and reading a count never looks at lines at all.
//!
//! # Choices
//! - A message to oneself is allowed: the direct room of one member, for notes.
//! - Direct rooms are private rooms named `@a+b`; they cannot be left and count as rooms like any.
//! - Any member may set the topic. An owner may leave; a room without members stays, with its name.
//! - A private room's name is taken for everybody: who tries to create one of the same name learns
//!   that, and nothing else.
//! - Posting does not move the author's read mark; their own messages are never counted as unread.
//! - Registering, or logging in, on a device that speaks for somebody else takes it over.
//!
//! # Left out
//! Message bodies: they are in the events only, no decision reads one.

mod apply;
mod decide;
mod evolve;
mod hash;
mod limits;
mod query;
mod records;
mod restore;
mod table;

pub use limits::{
    DEVICES_PER_USER_MAX, EXPIRIES_PER_ENTRY_MAX, MEMBERS_PER_ROOM_MAX, RECEIPT_WINDOW, ROOMS_MAX, ROOMS_PER_USER_MAX,
    USERS_MAX, WRITER_IDLE_MAX, WRITERS_PER_DEVICE_MAX,
};
pub use restore::RestoreError;
pub use table::State;
