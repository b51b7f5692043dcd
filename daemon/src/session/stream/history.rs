//! Part of a room's past.

use quorate_core::{Refusal, RoomId, RoomName, Seq, UserId};
use quorate_protocol::client::{Bounds, Failure, HISTORY_LIMIT_MAX, History, HistoryPart, Part};
use tokio::time::Instant;

use super::{Answered, Caller, Out, PART_BYTES, READ_DEADLINE};
use crate::session::present::shown;
use crate::session::reply::{by_core, unavailable};
use crate::store::Range;

/// What is to be sent: events from `from` on, up to but not with `end`.
struct Plan {
    user: UserId,
    room: RoomId,
    name: RoomName,
    from: Seq,
    end: Seq,
    first: Seq,
    last: Seq,
}

pub(super) async fn answer(out: &mut Out, caller: &Caller, ask: &History) -> Answered<Bounds> {
    let plan = match plan(caller, ask).await {
        Ok(plan) => plan,
        Err(failure) => return Ok(Err(failure)),
    };
    let reader = &caller.services.reader;
    let (mut first, mut next) = (plan.first, plan.from);
    while next < plan.end {
        let left = usize::try_from(plan.end.0 - next.0).unwrap_or(usize::MAX);
        let after = Range::After(Seq(next.0 - 1));
        let Ok(mut events) = reader.history(plan.room, after, left, PART_BYTES).await else {
            return Ok(Err(unavailable("unavailable")));
        };
        events.retain(|event| event.seq < plan.end);
        let (Some(begin), Some(end)) = (events.first(), events.last()) else {
            break;
        };
        let part_first = begin.seq;
        if part_first > next {
            // The room's past was cut meanwhile.
            first = first.max(part_first);
        }
        next = end.seq.next();
        let shown = reader.with_state(|state| {
            state.member(plan.room, plan.user).ok_or(Refusal::NotAMember)?;
            let events = events.into_iter().map(|event| shown(state, event.bytes));
            Ok(events.collect())
        });
        let events = match shown {
            Ok(events) => events,
            Err(refusal) => return Ok(Err(by_core(&refusal))),
        };
        let part = HistoryPart {
            first: part_first,
            events,
        };
        out.send(&part).await?;
    }
    Ok(Ok(Bounds {
        room: plan.name,
        first,
        last: plan.last,
    }))
}

async fn plan(caller: &Caller, ask: &History) -> Result<Plan, Failure> {
    let deadline = Instant::now() + READ_DEADLINE;
    let mut seen = ask.seen;
    if ask.linearizable {
        // Who asks before anybody is made to answer: a round of heartbeats is not for strangers.
        caller.catch_up(seen, deadline).await?;
        let index = caller.services.relay.read_index(deadline).await;
        seen = seen.max(index.map_err(|_| unavailable("no-quorum"))?);
    }
    let user = caller.catch_up(seen, deadline).await?;
    caller.services.reader.with_state(|state| {
        let id = state
            .readable_room(user, &ask.room)
            .map_err(|refusal| by_core(&refusal))?;
        let room = state.room(id).ok_or_else(|| by_core(&Refusal::UnknownRoom))?;
        let limit = u64::from(ask.limit.min(HISTORY_LIMIT_MAX));
        let (from, end) = bounds(ask.part, limit, room.first_seq, room.last_seq);
        Ok(Plan {
            user,
            room: id,
            name: room.name.clone(),
            from,
            end,
            first: room.first_seq,
            last: room.last_seq,
        })
    })
}

/// Where to begin, and before which one to end: within what is kept.
fn bounds(part: Part, limit: u64, first: Seq, last: Seq) -> (Seq, Seq) {
    let before = |end: Seq| (Seq(end.0.saturating_sub(limit)).max(first), end);
    match part {
        Part::Newest => before(last.next()),
        Part::Before(end) => before(end.min(last.next())),
        Part::After(start) => {
            let from = start.next().max(first);
            (from, Seq(from.0.saturating_add(limit)).min(last.next()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first and the count.
    fn page(part: Part, limit: u64, first: u64, last: u64) -> (u64, u64) {
        let (from, end) = bounds(part, limit, Seq(first), Seq(last));
        (from.0, end.0.saturating_sub(from.0))
    }

    #[test]
    fn bounds_are_exclusive_and_stay_within_the_room() {
        assert_eq!(page(Part::Newest, 3, 1, 10), (8, 3));
        assert_eq!(page(Part::Newest, 50, 1, 10), (1, 10));
        assert_eq!(page(Part::Before(Seq(4)), 50, 1, 10), (1, 3));
        assert_eq!(page(Part::Before(Seq(4)), 2, 1, 10), (2, 2));
        assert_eq!(page(Part::Before(Seq(1)), 2, 1, 10), (1, 0));
        assert_eq!(page(Part::Before(Seq(99)), 2, 1, 10), (9, 2));
        assert_eq!(page(Part::After(Seq(8)), 50, 1, 10), (9, 2));
        assert_eq!(page(Part::After(Seq(10)), 50, 1, 10).1, 0);
        assert_eq!(page(Part::After(Seq(99)), 50, 1, 10).1, 0);
        assert_eq!(page(Part::After(Seq(u64::MAX)), 50, 1, 10).1, 0);
        assert_eq!(page(Part::Newest, 5, 1, 0).1, 0);
    }

    #[test]
    fn pages_begin_at_what_is_kept() {
        assert_eq!(page(Part::Newest, 50, 6, 10), (6, 5));
        assert_eq!(page(Part::After(Seq(2)), 2, 6, 10), (6, 2));
        assert_eq!(page(Part::Before(Seq(8)), 50, 6, 10), (6, 2));
        assert_eq!(page(Part::Before(Seq(3)), 50, 6, 10).1, 0);
        assert_eq!(page(Part::Newest, 50, 11, 10).1, 0, "all is gone");
    }
}
