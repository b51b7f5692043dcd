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
//! The unread count of a member is the messages after their mark less their own among these. The
//! former comes from counters that each room keeps for blocks of its lines ([`lines`]), the latter
//! from a counter in the member's record, which posting, redacting and marking move. A redacted or
//! cut message is not counted. Mentions are counted apart, from a bounded list of them.
//!
//! # Choices
//! - A message to oneself is allowed: the direct room of one member, for notes.
//! - Direct rooms are private rooms named `@a+b`; they are managed by nobody, and counted apart for
//!   each user. When one of the two is deleted, the other one may still read, and may leave; nobody
//!   else leaves one. Its name, which only the two ever see, stays: it is how the other one finds it.
//! - Any member who may write sets the topic and invites. An owner may leave: the room goes to who has
//!   been there the longest of those who may do the most. When the last member goes the room ends, as
//!   if deleted; but a public room in which something was said stays as it is, and who joins it next
//!   owns it. It counts for who made it, so that nobody can leave rooms behind without end.
//! - A room that ends is forgotten by the same entry if it has few lines, else by sweeps.
//! - A private room's name is taken for everybody: who tries to create one of the same name learns
//!   that, and nothing else. Who is invited to it may see it, and is a stranger again after declining.
//! - Bans, mutes and invites that have run out are as none, whether or not a sweep has taken them. A
//!   role ends with the membership; what keeps a member from writing (a mute, the role of who only
//!   reads) waits for their coming back, and so does a ban.
//! - A deleted account keeps its record: nobody gets its name, nor one that looks like it. What waits
//!   for its coming back goes.
//! - A device that is unbound leaves its writers behind; they write no more, and one of them expires with
//!   each entry.
//! - A disabled account, and one that is banned from the cluster, keeps its devices, rooms and names, and may do
//!   nothing with them; nor may its bots. What it asks for through a writer is refused with a receipt, so that the writer
//!   goes on where it was once the account may act again.
//! - What operators do in rooms stands there as lines of [`crate::UserId::OPERATOR`].
//! - Posting does not move the author's read mark; their own messages are never counted as unread.
//! - A node that is taken out keeps its record: its id is given to nobody. A token that is used up keeps its own until it
//!   has run out, to say so.
//! - Registering, or logging in, on a device that speaks for somebody else takes it over.
//!
//! # Left out
//! Message bodies: they are in the events only, no decision reads one.

mod apply;
mod decide;
mod evolve;
mod hash;
mod limits;
mod lines;
mod query;
mod records;
mod restore;
mod table;

pub use limits::{
    BANS_PER_ROOM_MAX, BOTS_EVER_PER_USER_MAX, BOTS_PER_USER_MAX, DEVICES_PER_USER_MAX, DIRECT_ROOMS_PER_USER_MAX,
    EDITS_PER_MESSAGE_MAX, EXPIRIES_PER_ENTRY_MAX, INVITATIONS_PER_INVITER_MAX, INVITATIONS_PER_ROOM_MAX,
    INVITATIONS_PER_USER_MAX, INVITE_USES_MAX, INVITES_MAX, JOIN_TOKEN_USES_MAX, JOIN_TOKENS_MAX, MEMBERS_PER_ROOM_MAX,
    NAMES_MAX, NODES_EVER_MAX, NODES_MAX, REACTIONS_PER_MESSAGE_MAX, REACTIONS_PER_USER_MAX, RECEIPT_WINDOW,
    RETENTION_AGE_MIN, ROOMS_MAX, ROOMS_PER_USER_MAX, SERVER_BANS_MAX, USERS_MAX, WRITER_IDLE_MAX,
    WRITERS_PER_USER_MAX,
};
pub use query::OwnMessage;
pub use restore::RestoreError;
pub use table::State;
