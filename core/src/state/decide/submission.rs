//! Numbered requests: applied once and in order, answered as often as asked.

use crate::{Action, Event, LogIndex, Origin, Outcome, Refusal, State, StateEvent, Submission, Timestamp, UserId};

use super::super::limits::too_idle;
use super::super::table::WriterState;
use super::{Decision, access, account, edit, message, moderation, room, settle};

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
    let decision = access::may_change(state, author).and_then(|()| act(state, index, author, &submission.action));
    let (outcome, mut events) = settle(decision);
    events.push(Event::State(StateEvent::Answered {
        writer: origin.writer,
        request: origin.request,
        outcome: outcome.clone(),
    }));
    (outcome, events)
}

fn act(state: &State, index: LogIndex, author: UserId, action: &Action) -> Decision {
    match action {
        Action::CreateRoom(action) => room::create(state, index, author, action),
        Action::JoinRoom(action) => room::join(state, author, action),
        Action::LeaveRoom(action) => room::leave(state, author, action),
        Action::SetTopic(action) => room::set_topic(state, author, action),
        Action::ArchiveRoom(action) => room::archive(state, author, action),
        Action::DeleteRoom(action) => room::delete(state, author, action),
        Action::SetRetention(action) => room::set_retention(state, author, action),
        Action::InviteUser(action) => moderation::invite(state, author, action),
        Action::KickUser(action) => moderation::kick(state, author, action),
        Action::BanUser(action) => moderation::ban(state, author, action),
        Action::UnbanUser(action) => moderation::unban(state, author, action),
        Action::MuteUser(action) => moderation::mute(state, author, action),
        Action::UnmuteUser(action) => moderation::unmute(state, author, action),
        Action::SetRole(action) => moderation::set_role(state, author, action),
        Action::TransferRoom(action) => moderation::transfer(state, author, action),
        Action::PostMessage(action) => message::post(state, index, author, action),
        Action::EditMessage(action) => edit::edit(state, author, action),
        Action::RedactMessage(action) => edit::redact(state, author, action),
        Action::React(action) => edit::react(state, author, action),
        Action::MarkRead(action) => message::mark_read(state, author, action),
    }
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

/// The author and the writer, if the device may use it under its present binding. Writers that are
/// over-age or of an earlier binding are refused even when the sweep has not come to them yet: what an
/// entry comes to must not depend on how far that is.
fn admit<'a>(state: &'a State, now: Timestamp, origin: &Origin) -> Result<(UserId, &'a WriterState), Refusal> {
    let author = account::speaks_for(state, &origin.device)?;
    let binding = state.device(&origin.device).map(|device| device.binding);
    let is_its = |found: &&WriterState| {
        let writer = &found.writer;
        writer.device == origin.device && Some(writer.binding) == binding && !too_idle(writer.used_at, now)
    };
    let found = state.writers.get(&origin.writer).filter(is_its);
    found.map(|found| (author, found)).ok_or(Refusal::WriterExpired)
}
