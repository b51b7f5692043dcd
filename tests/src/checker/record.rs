//! The record, filled by many threads.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::checker::verify::verify;
use crate::checker::violation::Report;
use crate::{Event, Moment};

/// What somebody wants to post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// The `chat rpc` that posts: within it the order of posts is kept.
    pub session: String,
    /// The account.
    pub user: String,
    /// The room.
    pub room: String,
    /// The text. Different in every post of a test: it is how a post is known again.
    pub body: String,
    /// The caller's id, if it gives one.
    pub id: Option<String>,
}

/// Names a post in the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptNo(usize);

/// A post and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    pub(super) post: Post,
    /// When it was first sent.
    pub(super) sent_at: Moment,
    /// How often it was sent, under one id.
    pub(super) sends: u32,
    pub(super) acks: Vec<Ack>,
    pub(super) refused: bool,
    pub(super) unknown: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Ack {
    pub(super) seq: u64,
    pub(super) id: String,
    pub(super) at: Moment,
}

/// What a subscription brought.
#[derive(Clone, Debug)]
pub(super) struct Feed {
    pub(super) reader: String,
    pub(super) room: String,
    /// The seq that must come first.
    pub(super) from: u64,
    pub(super) events: Vec<Event>,
}

/// What a node said was the room's whole past.
#[derive(Clone, Debug)]
pub(super) struct Past {
    pub(super) reader: String,
    pub(super) room: String,
    pub(super) events: Vec<Event>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub(super) attempts: Vec<Attempt>,
    pub(super) feeds: Vec<Feed>,
    pub(super) pasts: Vec<Past>,
}

/// Records a test and judges it.
#[derive(Debug, Default)]
pub struct Checker {
    record: Mutex<Record>,
}

impl Checker {
    /// An empty record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A post was sent at this moment, for the first time.
    pub fn sent(&self, post: Post, sent_at: Moment) -> AttemptNo {
        let mut record = self.lock();
        record.attempts.push(Attempt {
            post,
            sent_at,
            sends: 1,
            acks: Vec::new(),
            refused: false,
            unknown: false,
        });
        AttemptNo(record.attempts.len() - 1)
    }

    /// The same post was sent once more, under the same id. What it came to before no longer counts, except an
    /// acknowledgement.
    pub fn sent_again(&self, attempt: AttemptNo) {
        let mut record = self.lock();
        let attempt = &mut record.attempts[attempt.0];
        attempt.sends += 1;
        (attempt.refused, attempt.unknown) = (false, false);
    }

    /// A post was acknowledged.
    pub fn acked(&self, attempt: AttemptNo, seq: u64, id: &str, at: Moment) {
        let id = id.to_owned();
        self.lock().attempts[attempt.0].acks.push(Ack { seq, id, at });
    }

    /// A post was refused: it must never appear.
    pub fn refused(&self, attempt: AttemptNo) {
        self.lock().attempts[attempt.0].refused = true;
    }

    /// Nobody knows whether a post happened.
    pub fn unknown(&self, attempt: AttemptNo) {
        self.lock().attempts[attempt.0].unknown = true;
    }

    /// What a subscription from this seq on has brought, in the order in which it came. Give it when it has had the time to
    /// reach the room's end: what is missing there counts as a gap.
    pub fn saw_feed(&self, reader: &str, room: &str, from: u64, events: Vec<Event>) {
        let (reader, room) = (reader.to_owned(), room.to_owned());
        let feed = Feed {
            reader,
            room,
            from,
            events,
        };
        self.lock().feeds.push(feed);
    }

    /// The room's past from its first event on, as a node told it when nothing was being posted any more.
    pub fn saw_history(&self, reader: &str, room: &str, events: Vec<Event>) {
        let (reader, room) = (reader.to_owned(), room.to_owned());
        self.lock().pasts.push(Past { reader, room, events });
    }

    /// How many posts were acknowledged so far.
    #[must_use]
    pub fn acked_count(&self) -> usize {
        self.lock()
            .attempts
            .iter()
            .filter(|attempt| !attempt.acks.is_empty())
            .count()
    }

    /// Judges the record.
    #[must_use]
    pub fn report(&self) -> Report {
        verify(&self.lock())
    }

    /// Judges the record and prints the counts.
    ///
    /// # Panics
    /// Something is wrong with it, or there is no history to compare with.
    #[track_caller]
    pub fn assert_clean(&self) {
        let report = self.report();
        println!("{}", report.counts);
        assert!(report.counts.histories > 0, "nobody read a history");
        assert!(report.violations.is_empty(), "{report}");
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
