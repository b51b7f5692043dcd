//! What followers of rooms are told of applied events.

use quorate_core::{Event, RoomEventKind, RoomId, Seq, StateEvent, Withdrawn};

use crate::fanout::Published;

use super::rows::Change;

/// Which lines lost their texts or are gone by an event: the rooms, and the last such line of each.
pub(super) fn voids(event: &Event) -> Vec<(RoomId, Seq)> {
    match event {
        Event::Room(line) => match &line.kind {
            RoomEventKind::Redacted { target, .. } => vec![(target.room, last_of(target))],
            _ => Vec::new(),
        },
        Event::State(StateEvent::MessagesPurged { messages, .. }) => messages
            .iter()
            .map(|message| (message.room, last_of(message)))
            .collect(),
        Event::State(StateEvent::HistoryCut {
            room, first, messages, ..
        }) => {
            let last = messages.iter().map(last_of).max().unwrap_or_default();
            vec![(*room, last.max(before(*first)))]
        }
        Event::State(_) => Vec::new(),
    }
}

/// The message, or its last edit.
fn last_of(message: &Withdrawn) -> Seq {
    message.edits.iter().copied().fold(message.seq, Seq::max)
}

/// The same for one batch, between the lines that it brings, in order. An edit voids nothing: what it
/// replaced can be read by everybody, and its line comes after.
pub(super) fn published(changes: &[Change]) -> Vec<Published> {
    let published = changes.iter().filter_map(|change| match change {
        Change::Append(event) => Some(Published::Line {
            room: event.room,
            seq: event.seq,
            bytes: event.bytes.clone(),
        }),
        Change::Withdraw { room, lines } => Some(Published::Void {
            room: *room,
            upto: lines.iter().max().copied()?,
        }),
        Change::Cut { room, first, .. } => Some(Published::Void {
            room: *room,
            upto: before(*first),
        }),
        Change::Revise { .. } => None,
    });
    published.collect()
}

const fn before(first: Seq) -> Seq {
    Seq(first.0.saturating_sub(1))
}
