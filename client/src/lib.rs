//! The client library of Quorate: chat that goes on while a majority of its servers is present.
//!
//! A [`Client`] keeps a session with some node of the cluster and moves to another when that one dies or drains. What is
//! posted, edited or otherwise changed in rooms stands in an outbox, on disk, until the cluster has answered; it is neither
//! lost nor doubled nor reordered over any failover, and what a process that dies has left there, the next one finishes.
//! Rooms are followed without a gap; what is kept no longer is told as such.
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
//! What is asked for in one process holds for the next one on the same profile: what was queued is sent, what was seen is not
//! unseen on another node, and a reader with a [`Cursor`] goes on where it was. `examples/` has a program that posts and one that
//! follows.
//!
//! Knows no terminal, no command line and no JSON-RPC, and prints nothing.

mod account;
mod backoff;
mod bar;
mod bot;
mod call;
mod client;
mod connection;
mod cursor;
mod device;
mod dial;
mod error;
mod event;
mod failover;
mod found;
mod history;
mod link;
mod message;
mod moderation;
mod outbox;
mod page;
mod presence;
mod profile;
mod pump;
mod room;
mod seen;
mod shared;
mod subscription;

pub use bot::BotToken;
pub use client::{Client, DEADLINE, Options, Session};
pub use connection::{Connection, ConnectionState, Notice, Notices};
pub use cursor::Cursor;
pub use error::{OpenError, RequestError};
pub use event::Event;
pub use found::{FoundPage, SearchAsk};
pub use history::{History, Range};
pub use message::{Post, Posted, Queued};
pub use presence::TypingNotices;
pub use profile::Profile;
pub use shared::OutboxKind;
pub use subscription::{Subscription, Update};

// The vocabulary that the calls above speak.
pub use quorate_certs::{CaFingerprint, InviteLink};
pub use quorate_core::{
    BODY_BYTES_MAX, Body, BodyError, DeviceId, DeviceName, Emoji, MessageId, NameError, NodeId, RETENTION_AGE_MIN,
    Reason, Retention, Role, RoomEventKind, RoomName, RoomRef, Seq, Span, Timestamp, Topic, UserName, Withdrawn,
};
pub use quorate_protocol::client::{
    Account, AccountRow, BanRow, DeviceRow, HISTORY_LIMIT_MAX, IsTyping, MemberRow, Page, Presence, RoomRow, UnreadRow,
};
pub use quorate_protocol::json;
