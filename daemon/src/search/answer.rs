//! What sessions ask, and what they are answered.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};
use quorate_search::{HITS_MAX, Query, QueryError, SearchError, Searcher};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// Searches at once; each keeps a core busy, for a millisecond or a few.
const SEARCHES_MAX: usize = 2;
/// How long a search waits for its turn.
const TURN_DEADLINE: Duration = Duration::from_secs(3);

/// What is looked for, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// As a user types them; see [`Query::parse`].
    pub words: String,
    /// Where to look; in none, nothing is found.
    pub rooms: BTreeSet<RoomId>,
    /// Only what this user wrote.
    pub author: Option<UserId>,
    /// Only what was posted then or later, in log time.
    pub since: Option<Timestamp>,
    /// Only what was posted before.
    pub until: Option<Timestamp>,
    /// The next page: only what is older than this; see [`Page::next`].
    pub before: Option<EventNo>,
    /// How many hits there may be on the page; less than [`HITS_MAX`] in any case.
    pub limit: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The newest first.
    pub hits: Vec<Hit>,
    /// What to ask for next ([`Ask::before`]); `None` when that is all.
    pub next: Option<EventNo>,
}

/// A message that has the words, or had them a moment ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The event that posted it.
    pub no: EventNo,
    /// Where it stands.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
}

/// Why nothing was looked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// Ask with a word.
    #[error("a search needs at least one word: letters or digits")]
    NoWords,
    /// Ask for less; the text says of what.
    #[error("{0}")]
    BadQuery(String),
    /// Never here: ask another node.
    #[error("searching is switched off on this node")]
    Off,
    /// Not now: without an index at the moment, or too busy.
    #[error("this node cannot search now")]
    Unavailable,
}

/// Searches this node's index. Cheap to clone.
#[derive(Clone)]
pub struct Search(pub(super) Arc<Shared>);

/// Between those who search and the one who keeps the index.
pub(super) struct Shared {
    /// None while there is no index.
    pub(super) searcher: ArcSwapOption<Searcher>,
    /// All events before this one are found.
    pub(super) found: watch::Sender<EventNo>,
    /// Somebody waits for all events before this one.
    pub(super) wanted: watch::Sender<EventNo>,
    /// A search has met damage.
    pub(super) damaged: Notify,
    turns: Arc<Semaphore>,
    is_on: bool,
}

impl fmt::Debug for Search {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search")
            .field("found", &*self.0.found.borrow())
            .finish_non_exhaustive()
    }
}

impl Search {
    /// A search that is switched off: it is never available.
    #[must_use]
    pub fn off() -> Self {
        Self::new(false)
    }

    /// Without an index yet.
    pub(super) fn new(is_on: bool) -> Self {
        Self(Arc::new(Shared {
            searcher: ArcSwapOption::empty(),
            found: watch::Sender::new(EventNo(0)),
            wanted: watch::Sender::new(EventNo(0)),
            damaged: Notify::new(),
            turns: Arc::new(Semaphore::new(SEARCHES_MAX)),
            is_on,
        }))
    }

    /// Whether these words can be looked for here: what is worth knowing before waiting for the index.
    ///
    /// # Errors
    /// See [`FindError`]; never [`FindError::Unavailable`].
    pub fn check(&self, words: &str) -> Result<(), FindError> {
        if !self.0.is_on {
            return Err(FindError::Off);
        }
        Query::parse(words).map(drop).map_err(refused)
    }

    /// Looks for messages in what is indexed at the moment. The hits' rows may have changed since.
    ///
    /// # Errors
    /// See [`FindError`].
    pub async fn find(&self, ask: Ask) -> Result<Page, FindError> {
        let limit = ask.limit.min(HITS_MAX - 1);
        let query = query(ask)?;
        let turn = timeout(TURN_DEADLINE, Arc::clone(&self.0.turns).acquire_owned()).await;
        let turn = turn.map_err(|_| FindError::Unavailable)?.expect("never closed");
        let searcher = self.0.searcher.load_full().ok_or(FindError::Unavailable)?;
        let look = move || {
            // One more than asked for tells whether there is a next page.
            let found = searcher.search(&query, limit + 1);
            drop(turn);
            found
        };
        let found = tokio::task::spawn_blocking(look)
            .await
            .map_err(|_| FindError::Unavailable)?;
        let mut hits = found.map_err(|error| self.failed(&error))?;
        let is_more = hits.len() > limit;
        hits.truncate(limit);
        let hit = |hit: &quorate_search::Hit| Hit {
            no: hit.no,
            room: hit.room,
            seq: hit.seq,
        };
        let hits: Vec<_> = hits.iter().map(hit).collect();
        let next = hits.last().map(|hit| hit.no).filter(|_| is_more);
        Ok(Page { hits, next })
    }

    /// Waits until everything before this event is found, and has the index hurry for it. False when the deadline comes
    /// first, or there is no index.
    pub async fn wait(&self, no: EventNo, deadline: Instant) -> bool {
        let mut found = self.0.found.subscribe();
        if *found.borrow() < no {
            if self.0.searcher.load().is_none() {
                return false;
            }
            self.0.wanted.send_if_modified(|wanted| {
                let is_news = no > *wanted;
                *wanted = no.max(*wanted);
                is_news
            });
        }
        let reached = timeout_at(deadline, found.wait_for(|found| *found >= no)).await;
        matches!(reached, Ok(Ok(_)))
    }

    /// All events before this one are found; for metrics, against [`State::next_event`](quorate_core::State::next_event).
    #[must_use]
    pub fn position(&self) -> EventNo {
        *self.0.found.borrow()
    }

    fn failed(&self, error: &SearchError) -> FindError {
        tracing::debug!(error = error as &dyn std::error::Error, "a search failed");
        if matches!(error, SearchError::Damaged { .. }) {
            self.0.damaged.notify_one();
        }
        FindError::Unavailable
    }
}

fn refused(error: QueryError) -> FindError {
    match error {
        QueryError::NoWords => FindError::NoWords,
        error => FindError::BadQuery(error.to_string()),
    }
}

fn query(ask: Ask) -> Result<Query, FindError> {
    let mut query = Query::parse(&ask.words).map_err(refused)?;
    query = query.in_rooms(ask.rooms).map_err(refused)?;
    if let Some(author) = ask.author {
        query = query.by(author);
    }
    if let Some(since) = ask.since {
        query = query.since(since);
    }
    if let Some(until) = ask.until {
        query = query.until(until);
    }
    if let Some(before) = ask.before {
        query = query.before(before);
    }
    Ok(query)
}
