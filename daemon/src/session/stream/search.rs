//! Messages that have words in them.

use std::collections::BTreeSet;

use quorate_core::{EventNo, Refusal, State, UserId};
use quorate_protocol::client::{Failure, Search};
use tokio::time::Instant;

use super::found::{cursor, lines_max, send};
use super::{Answered, Caller, Out, READ_DEADLINE};
use crate::search::{Ask, FindError};
use crate::session::reply::{by_core, refused, unavailable};

/// How often the index is asked for one page at the most: some of what it finds may have lost its text
/// a moment ago.
const ROUNDS_MAX: usize = 4;

pub(super) async fn answer(out: &mut Out, caller: &Caller, ask: &Search) -> Answered<Option<String>> {
    let (user, mut query) = match prepare(caller, ask).await {
        Ok(prepared) => prepared,
        Err(failure) => return Ok(Err(failure)),
    };
    for _ in 0..ROUNDS_MAX {
        let page = match caller.services.search.find(query.clone()).await {
            Ok(page) => page,
            Err(error) => return Ok(Err(failed(&error))),
        };
        query.before = page.next;
        let places: Vec<_> = page.hits.iter().map(|hit| (hit.room, hit.seq)).collect();
        let author = query.author;
        let is_for_caller = |state: &State, line: &quorate_core::RoomEvent| {
            state.member(line.room, user).is_some() && author.is_none_or(|author| author == line.author)
        };
        match send(out, caller, &places, is_for_caller).await? {
            Ok(sent) => query.limit -= sent.min(query.limit),
            Err(failure) => return Ok(Err(failure)),
        }
        if query.limit == 0 || query.before.is_none() {
            break;
        }
    }
    Ok(Ok(query.before.map(|no| no.to_string())))
}

async fn prepare(caller: &Caller, ask: &Search) -> Result<(UserId, Ask), Failure> {
    let words = caller.services.search.check(&ask.words);
    words.map_err(|error| failed(&error))?;
    let deadline = Instant::now() + READ_DEADLINE;
    let user = caller.catch_up(ask.seen, deadline).await?;
    let before = cursor::<1>(ask.before.as_ref())?;
    let (query, next) = caller
        .services
        .reader
        .with_state(|state| {
            let rooms: BTreeSet<_> = match &ask.room {
                Some(room) => [state.readable_room(user, room)?].into(),
                None => state.rooms_of(user).collect(),
            };
            let author = |name| state.user_by_name(name).ok_or(Refusal::UnknownUser);
            let author = ask.from.as_ref().map(author).transpose()?;
            let query = Ask {
                words: ask.words.clone(),
                rooms,
                author: author.map(|(id, _)| id),
                since: ask.since,
                // Of clients, the last moment that counts; of the index, the first that does not.
                until: ask.until.map(quorate_core::Timestamp::next),
                before: before.map(|[no]| EventNo(no)),
                limit: lines_max(ask.limit),
            };
            Ok::<_, Refusal>((query, state.next_event()))
        })
        .map_err(|refusal| by_core(&refusal))?;
    // What the asker has seen is found.
    if !caller.services.search.wait(next, deadline).await {
        return Err(unavailable("search-unavailable"));
    }
    Ok((user, query))
}

fn failed(error: &FindError) -> Failure {
    match error {
        FindError::NoWords | FindError::BadQuery(_) => refused("bad-query", error),
        FindError::Off => refused("search-off", error),
        FindError::Unavailable => unavailable("search-unavailable"),
    }
}
