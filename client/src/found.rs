//! What is looked for over all rooms: words, mentions, own messages; and what a message once said.

use quorate_core::{RoomRef, Seq, Timestamp, UserName};
use quorate_protocol::client::{self, Body, Mentions, OwnMessages, Revisions, Search};

use crate::call::{Attempt, Effect, fits};
use crate::client::DEADLINE;
use crate::event::Event;
use crate::link::{BulkFailed, Found, Link};
use crate::{Client, RequestError};

/// What messages are searched for. All that is given has to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchAsk {
    /// Words, and phrases in quotes; all of them have to be there.
    pub words: String,
    /// Only in this room.
    pub room: Option<RoomRef>,
    /// Only by this author.
    pub from: Option<UserName>,
    /// Not before this time.
    pub since: Option<Timestamp>,
    /// Not after this time.
    pub until: Option<Timestamp>,
    /// Only what is older: where the page before ended ([`FoundPage::next`]).
    pub before: Option<String>,
    /// At most so many, up to [`crate::HISTORY_LIMIT_MAX`].
    pub limit: u16,
}

/// Some of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundPage {
    /// In the order that was asked for. Events of kinds that are not known here are left out.
    pub events: Vec<Event>,
    /// Where the next page begins; nothing when this is the last. Opaque.
    pub next: Option<String>,
}

impl Client {
    /// Messages with these words in all rooms that the user may read, newest first.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn search(&self, ask: SearchAsk) -> Result<FoundPage, RequestError> {
        let ask = || Search {
            words: ask.words.clone(),
            room: ask.room.clone(),
            from: ask.from.clone(),
            since: ask.since,
            until: ask.until,
            before: ask.before.clone(),
            limit: ask.limit,
            seen: self.shared.seen.index(),
        };
        self.find(ask).await
    }

    /// Messages that mention the user or call a whole room, newest first; with `unread`, only those past the read marks.
    /// `before` is where the page before ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn mentions(&self, unread: bool, before: Option<&str>, limit: u16) -> Result<FoundPage, RequestError> {
        let ask = || Mentions {
            unread,
            before: before.map(str::to_owned),
            limit,
            seen: self.shared.seen.index(),
        };
        self.find(ask).await
    }

    /// The user's own messages, wherever they stand, each once and in no particular order. `after` is where the page before ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn own_messages(&self, after: Option<&str>, limit: u16) -> Result<FoundPage, RequestError> {
        let ask = || OwnMessages {
            after: after.map(str::to_owned),
            limit,
            seen: self.shared.seen.index(),
        };
        self.find(ask).await
    }

    /// A message as it was posted, and the lines that edited it, ascending.
    ///
    /// # Errors
    /// See [`RequestError`]; `redacted`, `not-a-message` and `unknown-seq` are refusals.
    pub async fn revisions(&self, room: &RoomRef, seq: Seq) -> Result<Vec<Event>, RequestError> {
        let ask = || Revisions {
            room: room.clone(),
            seq,
            seen: self.shared.seen.index(),
        };
        Ok(self.find(ask).await?.events)
    }

    /// Asks until answered. What is asked is made anew for each attempt, since more may have been seen meanwhile.
    async fn find<B>(&self, ask: impl Fn() -> B + Sync) -> Result<FoundPage, RequestError>
    where
        B: Body + Send + Sync,
    {
        fits(&client::frame(&ask()))?;
        let attempt = |link: Link| {
            let ask = ask();
            async move {
                match link.find(&ask).await {
                    Ok(found) => Attempt::Answered(found),
                    Err(BulkFailed::Failure(failure)) => Attempt::Failed(failure),
                    Err(BulkFailed::Lost) => Attempt::Lost,
                }
            }
        };
        let Found { rows, next } = self.attempt_until(Effect::None, DEADLINE, attempt).await?;
        let events = rows
            .iter()
            .filter_map(|row| Event::read(&row.room, row.seq, &row.event));
        Ok(FoundPage {
            events: events.collect(),
            next,
        })
    }
}
