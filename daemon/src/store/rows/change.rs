//! What an applied event does to the rows of lines.

use bytes::Bytes;
use quorate_core::{Body, Event, EventNo, RoomEvent, RoomEventKind, RoomId, Seq, StateEvent, Withdrawn};
use quorate_protocol::event;

use super::EVENT_OVERHEAD_BYTES;

/// One step, in log order. An entry makes as many as its events name, which the core bounds.
#[derive(Debug)]
pub(in crate::store) enum Change {
    /// A new line.
    Append(EventRow),
    /// A message has another text; the one that it was posted with is kept apart.
    Revise {
        room: RoomId,
        target: Seq,
        /// The line that says so.
        edit: Seq,
        body: Body,
    },
    /// These lines, a message and its edits, lose their texts for ever.
    Withdraw { room: RoomId, lines: Vec<Seq> },
    /// Lines before this one are gone; `messages` of them were messages.
    Cut { room: RoomId, first: Seq, messages: usize },
}

/// A room event on its way to the file.
#[derive(Debug)]
pub(in crate::store) struct EventRow {
    pub(in crate::store) no: EventNo,
    pub(in crate::store) room: RoomId,
    pub(in crate::store) seq: Seq,
    pub(in crate::store) bytes: Bytes,
}

impl Change {
    /// Appends what an event changes.
    pub(in crate::store) fn of(event: &Event, out: &mut Vec<Self>) {
        match event {
            Event::Room(line) => Self::of_line(line, out),
            Event::State(StateEvent::MessagesPurged { messages, .. }) => {
                out.extend(messages.iter().map(Self::withdraw));
            }
            Event::State(StateEvent::HistoryCut {
                room, first, messages, ..
            }) => {
                out.push(Self::Cut {
                    room: *room,
                    first: *first,
                    messages: messages.len(),
                });
                // A message that is gone leaves no text behind in an edit that is newer.
                let edits = messages.iter().flat_map(|message| &message.edits);
                let lines: Vec<_> = edits.copied().filter(|edit| edit >= first).collect();
                if !lines.is_empty() {
                    out.push(Self::Withdraw { room: *room, lines });
                }
            }
            Event::State(_) => {}
        }
    }

    fn of_line(line: &RoomEvent, out: &mut Vec<Self>) {
        if let RoomEventKind::Redacted { target, .. } = &line.kind {
            // Before the line: who follows the room then finds the line in its tail, without the text.
            out.push(Self::withdraw(target));
        }
        out.push(Self::Append(EventRow {
            no: line.no,
            room: line.room,
            seq: line.seq,
            bytes: event::encode(line),
        }));
        if let RoomEventKind::Edited { target, body, .. } = &line.kind {
            out.push(Self::Revise {
                room: line.room,
                target: *target,
                edit: line.seq,
                body: body.clone(),
            });
        }
    }

    fn withdraw(message: &Withdrawn) -> Self {
        let lines = [message.seq].into_iter().chain(message.edits.iter().copied());
        Self::Withdraw {
            room: message.room,
            lines: lines.collect(),
        }
    }

    /// Bytes that it writes, about.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append(event) => event.bytes.len() + EVENT_OVERHEAD_BYTES,
            Self::Revise { body, .. } => body.as_str().len() + 2 * EVENT_OVERHEAD_BYTES,
            Self::Withdraw { lines, .. } => lines.len() * EVENT_OVERHEAD_BYTES,
            Self::Cut { messages, .. } => (1 + messages) * EVENT_OVERHEAD_BYTES,
        }
    }
}
