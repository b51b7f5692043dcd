//! Numbered requests: applied once and in order, answered as often as asked.

use crate::{Action, Event, LogIndex, Origin, Outcome, Refusal, State, StateEvent, Submission, Timestamp, UserId};

use super::super::limits::too_idle;
use super::super::table::WriterState;
use super::{account, message, room, settle};

/// The stored outcome of a request that was answered before.
pub(super) fn answered_before<'a>(state: &'a State, now: Timestamp, origin: &Origin) -> Option<&'a Outcome> {
    let (_, writer) = admit(state, now, origin).ok()?;
    writer.outcome(origin.request)
}

/// A refusal before the number is reached leaves no receipt: the writer could not have one, or the
/// request is not the one to answer. Any other outcome is stored, refused or not.
pub(super) fn decide(state: &State, index: LogIndex, submission: &Submission) -> (Outcome, Vec<Event>) {
    let origin = &submission.origin;
    let author = match next_of(state, origin) {
        Ok(author) => author,
        Err(refusal) => return (Err(refusal), Vec::new()),
    };
    let (outcome, mut events) = settle(match &submission.action {
        Action::CreateRoom(action) => room::create(state, index, author, action),
        Action::JoinRoom(action) => room::join(state, author, action),
        Action::LeaveRoom(action) => room::leave(state, author, action),
        Action::SetTopic(action) => room::set_topic(state, author, action),
        Action::PostMessage(action) => message::post(state, index, author, action),
        Action::MarkRead(action) => message::mark_read(state, author, action),
    });
    events.push(Event::State(StateEvent::Answered {
        writer: origin.writer,
        request: origin.request,
        outcome: outcome.clone(),
    }));
    (outcome, events)
}

/// The author, if this is the request that comes next.
fn next_of(state: &State, origin: &Origin) -> Result<UserId, Refusal> {
    let (author, state) = admit(state, state.now(), origin)?;
    let expected = state.writer.last.next();
    if origin.request > expected {
        return Err(Refusal::Gap { expected });
    }
    // Had its outcome been kept, it would have been answered before it came here.
    if origin.request < expected {
        return Err(Refusal::ReceiptGone);
    }
    Ok(author)
}

/// The author and the writer, if the device may use it. An over-age writer is refused even when the
/// sweep has not come to it yet: what an entry comes to must not depend on how far that is.
fn admit<'a>(state: &'a State, now: Timestamp, origin: &Origin) -> Result<(UserId, &'a WriterState), Refusal> {
    let author = account::speaks_for(state, &origin.device)?;
    match state.writers.get(&origin.writer) {
        Some(found) if found.writer.device == origin.device && !too_idle(found.writer.used_at, now) => {
            Ok((author, found))
        }
        _ => Err(Refusal::WriterExpired),
    }
}
