//! A message as it was posted, and what became of it.

use quorate_core::{Refusal, RoomEventKind, RoomId, Seq};
use quorate_protocol::client::{Failure, Revisions};
use quorate_protocol::event;
use tokio::time::Instant;

use super::found::{Lines, send_lines};
use super::{Answered, Caller, Out, READ_DEADLINE};
use crate::session::reply::{by_core, unavailable};
use crate::store::StoredEvent;

pub(super) async fn answer(out: &mut Out, caller: &Caller, ask: &Revisions) -> Answered<Option<String>> {
    match find(caller, ask).await {
        Ok(revisions) => Ok(send_lines(out, caller, revisions).await?.map(|()| None)),
        Err(failure) => Ok(Err(failure)),
    }
}

async fn find(caller: &Caller, ask: &Revisions) -> Result<Lines, Failure> {
    let user = caller.catch_up(ask.seen, Instant::now() + READ_DEADLINE).await?;
    let reader = &caller.services.reader;
    let found = reader.with_state(|state| {
        let id = state.readable_room(user, &ask.room)?;
        let name = state.room(id).ok_or(Refusal::UnknownRoom)?.name.clone();
        let edits = state.edits(id, ask.seq).iter().map(|edit| (id, *edit));
        // The message first, then its edits: their number is bounded by the core.
        let places = [(id, ask.seq)].into_iter().chain(edits);
        Ok((id, name, places.collect::<Vec<_>>()))
    });
    let (id, name, places) = found.map_err(|refusal| by_core(&refusal))?;
    let lines = reader.lines(&places).await;
    let mut lines = lines.map_err(|_| unavailable("unavailable"))?.into_iter();
    let present = lines.next().flatten();
    let posted = posted(caller, id, ask.seq, present).await?;
    let edits = lines.flatten().filter(|line| {
        let line = event::decode(&line.bytes);
        line.is_ok_and(|line| matches!(line.kind, RoomEventKind::Edited { .. }))
    });
    Ok(Lines {
        user,
        room: id,
        name,
        lines: [posted].into_iter().chain(edits).collect(),
    })
}

/// The message as it was posted.
async fn posted(caller: &Caller, room: RoomId, seq: Seq, present: Option<StoredEvent>) -> Result<StoredEvent, Failure> {
    let told = |refusal: Refusal| Err(by_core(&refusal));
    let Some(present) = present else {
        return told(Refusal::UnknownSeq);
    };
    match event::decode(&present.bytes).map(|line| line.kind) {
        Ok(RoomEventKind::Message { .. }) => Ok(present),
        Ok(RoomEventKind::Revised { .. }) => {
            let original = caller.services.reader.original(room, seq).await;
            let original = original.map_err(|_| unavailable("unavailable"))?;
            // Its text went while it was looked up.
            original.ok_or_else(|| by_core(&Refusal::Redacted))
        }
        Ok(RoomEventKind::Withdrawn { .. }) => told(Refusal::Redacted),
        _ => told(Refusal::NotAMessage),
    }
}
