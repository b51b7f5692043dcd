//! Messages that mention the user.

use quorate_core::EventNo;
use quorate_protocol::client::Mentions;
use tokio::time::Instant;

use super::found::{cursor, lines_max, send};
use super::{Answered, Caller, Out, READ_DEADLINE};

pub(super) async fn answer(out: &mut Out, caller: &Caller, ask: &Mentions) -> Answered<Option<String>> {
    let user = match caller.catch_up(ask.seen, Instant::now() + READ_DEADLINE).await {
        Ok(user) => user,
        Err(failure) => return Ok(Err(failure)),
    };
    let before = match cursor::<1>(ask.before.as_ref()) {
        Ok(before) => before.map(|[no]| EventNo(no)),
        Err(failure) => return Ok(Err(failure)),
    };
    let limit = lines_max(ask.limit);
    let mut mentions = caller
        .services
        .reader
        .with_state(|state| state.mentions_of(user, before, ask.unread, limit + 1));
    let is_more = mentions.len() > limit;
    mentions.truncate(limit);
    let next = mentions.last().map(|(no, ..)| no.to_string()).filter(|_| is_more);
    let places: Vec<_> = mentions.into_iter().map(|(_, room, seq)| (room, seq)).collect();
    let sent = send(out, caller, &places, |state, line| {
        state.member(line.room, user).is_some()
    });
    Ok(sent.await?.map(|_| next))
}
