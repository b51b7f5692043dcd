//! Wake and pull: how what was applied reaches those who follow a room.
//!
//! After a batch is applied, the store publishes it here: each event goes into its room's tail, and
//! each follower's mailbox is told that the room has something. Nothing is queued for a follower. A
//! session pulls from its own cursor when its socket has room: out of the shared tail of encoded
//! events, else from the store. A slow client is a slow cursor, and publishing waits for nobody.
//!
//! A tail holds lines as they were when they came. Where lines lost their texts or are gone since, it is
//! forgotten, and who is behind reads from the store, which has them as they are now.
//!
//! Sessions are also told here when their device was unbound, wherever in the cluster that was asked.
//!
//! Left out on purpose: who may read what (the session asks the state), and the store itself (the
//! session is told to go there).

mod device;
mod hub;
mod mailbox;
mod tail;

pub use device::Attached;
pub use hub::{Hub, Published, Pull, Subscription};
pub use mailbox::Mailbox;
