//! How a machine becomes a node: it shows a token ([`ask()`]), and any node lets it in ([`Gate`]).
//!
//! The token is spent and the id given by one entry of the log, so by the leader, wherever it was shown. Whichever node was
//! asked then certifies the joiner's key: all nodes can open the CA's key, which the state holds sealed. The leader's steward
//! adds the new node to the membership.
//!
//! Knows no files and no membership: what a joiner was told is for the node to keep, and who votes is not decided here.

mod ask;
mod gate;

pub use ask::{Admission, Application, NotAdmitted, ask};
pub use gate::{Gate, GateParts};
