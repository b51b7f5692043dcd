//! The user's own messages, wherever they stand: for who takes them along. Those in rooms that the
//! user has left are theirs as well.

use quorate_core::{OwnMessage, RoomId, RoomStanding, Seq};
use quorate_protocol::client::OwnMessages;
use tokio::time::Instant;

use super::found::{cursor, lines_max, send};
use super::{Answered, Caller, Out, READ_DEADLINE};

pub(super) async fn answer(out: &mut Out, caller: &Caller, ask: &OwnMessages) -> Answered<Option<String>> {
    let user = match caller.catch_up(ask.seen, Instant::now() + READ_DEADLINE).await {
        Ok(user) => user,
        Err(failure) => return Ok(Err(failure)),
    };
    let after = match cursor::<3>(ask.after.as_ref()) {
        Ok(after) => after.map(|[mark, room, seq]| OwnMessage {
            mark,
            room: RoomId(room),
            seq: Seq(seq),
        }),
        Err(failure) => return Ok(Err(failure)),
    };
    let limit = lines_max(ask.limit);
    let mut messages = caller
        .services
        .reader
        .with_state(|state| state.messages_by(user, after, limit + 1));
    let is_more = messages.len() > limit;
    messages.truncate(limit);
    let next = messages
        .last()
        .map(|last| format!("{}.{}.{}", last.mark, last.room, last.seq));
    let next = next.filter(|_| is_more);
    let places: Vec<_> = messages.iter().map(|message| (message.room, message.seq)).collect();
    let sent = send(out, caller, &places, |state, line| {
        let room = state.room(line.room);
        line.author == user && room.is_some_and(|room| room.standing != RoomStanding::Deleted)
    });
    Ok(sent.await?.map(|_| next))
}
