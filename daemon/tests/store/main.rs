//! The store under load, crashes, liars and vandals.

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
