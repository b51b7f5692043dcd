//! The Raft log of the cluster: what is appended, replicated, committed and handed to the store.

pub mod types;
