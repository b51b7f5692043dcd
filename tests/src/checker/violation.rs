//! What can be wrong with a record, in the words of a bug report.

use std::fmt;

/// Violations that a report prints; more say nothing new.
const SHOWN_MAX: usize = 20;

/// One thing that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The fields are the words of the sentences below.
pub enum Violation {
    /// An acknowledged post is not where it was acknowledged.
    AckedLost {
        reader: String,
        room: String,
        seq: u64,
        body: String,
    },
    /// One post, acknowledged at two places or under two ids.
    AckedTwice { room: String, body: String, seqs: Vec<u64> },
    /// One post stands in a history more than once.
    Doubled {
        reader: String,
        room: String,
        body: String,
        seqs: Vec<u64>,
    },
    /// A refused post is there.
    RefusedAppears {
        reader: String,
        room: String,
        seq: u64,
        body: String,
    },
    /// A message that nobody posted, or not this author.
    Invented {
        reader: String,
        room: String,
        seq: u64,
        author: String,
        body: String,
    },
    /// A message under another id than the caller gave, or than was acknowledged.
    OtherId {
        reader: String,
        room: String,
        seq: u64,
        expected: String,
        found: Option<String>,
    },
    /// Two posts of one session stand in the other order.
    AuthorOrder {
        session: String,
        room: String,
        earlier: (u64, String),
        later: (u64, String),
    },
    /// A post that was acknowledged before another was sent stands behind it.
    RealTimeOrder {
        room: String,
        acked_first: (u64, String),
        sent_after: (u64, String),
    },
    /// A history does not go 1, 2, 3, ...
    HistoryGap {
        reader: String,
        room: String,
        expected: u64,
        found: u64,
    },
    /// Two histories differ at a seq.
    Diverged {
        readers: (String, String),
        room: String,
        seq: u64,
    },
    /// A feed leaves out, repeats or turns round.
    FeedGap {
        reader: String,
        room: String,
        expected: u64,
        found: Option<u64>,
    },
    /// A feed brought another event than the history has there.
    FeedDiffers { reader: String, room: String, seq: u64 },
}

/// What was recorded, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Posts that were sent.
    pub attempted: usize,
    /// Of these, acknowledged.
    pub acked: usize,
    /// Of these, refused.
    pub refused: usize,
    /// Of these, neither.
    pub unknown: usize,
    /// Of the unknown, those that are there.
    pub unknown_found: usize,
    /// Histories that were read.
    pub histories: usize,
    /// Events in them.
    pub history_events: usize,
    /// Subscriptions.
    pub feeds: usize,
    /// Events that they brought.
    pub feed_events: usize,
}

/// A judged record.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What was recorded.
    pub counts: Counts,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "attempted {}, acked {}, refused {}, unknown {} (found {}), {} histories with {} events, {} feeds with {} events",
            self.attempted,
            self.acked,
            self.refused,
            self.unknown,
            self.unknown_found,
            self.histories,
            self.history_events,
            self.feeds,
            self.feed_events
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} violations; {}", self.violations.len(), self.counts)?;
        for violation in self.violations.iter().take(SHOWN_MAX) {
            writeln!(f, "  {violation}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AckedLost {
                reader,
                room,
                seq,
                body,
            } => {
                write!(f, "acked and lost: {body:?} is not at {room} {seq}, says {reader}")
            }
            Self::AckedTwice { room, body, seqs } => {
                write!(f, "one post acked in two ways: {body:?} at {room} {seqs:?}")
            }
            Self::Doubled {
                reader,
                room,
                body,
                seqs,
            } => {
                write!(f, "doubled: {body:?} stands at {room} {seqs:?}, says {reader}")
            }
            Self::RefusedAppears {
                reader,
                room,
                seq,
                body,
            } => {
                write!(f, "refused and there: {body:?} at {room} {seq}, says {reader}")
            }
            Self::Invented {
                reader,
                room,
                seq,
                author,
                body,
            } => {
                write!(
                    f,
                    "invented: {author} never posted {body:?} at {room} {seq}, says {reader}"
                )
            }
            Self::OtherId {
                reader,
                room,
                seq,
                expected,
                found,
            } => {
                write!(
                    f,
                    "other id: {room} {seq} has {found:?} and not {expected:?}, says {reader}"
                )
            }
            Self::AuthorOrder {
                session,
                room,
                earlier,
                later,
            } => {
                write!(f, "author order: {session} sent {earlier:?} before {later:?} to {room}")
            }
            Self::RealTimeOrder {
                room,
                acked_first,
                sent_after,
            } => {
                write!(
                    f,
                    "real-time order: {acked_first:?} was acked before {sent_after:?} was sent to {room}"
                )
            }
            Self::HistoryGap {
                reader,
                room,
                expected,
                found,
            } => {
                write!(
                    f,
                    "history gap: {room} has {found} where {expected} should be, says {reader}"
                )
            }
            Self::Diverged {
                readers: (one, other),
                room,
                seq,
            } => {
                write!(f, "diverged: {one} and {other} differ at {room} {seq}")
            }
            Self::FeedGap {
                reader,
                room,
                expected,
                found,
            } => {
                write!(
                    f,
                    "feed gap: {reader} got {found:?} of {room} where {expected} should be"
                )
            }
            Self::FeedDiffers { reader, room, seq } => {
                write!(
                    f,
                    "feed differs: {reader} got another event at {room} {seq} than the history has"
                )
            }
        }
    }
}
