//! The full-text index that a node keeps for itself.
//!
//! It answers one thing: in which places (room and seq) do these words stand, newest first. Texts are not kept in it, only
//! their words and where in the text they stood; who wants the text reads the row. The index is a by-product of the log: it
//! may be thrown away at any time and is made again by feeding every change from event 0, so a damaged one is never repaired.
//! Nor is it the last word: who shows a hit reads its row, and leaves out one that has been redacted since the last commit.
//!
//! Plain blocking code with one owner ([`Index`]) that changes it, and any number of [`Searcher`]s that read the last commit
//! and never wait for the owner.
//!
//! Knows no store, no chat state, no Raft, no socket, no async runtime and no clock. It does not decide who may read what
//! either: a [`Query`] finds nothing until somebody has named the rooms it may look into.
//!
//! Left out: stemming and stop words (rooms speak many languages, and a name that is also a stop word must be found), scoring
//! (chat is read newest first), and words of scripts that are written without spaces (a run of such letters is one word).

mod change;
mod directory;
mod error;
mod failure;
mod index;
mod lookup;
mod query;
mod room;
mod schema;
mod word;

pub use change::Change;
pub use error::{IndexError, SearchError};
pub use index::{CHANGES_PER_COMMIT_MAX, Index, Opened, Size, WRITER_MEMORY_BYTES, Why};
pub use lookup::{HITS_MAX, Hit, Searcher};
pub use query::{QUERY_BYTES_MAX, QUERY_WORDS_MAX, Query, QueryError};
pub use room::ROOMS_PER_QUERY_MAX;
pub use word::WORD_BYTES_MAX;
