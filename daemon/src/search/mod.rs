//! Searching: keeps quorate-search's index in step with the store, and answers out of it.
//!
//! The index is a by-product of the rows, kept by each node for itself in `search` below the data directory. One task reads
//! the lines of all rooms in the order of the log, from the index' own position on, and feeds what they say; removals that no
//! line tells of ([`Removal`](crate::store::Removal)) come beside them. The row of a line has the *present* text, so a
//! message that was edited or withdrawn before it is fed goes in as it is now, and its edit or redaction, which comes later,
//! only says it again.
//!
//! # When the two are not in step
//! - A stop or a crash: the position was committed together with the texts, so feeding goes on there. Removals of the
//!   meantime were missed: the index is *reconciled* with the state, which knows what rooms, first lines and authors are left.
//! - A snapshot in the place of the state: event numbers are the cluster's, and what the snapshot changed in older rows has
//!   a line of its own at or past the position. So the same: reconcile, and go on.
//! - The index is further than the state: after a crash the log is replayed, which takes a moment. An index that is ahead for
//!   longer was of other data, and is made anew.
//! - A damaged index is made anew. One that cannot be read or written (a full disk) is given up with one trace, and tried again
//!   later; the daemon goes on.
//!
//! Indexing is slow on purpose: see the constants in `keep`. Who waits ([`Search::wait`]) hurries it.
//!
//! Left out on purpose: who may read what (the asker names the rooms), and the texts (the asker reads the rows).

mod answer;
mod feed;
mod keep;
mod owner;
mod reconcile;

pub use answer::{Ask, FindError, Hit, Page, Search};
pub use keep::Keeper;
