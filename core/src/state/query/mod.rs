//! What others may ask of the state, under a short read lock. Nothing here walks more than it gives.

mod access;
mod account;
mod chore;
mod clock;
mod message;
mod room;
mod roster;

pub use message::OwnMessage;
