//! A history: one request on a stream of its own, answered in parts as fast as they are read.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{DeviceId, Refusal, RoomId, RoomName, Seq};
use quorate_protocol::FRAME_MAX_BEFORE_LOGIN_BYTES;
use quorate_protocol::client::{
    self, Bounds, Failure, HISTORY_LIMIT_MAX, History, HistoryEnd, HistoryPart, Part, kind,
};
use quorate_transport::{FrameReceiver, FrameSender};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::account::not_logged_in;
use super::reply::{by_core, refused, unavailable};
use super::services::Services;
use crate::store::Range;

/// How long a client may take to say what it wants, and to read each part.
const STREAM_DEADLINE: Duration = Duration::from_secs(10);
/// How long a read may wait until this node is where the client was, or where the leader is.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of events in one part, about; one event may be larger.
const PART_BYTES: usize = 48 * 1024;
/// The oldest seq of every room.
const FIRST: Seq = Seq(1);

/// What is to be sent: `count` events from `from` on.
struct Plan {
    room: RoomId,
    name: RoomName,
    from: Seq,
    count: u64,
    last: Seq,
}

/// Serves one stream. The place is held for as long as it takes.
pub(super) async fn serve(
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    services: Arc<Services>,
    device: DeviceId,
    _place: OwnedSemaphorePermit,
) {
    receiver.set_limit(FRAME_MAX_BEFORE_LOGIN_BYTES);
    let Ok(Ok(Some(frame))) = timeout(STREAM_DEADLINE, receiver.recv()).await else {
        return;
    };
    let ask = match frame.kind {
        kind::HISTORY => client::parse::<History>(&frame).map_err(|error| refused("bad-request", error)),
        other => Err(refused(
            "unknown-kind",
            format_args!("kind {other:#06x} is not known on a stream"),
        )),
    };
    let result = match ask {
        Ok(ask) => answer(&mut sender, &services, &device, &ask).await,
        Err(failure) => Ok(Err(failure)),
    };
    // A client that is gone, or does not read, gets no end: the stream is reset when dropped.
    let Ok(result) = result else { return };
    let end = HistoryEnd {
        result,
        seen: services.reader.applied(),
    };
    if let Ok(Ok(())) = timeout(STREAM_DEADLINE, sender.send(&client::frame(&end))).await {
        let _ = sender.finish();
    }
}

/// The client is gone, or does not read.
struct Gone;

async fn answer(
    sender: &mut FrameSender,
    services: &Services,
    device: &DeviceId,
    ask: &History,
) -> Result<Result<Bounds, Failure>, Gone> {
    let plan = match plan(services, device, ask).await {
        Ok(plan) => plan,
        Err(failure) => return Ok(Err(failure)),
    };
    let (mut next, mut left) = (plan.from, usize::try_from(plan.count).unwrap_or(usize::MAX));
    while left > 0 {
        let after = Range::After(Seq(next.0 - 1));
        let Ok(events) = services.reader.history(plan.room, after, left, PART_BYTES).await else {
            return Ok(Err(unavailable("unavailable")));
        };
        if events.is_empty() {
            break;
        }
        let part = HistoryPart {
            first: next,
            events: events.into_iter().map(|event| event.bytes).collect(),
        };
        left = left.saturating_sub(part.events.len());
        next = Seq(next.0 + part.events.len() as u64);
        let sent = timeout(STREAM_DEADLINE, sender.send(&client::frame(&part)))
            .await
            .map_err(|_| Gone)?;
        sent.map_err(|_| Gone)?;
    }
    Ok(Ok(Bounds {
        room: plan.name,
        first: FIRST,
        last: plan.last,
    }))
}

async fn plan(services: &Services, device: &DeviceId, ask: &History) -> Result<Plan, Failure> {
    let deadline = Instant::now() + READ_DEADLINE;
    let mut seen = ask.seen;
    if ask.linearizable {
        let index = services
            .relay
            .read_index(deadline)
            .await
            .map_err(|_| unavailable("no-quorum"))?;
        seen = seen.max(index);
    }
    services
        .reader
        .wait_applied(seen, deadline)
        .await
        .map_err(|_| unavailable("node-behind"))?;
    let user = services.account(device).ok_or_else(not_logged_in)?;
    services.reader.with_state(|state| {
        let id = state
            .readable_room(user, &ask.room)
            .map_err(|refusal| by_core(&refusal))?;
        let room = state.room(id).ok_or_else(|| by_core(&Refusal::UnknownRoom))?;
        let (from, count) = bounds(ask.part, u64::from(ask.limit.min(HISTORY_LIMIT_MAX)), room.last_seq);
        Ok(Plan {
            room: id,
            name: room.name.clone(),
            from,
            count,
            last: room.last_seq,
        })
    })
}

/// Where to begin and how many events to send.
fn bounds(part: Part, limit: u64, last: Seq) -> (Seq, u64) {
    let before = |end: Seq| {
        let from = Seq(end.0.saturating_sub(limit).max(FIRST.0));
        (from, end.0.saturating_sub(from.0))
    };
    match part {
        Part::Newest => before(last.next()),
        Part::Before(end) => before(end.min(last.next())),
        Part::After(start) => (start.next(), limit.min(last.0.saturating_sub(start.0))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_exclusive_and_stay_within_the_room() {
        let last = Seq(10);
        assert_eq!(bounds(Part::Newest, 3, last), (Seq(8), 3));
        assert_eq!(bounds(Part::Newest, 50, last), (Seq(1), 10));
        assert_eq!(bounds(Part::Before(Seq(4)), 50, last), (Seq(1), 3));
        assert_eq!(bounds(Part::Before(Seq(4)), 2, last), (Seq(2), 2));
        assert_eq!(bounds(Part::Before(Seq(1)), 2, last), (Seq(1), 0));
        assert_eq!(bounds(Part::Before(Seq(99)), 2, last), (Seq(9), 2));
        assert_eq!(bounds(Part::After(Seq(8)), 50, last), (Seq(9), 2));
        assert_eq!(bounds(Part::After(Seq(10)), 50, last).1, 0);
        assert_eq!(bounds(Part::After(Seq(99)), 50, last).1, 0);
        assert_eq!(bounds(Part::Newest, 5, Seq(0)).1, 0);
    }
}
