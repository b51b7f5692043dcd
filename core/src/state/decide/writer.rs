//! Writers: granted, and gone.

use crate::{
    Device, Done, EXPIRIES_PER_ENTRY_MAX, Event, GrantWriter, LogIndex, Refusal, RequestNo, State, StateEvent,
    Timestamp, UserId, WRITERS_PER_USER_MAX, WriterId,
};

use super::super::limits::too_idle;
use super::Decision;
use super::access::may_act;

pub(super) fn grant(state: &State, index: LogIndex, command: &GrantWriter) -> Decision {
    let Device { user, binding, .. } = *state.device(&command.device).ok_or(Refusal::NotLoggedIn)?;
    // In a lockdown it is granted all the same: what is written with it is refused, with a receipt.
    may_act(state, user)?;
    let writer = WriterId(index.0);
    let over = (of_user(state, user).count() + 1).saturating_sub(WRITERS_PER_USER_MAX);
    let mut events: Vec<_> = of_user(state, user)
        .take(over)
        .map(|idle| expired(state, idle))
        .collect();
    events.push(Event::State(StateEvent::WriterGranted {
        writer,
        device: command.device,
        binding,
    }));
    Ok((Done::Granted { writer }, events))
}

/// The writers that have been idle for too long, the longest idle first, and then those that lost
/// their device; at most a few.
pub(super) fn expiries(state: &State, now: Timestamp) -> impl Iterator<Item = Event> + '_ {
    let idle = state
        .idle
        .iter()
        .take_while(move |(used_at, _)| too_idle(*used_at, now));
    // Those that are both were found as idle ones: orphans are come to only behind the last of them.
    let is_idle = move |id: &WriterId| {
        let found = state.writers.get(id);
        found.is_some_and(|found| too_idle(found.writer.used_at, now))
    };
    let orphans = state.orphans.iter().copied().filter(move |id| !is_idle(id));
    idle.map(|(_, id)| *id)
        .chain(orphans)
        .take(EXPIRIES_PER_ENTRY_MAX)
        .map(|id| expired(state, id))
}

/// The writers of a user, the longest idle first.
fn of_user(state: &State, user: UserId) -> impl Iterator<Item = WriterId> + '_ {
    let first = (user, Timestamp(0), WriterId(0));
    let last = (user, Timestamp(u64::MAX), WriterId(u64::MAX));
    state.user_writers.range(first..=last).map(|(_, _, id)| *id)
}

fn expired(state: &State, writer: WriterId) -> Event {
    let last = state
        .writers
        .get(&writer)
        .map_or(RequestNo(0), |found| found.writer.last);
    Event::State(StateEvent::WriterExpired { writer, last })
}
