//! chatd: one Raft log, kept in redb, spoken over QUIC, with chat sessions on top.
//!
//! Who may use whom: session → relay, store reader, fanout; admin → relay, consensus, store
//! reader; relay → consensus; consensus → store; store → fanout, core. Only [`node`] sees
//! everything. Only `store` names redb; only `consensus` and the two storage adapters name
//! openraft.

pub mod admin;
pub mod config;
pub mod consensus;
pub mod fanout;
pub mod node;
pub mod peer;
pub mod relay;
pub mod session;
pub mod store;
