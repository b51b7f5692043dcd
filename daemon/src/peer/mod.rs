//! Connections between nodes: who is dialled where, who is let in, and how a node is known again.
//!
//! One connection for each ordered pair of nodes and each of the two protocols (Raft and relay), dialled when first needed.
//! Before anything else is said on it, both sides have greeted each other ([`Hello`]), and each has the other's incarnation
//! on its disk: see [`enrol`] for what that is good for.
//!
//! Knows nothing of what is spoken afterwards: accepted streams go to the handler of their protocol.

mod address;
pub mod enrol;
mod hello;
mod links;
mod local;
mod serve;

pub use address::AddressBook;
pub use enrol::{Enrolment, Refused, recorders_needed};
pub use hello::{Hello, HelloError, HelloRefusal, HelloReply, PEER_VERSION, Verdict};
pub use links::{LINK_DEADLINE, LinkError, Links};
pub use local::{JudgeError, Local};
pub use serve::{JoinHandler, PeerHandlers, StreamHandler, serve};
