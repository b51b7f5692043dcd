//! The store under load, crashes, liars and vandals.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod audit;
mod backup;
mod chat;
mod corruption;
mod disk;
mod failing;
mod fanout;
mod history;
mod log;
mod open;
mod past;
mod power_loss;
mod removed;
mod replay;
mod script;
mod snapshot;
mod space;
