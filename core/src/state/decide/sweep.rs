//! What has had its time goes, a bounded part of it an entry.

use crate::{
    Done, Event, Refusal, Retention, RoomId, RoomStanding, Seq, State, StateEvent, Sweep, Timestamp, UserId, Withdrawn,
};

use super::super::limits::{
    ENDS_PER_ENTRY_MAX, LINES_BESIDE_MESSAGES_MAX, PURGES_PER_ENTRY_MAX, SWEEP_LINES_MAX, SWEEP_ROWS_MAX,
};
use super::super::lines::Message;
use super::super::table::RoomState;
use super::Decision;
use super::edit::withdrawn;

pub(super) fn sweep(state: &State, sweep: Sweep) -> Decision {
    let (events, more) = match sweep {
        Sweep::Room(room) => of_room(state, room)?,
        Sweep::User(user) => of_user(state, user),
        Sweep::Expired => expired(state),
        Sweep::Closing => closing(state),
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
    if found.room.standing == RoomStanding::Deleted {
        return Ok(close(state, room, found, &mut Budget::of_entry()));
    }
    let Some(Cut { first, more }) = overdue(state, room, found) else {
        return Ok((Vec::new(), false));
    };
    let cut = (first > found.room.first_seq).then(|| history_cut(state, room, found, first));
    Ok((cut.into_iter().collect(), more))
}

/// Deleted rooms, one after the other.
fn closing(state: &State) -> (Vec<StateEvent>, bool) {
    let (mut events, mut budget) = (Vec::new(), Budget::of_entry());
    let rooms = state
        .closing
        .iter()
        .filter_map(|room| Some((*room, state.rooms.get(room)?)));
    for (room, found) in rooms {
        if budget.is_spent() {
            return (events, true);
        }
        let (closed, more) = close(state, room, found, &mut budget);
        events.extend(closed);
        if more {
            return (events, true);
        }
    }
    (events, false)
}

/// The end of all that is kept of a room, if this entry can still hold it: behind these events nothing
/// of it is left, so what they follow has to close the room first, as its deletion does.
pub(super) fn forgotten_at_once(state: &State, room: RoomId, budget: &mut Budget) -> Vec<StateEvent> {
    let Some(found) = state.rooms.get(&room) else {
        return Vec::new();
    };
    let mut rest = *budget;
    if rest.is_spent() || found.room.last_seq.next().0 - found.room.first_seq.0 > rest.lines {
        return Vec::new();
    }
    match close(state, room, found, &mut rest) {
        (events, false) => {
            *budget = rest;
            events
        }
        (_, true) => Vec::new(),
    }
}

/// How much of deleted rooms one entry takes away at the most.
#[derive(Clone, Copy)]
pub(super) struct Budget {
    lines: u64,
    /// Besides messages.
    rows: usize,
}

impl Budget {
    pub(super) const fn of_entry() -> Self {
        Self {
            lines: SWEEP_LINES_MAX,
            rows: SWEEP_ROWS_MAX,
        }
    }

    const fn is_spent(self) -> bool {
        self.lines == 0 || self.rows == 0
    }
}

/// As much of a deleted room as there is a budget for, and whether there is more.
fn close(state: &State, room: RoomId, found: &RoomState, budget: &mut Budget) -> (Vec<StateEvent>, bool) {
    let from = found.room.first_seq;
    let Cut { first, more } = all(state, room, found, budget);
    // A room is work also when it has no line any more.
    budget.lines = budget.lines.saturating_sub((first.0 - from.0).max(1));
    let cut = (first > from).then(|| history_cut(state, room, found, first));
    let forgotten = (!more).then_some(StateEvent::RoomForgotten { room });
    (cut.into_iter().chain(forgotten).collect(), more)
}

/// Of a deleted room everything goes.
fn all(state: &State, room: RoomId, found: &RoomState, budget: &mut Budget) -> Cut {
    let (from, end) = stretch(found, budget.lines);
    for (seq, _) in found.lines.within(before(from), before(end)) {
        budget.rows = budget.rows.saturating_sub(rows_with(state, room, seq));
        if budget.rows == 0 {
            let first = seq.next();
            let more = first <= found.room.last_seq;
            return Cut { first, more };
        }
    }
    let more = end <= found.room.last_seq;
    Cut { first: end, more }
}

/// The messages that the room's retention gives up, with what lies before them, and other lines past
/// their number. Lines that are no messages say nothing without the messages around them, so but for
/// their number they wait for the next message.
fn overdue(state: &State, room: RoomId, found: &RoomState) -> Option<Cut> {
    let (retention, now) = (state.retention(room), state.now());
    if !is_overdue(found, retention, now) {
        return None;
    }
    let kept = past_number(found, retention);
    let is_over = |seq, live, message: &Message| seq < kept || is_over(retention, live, now, message);
    let (from, end) = stretch(found, SWEEP_LINES_MAX);
    let (mut first, mut live, mut rows) = (from, found.room.messages, 0);
    for (seq, message) in found.lines.within(before(from), before(end)) {
        if !is_over(seq, live, &message) {
            break;
        }
        first = seq.next();
        live -= u64::from(!message.redacted);
        rows += rows_with(state, room, seq);
        if rows >= SWEEP_ROWS_MAX {
            break;
        }
    }
    let last = found.room.last_seq;
    let next = match first > from {
        true => found.lines.within(before(first), last).next(),
        false => found.lines.head(),
    };
    let goes_next = next.is_some_and(|(seq, message)| is_over(seq, live, &message));
    let next = next.map_or(last.next(), |(seq, _)| seq);
    // All that lies before a message that goes, and of what stays before another one so many.
    let rest = if goes_next {
        next
    } else {
        kept.max(Seq(next.0.saturating_sub(LINES_BESIDE_MESSAGES_MAX)))
    };
    let target = first.max(rest);
    let first = if rows < SWEEP_ROWS_MAX { target.min(end) } else { first };
    let more = goes_next || first < target;
    Some(Cut { first, more })
}

/// Whether a room that is not deleted has lines that are to go. Reads what stands in the room's record
/// and its oldest message.
pub(in crate::state) fn is_overdue(found: &RoomState, retention: Retention, now: Timestamp) -> bool {
    let RoomState { room, lines } = found;
    if past_number(found, retention) > room.first_seq || lines.leading() > LINES_BESIDE_MESSAGES_MAX {
        return true;
    }
    // Most rooms are asked no further: their lines lie all over the memory.
    let may_be = retention.age_max.is_some() || retention.messages_max.is_some_and(|max| room.messages > max);
    let oldest = lines.head().filter(|_| may_be);
    oldest.is_some_and(|(_, oldest)| is_over(retention, room.messages, now, &oldest))
}

/// The oldest line that a bound on the messages' number leaves: else a room that takes no more than a
/// few messages would keep what is no message for ever.
fn past_number(found: &RoomState, retention: Retention) -> Seq {
    let lines_max = retention
        .messages_max
        .map(|max| max.saturating_add(LINES_BESIDE_MESSAGES_MAX));
    let end = found.room.last_seq.next();
    Seq(end.0.saturating_sub(lines_max.unwrap_or(u64::MAX)))
}

/// Whether the oldest message of a room with so many live ones is to go.
fn is_over(retention: Retention, live: u64, now: Timestamp, oldest: &Message) -> bool {
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
fn stretch(found: &RoomState, lines: u64) -> (Seq, Seq) {
    let from = found.room.first_seq;
    (from, Seq(from.0 + lines).min(found.room.last_seq.next()))
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
    let silences = state.restrictions_over(now);
    let silences = silences.map(|(room, user)| StateEvent::RestrictionEnded { room, user });
    let server_bans = state
        .server_bans_over(now)
        .map(|ban| StateEvent::ServerBanEnded { ban });
    let some = invites
        .take(ENDS_PER_ENTRY_MAX)
        .chain(bans.take(ENDS_PER_ENTRY_MAX))
        .chain(silences.take(ENDS_PER_ENTRY_MAX))
        .chain(server_bans.take(ENDS_PER_ENTRY_MAX));
    let more = state.invites_over(now).nth(ENDS_PER_ENTRY_MAX).is_some()
        || state.bans_over(now).nth(ENDS_PER_ENTRY_MAX).is_some()
        || state.restrictions_over(now).nth(ENDS_PER_ENTRY_MAX).is_some()
        || state.server_bans_over(now).nth(ENDS_PER_ENTRY_MAX).is_some();
    (some.collect(), more)
}
