//! What the index has and the state has no more.

use quorate_core::{RoomId, Seq, Standing, State, UserId};
use quorate_search::Change;

/// What is left of a room's texts: nothing of one that is forgotten, and of the others nothing before the first line that is
/// kept.
pub(super) fn room(state: &State, room: RoomId) -> Option<Change> {
    match state.room(room).map(|room| room.first_seq) {
        None => Some(Change::RemoveRoom { room }),
        Some(first) if first > Seq(1) => Some(Change::RemoveBelow { room, first }),
        Some(_) => None,
    }
}

/// What is left of a user's texts. Of one who is deleted: nothing, if they are being purged (what has not gone yet is about
/// to), or if the state counts no text of theirs any more.
pub(super) fn author(state: &State, author: UserId) -> Option<Change> {
    let is_gone = match state.user(author).map(|user| user.standing) {
        None => true,
        Some(Standing::Active | Standing::Disabled) => false,
        Some(Standing::Deleted { purging }) => purging || state.text_bytes(author) == 0,
    };
    is_gone.then_some(Change::RemoveAuthor { author })
}
