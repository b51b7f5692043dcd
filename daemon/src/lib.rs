//! chatd: one Raft log, kept in redb, spoken over QUIC, with chat sessions on top.
//!
//! Who may use whom: session → relay, store reader, fanout, search, presence, meter; admin →
//! chronicle; janitor → relay, store reader; search → store reader; presence → relay,
//! peer; relay → consensus; consensus → store; store → fanout, meter,
//! core. Only [`node`] sees everything.
//! Only `store` names redb; only `consensus` and the two storage adapters name openraft.

pub mod admin;
pub mod chronicle;
pub mod config;
pub mod consensus;
pub mod fanout;
pub mod janitor;
pub mod join;
pub mod meter;
pub mod node;
pub mod offline;
pub mod peer;
pub mod presence;
pub mod relay;
pub mod search;
pub mod session;
pub mod steward;
pub mod store;
