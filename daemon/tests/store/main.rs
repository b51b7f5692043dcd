//! The store under load, crashes, liars and vandals.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod corruption;
mod disk;
mod failing;
mod history;
mod log;
mod open;
mod power_loss;
mod replay;
mod script;
mod snapshot;
