//! The client library of Quorate: chat that goes on while a majority of its servers is present.
//!
//! A [`Client`] keeps a session with some node of the cluster and moves to another when that one dies or drains. What is
//! posted stands in an outbox, on disk, until the cluster has answered; it is neither lost nor doubled nor reordered
//! over any failover. Rooms are followed without a gap.
//!
//! Every change has three ends: it is done, it surely did not happen, or nobody can say yet: see [`RequestError`].
//!
//! ```no_run
//! use quorate_client::{Client, Options, Post, Profile, RoomName, RoomRef, Seq, Update};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let profile = Profile::open("/home/alice/.local/share/chat/default".as_ref())?;
//! profile.set_servers(vec!["h1:7400".into(), "h2:7400".into()])?;
//! let client = Client::open(&profile, Options::default())?;
//! if profile.user().is_none() {
//!     client.login("alice", "a password").await?;
//! }
//! let ops = RoomRef::Name(RoomName::parse("ops")?);
//! let posted = client.post(Post::new(ops.clone(), "hello")?).await?;
//! println!("{} is on the disks of a majority", posted.seq);
//! let mut subscription = client.subscribe(&ops, Some(Seq(1))).await?;
//! while let Some(update) = subscription.next().await {
//!     if let Update::Event(event) = update? {
//!         println!("{} {}: {:?}", event.seq, event.author, event.kind);
//!     }
//! }
//! client.close().await;
//! # Ok(())
//! # }
//! ```
//!
//! Knows no terminal, no command line and no JSON-RPC, and prints nothing.

mod account;
mod backoff;
mod call;
mod client;
mod connection;
mod dial;
mod error;
mod event;
mod failover;
mod history;
mod link;
mod outbox;
mod profile;
mod pump;
mod room;
mod shared;
mod subscription;

pub use client::{Client, DEADLINE, Options, Session};
pub use connection::{Connection, ConnectionState, Notice, Notices};
pub use error::{OpenError, RequestError};
pub use event::Event;
pub use history::{History, Range};
pub use profile::Profile;
pub use room::{Post, Posted};
pub use shared::OutboxKind;
pub use subscription::{Subscription, Update};

// The vocabulary that the calls above speak.
pub use quorate_certs::{CaFingerprint, InviteLink};
pub use quorate_core::{
    Body, MessageId, NodeId, Role, RoomEventKind, RoomName, RoomRef, Seq, Timestamp, Topic, UserName,
};
pub use quorate_protocol::client::{Account, MemberRow, RoomRow, UnreadRow};
