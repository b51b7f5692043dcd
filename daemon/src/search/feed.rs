//! What lines and removals mean for the index.

use quorate_core::{RoomEvent, RoomEventKind, RoomId, Seq};
use quorate_search::Change;

use crate::store::Removal;

/// What a line changes. Its text is in its row, which says what is there now.
#[derive(Debug)]
pub(super) enum Step {
    /// This.
    Change(Change),
    /// What the row of this message says now.
    Look(RoomId, Seq),
}

/// What a line changes, if anything.
pub(super) fn step(line: RoomEvent) -> Option<Step> {
    let room = line.room;
    match &line.kind {
        RoomEventKind::Message { .. } | RoomEventKind::Revised { .. } => add(line).map(Step::Change),
        RoomEventKind::Withdrawn { .. } => Some(remove(room, line.seq)),
        RoomEventKind::Edited { target, .. } => Some(Step::Look(room, *target)),
        RoomEventKind::EditWithdrawn { target } => Some(remove(room, *target)),
        RoomEventKind::Redacted { target, .. } => Some(remove(target.room, target.seq)),
        _ => None,
    }
}

/// What the present row of a message says: its text, or none where it is withdrawn or gone.
pub(super) fn present(room: RoomId, seq: Seq, row: Option<RoomEvent>) -> Change {
    row.and_then(add).unwrap_or(Change::Remove { room, seq })
}

/// What a removal takes away; `None`: anything, so the index has to be reconciled.
pub(super) fn removed(removal: Removal) -> Option<Change> {
    match removal {
        Removal::Below { room, first } => Some(Change::RemoveBelow { room, first }),
        Removal::Room(room) => Some(Change::RemoveRoom { room }),
        Removal::Message { room, seq } => Some(Change::Remove { room, seq }),
        Removal::Lost => None,
    }
}

fn add(line: RoomEvent) -> Option<Change> {
    let (RoomEventKind::Message { body, .. } | RoomEventKind::Revised { body, .. }) = line.kind else {
        return None;
    };
    Some(Change::Add {
        no: line.no,
        room: line.room,
        seq: line.seq,
        author: line.author,
        at: line.at,
        text: body.as_str().to_owned(),
    })
}

fn remove(room: RoomId, seq: Seq) -> Step {
    Step::Change(Change::Remove { room, seq })
}
