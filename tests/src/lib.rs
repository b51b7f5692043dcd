//! The harness and the checker: real daemons and real clients on loopback, real disks, and a record of what every client
//! saw.
//!
//! [`Cluster`] starts, kills, pauses and restarts daemons. [`Rpc`] drives `chat rpc`, [`Author`] posts through it with a
//! window in flight, and [`Checker`] compares what was acknowledged with what was read. Each file in `tests/` makes one
//! claim.
//!
//! Must never know how a daemon works inside: it speaks to the programs as the contract lets anybody speak to them. Only the
//! tests of bad input go below that, to the wire.

mod author;
mod checker;
mod cluster;
mod conversation;
mod edge;
mod event;
mod finished;
mod moment;
mod net;
mod port;
mod process;
mod programs;
mod rpc;
mod rpc_calls;
mod seed;
mod trial;
mod turn;
mod wait;

pub use author::{AUTHOR_POSTS_MAX, Author};
pub use checker::{AttemptNo, Checker, Counts, Post, Report, Violation};
pub use cluster::{Cluster, ClusterOptions, NodeStatus, RaftView, StatusView, folder};
pub use conversation::Conversation;
pub use edge::Stranger;
pub use event::Event;
pub use finished::{Finished, run};
pub use moment::Moment;
pub use net::{End, Net, Weather};
pub use port::free_udp_ports;
pub use process::{Daemon, Signal, signal};
pub use programs::{Programs, programs};
pub use rpc::{Answer, CALL_DEADLINE, Notice, Pending, Rpc, RpcError};
pub use rpc_calls::{Bounds, Placed};
pub use seed::Seed;
pub use trial::{AUTHORS, trials};
pub use turn::Turn;
pub use wait::{poll, until};
