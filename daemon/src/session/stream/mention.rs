//! Messages that mention the user.

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
        Ok(before) => before.map_or(u64::MAX, |[no]| no),
        Err(failure) => return Ok(Err(failure)),
    };
    let limit = lines_max(ask.limit);
    let mut mentions: Vec<_> = caller.services.reader.with_state(|state| {
        let is_asked = |room, seq| {
            let mark = state.member(room, user).map(|member| member.read);
            !ask.unread || mark.is_some_and(|mark| seq > mark)
        };
        let mentions = state.mentions_of(user).into_iter();
        mentions
            .filter(|(no, room, seq)| no.0 < before && is_asked(*room, *seq))
            .take(limit + 1)
            .collect()
    });
    let is_more = mentions.len() > limit;
    mentions.truncate(limit);
    let next = mentions.last().map(|(no, ..)| no.to_string()).filter(|_| is_more);
    let places: Vec<_> = mentions.into_iter().map(|(_, room, seq)| (room, seq)).collect();
    let sent = send(out, caller, &places, |state, line| {
        state.member(line.room, user).is_some()
    });
    Ok(sent.await?.map(|_| next))
}
