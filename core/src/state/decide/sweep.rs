//! What has had its time goes, a bounded part of it an entry.

use crate::{
    Done, Event, Refusal, Retention, RoomId, RoomStanding, Seq, State, StateEvent, Sweep, Timestamp, UserId, Withdrawn,
};

use super::super::limits::{ENDS_PER_ENTRY_MAX, PURGES_PER_ENTRY_MAX, SWEEP_LINES_MAX, SWEEP_ROWS_MAX};
use super::super::lines::Message;
use super::super::table::RoomState;
use super::Decision;
use super::edit::withdrawn;

pub(super) fn sweep(state: &State, sweep: Sweep) -> Decision {
    let (events, more) = match sweep {
        Sweep::Room(room) => of_room(state, room)?,
        Sweep::User(user) => of_user(state, user),
        Sweep::Expired => expired(state),
    };
    let events = events.into_iter().map(Event::State).collect();
    Ok((Done::Swept { more }, events))
}

/// Which of a room's lines go next.
struct Cut {
    /// The oldest that is kept.
    first: Seq,
    /// There is more to go behind it.
    more: bool,
}

fn of_room(state: &State, room: RoomId) -> Result<(Vec<StateEvent>, bool), Refusal> {
    let Some(found) = state.rooms.get(&room) else {
        return Ok((Vec::new(), false));
    };
    let cut = match found.room.standing {
        RoomStanding::Deleted => Some(all(state, room, found)),
        RoomStanding::Open | RoomStanding::Archived => overdue(state, room, found),
    };
    let Some(Cut { first, more }) = cut else {
        return Ok((Vec::new(), false));
    };
    let mut events = Vec::new();
    if first > found.room.first_seq {
        events.push(history_cut(state, room, found, first));
    }
    if found.room.standing == RoomStanding::Deleted && !more {
        events.push(StateEvent::RoomForgotten { room });
    }
    Ok((events, more))
}

/// Of a deleted room everything goes.
fn all(state: &State, room: RoomId, found: &RoomState) -> Cut {
    let (from, end) = stretch(found);
    let mut rows = 0;
    for (seq, _) in found.lines.within(before(from), before(end)) {
        rows += rows_with(state, room, seq);
        if rows >= SWEEP_ROWS_MAX {
            let first = seq.next();
            let more = first <= found.room.last_seq;
            return Cut { first, more };
        }
    }
    let more = end <= found.room.last_seq;
    Cut { first: end, more }
}

/// The messages that the room's retention gives up, with what lies before them. Lines that are no
/// messages say nothing without the messages around them, so they wait for the next message.
fn overdue(state: &State, room: RoomId, found: &RoomState) -> Option<Cut> {
    let retention = state.retention(room);
    let mut live = found.room.messages;
    let (_, oldest) = found.lines.head()?;
    if !is_over(retention, live, state.now(), &oldest) {
        return None;
    }
    let (from, end) = stretch(found);
    let (mut first, mut rows) = (from, 0);
    for (seq, message) in found.lines.within(before(from), before(end)) {
        if !is_over(retention, live, state.now(), &message) {
            return Some(Cut { first, more: false });
        }
        first = seq.next();
        live -= u64::from(!message.redacted);
        rows += rows_with(state, room, seq);
        if rows >= SWEEP_ROWS_MAX {
            break;
        }
    }
    // No message in the whole stretch: what goes comes after it.
    let first = if first == from { end } else { first };
    let next = found.lines.within(before(first), found.room.last_seq).next();
    let more = next.is_some_and(|(_, message)| is_over(retention, live, state.now(), &message));
    Some(Cut { first, more })
}

/// Whether the oldest message of a room with so many live ones is to go.
pub(in crate::state) fn is_over(retention: Retention, live: u64, now: Timestamp, oldest: &Message) -> bool {
    let age = now.0.saturating_sub(oldest.at.0);
    retention.age_max.is_some_and(|max| age > max.0) || retention.messages_max.is_some_and(|max| live > max)
}

fn history_cut(state: &State, room: RoomId, found: &RoomState, first: Seq) -> StateEvent {
    let messages = found.lines.within(Seq(0), before(first));
    let messages: Vec<Withdrawn> = messages
        .map(|(seq, message)| withdrawn(state, room, seq, &message))
        .collect();
    let reactions = state
        .reactions
        .range((room, Seq(0), UserId(0), 0)..(room, first, UserId(0), 0));
    let calls = state.calls.range((room, Seq(0))..(room, first));
    StateEvent::HistoryCut {
        room,
        first,
        messages,
        reactions: reactions
            .map(|((_, seq, user, emoji), _)| (*seq, *user, *emoji))
            .collect(),
        calls: calls.map(|((_, seq), _)| *seq).collect(),
    }
}

/// The lines that one entry may cut off: from the first one to before the second.
fn stretch(found: &RoomState) -> (Seq, Seq) {
    let from = found.room.first_seq;
    (from, Seq(from.0 + SWEEP_LINES_MAX).min(found.room.last_seq.next()))
}

fn rows_with(state: &State, room: RoomId, seq: Seq) -> usize {
    state.edits(room, seq).len() + state.reactions(room, seq).count()
}

const fn before(seq: Seq) -> Seq {
    Seq(seq.0.saturating_sub(1))
}

fn of_user(state: &State, user: UserId) -> (Vec<StateEvent>, bool) {
    if !state.purging.contains(&user) {
        return (Vec::new(), false);
    }
    let texts = state.texts(user).filter_map(|key| {
        let message = state.rooms.get(&key.room)?.lines.message(key.seq)?;
        Some(withdrawn(state, key.room, key.seq, &message))
    });
    let messages: Vec<_> = texts.take(PURGES_PER_ENTRY_MAX).collect();
    let more = state.texts(user).nth(messages.len()).is_some();
    let mut events = Vec::new();
    if !messages.is_empty() {
        events.push(StateEvent::MessagesPurged { user, messages });
    }
    if !more {
        events.push(StateEvent::UserPurged { user });
    }
    (events, more)
}

fn expired(state: &State) -> (Vec<StateEvent>, bool) {
    let now = state.now();
    let invites = state.invites_over(now).map(|invite| StateEvent::InviteEnded { invite });
    let bans = state.bans_over(now);
    let bans = bans.map(|(room, user)| StateEvent::BanEnded { room, user });
    let some = invites.take(ENDS_PER_ENTRY_MAX).chain(bans.take(ENDS_PER_ENTRY_MAX));
    let more = state.invites_over(now).nth(ENDS_PER_ENTRY_MAX).is_some()
        || state.bans_over(now).nth(ENDS_PER_ENTRY_MAX).is_some();
    (some.collect(), more)
}
