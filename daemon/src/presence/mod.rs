//! Who is there and who is writing, as far as this node knows. Nothing of it is in the log or on a disk.
//!
//! The [`Board`] counts the sessions of this node and remembers what each peer has said of its own. [`speak`] tells the
//! peers: changes a few times a second, everything every [`WHOLE_INTERVAL`], on a stream of `chat-relay/1` to each. All of it
//! is best effort: what a slow or absent peer misses is dropped, the next full list makes it good, and a peer that says
//! nothing for [`PEER_SILENCE_MAX`] has nobody. Nothing here ever waits for a peer, or makes anybody else wait.
//!
//! Left out on purpose: names, rooms' members and who may see whom. The session asks the state.

mod board;
mod ears;
mod listen;
mod speak;

pub use board::{Board, PEER_SILENCE_MAX, Stay};
pub use ears::{EARS_MAX, Ears, Following};
pub use speak::{WHOLE_INTERVAL, speak};

#[cfg(test)]
mod tests;
