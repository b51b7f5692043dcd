//! Bytes and their meaning: frames, kinds and versions. No IO, no clock; text is parsed into the
//! core's types here, so what comes out is valid.

pub mod client;
pub mod entry;
pub mod event;
mod frame;
pub mod join;
pub mod json;
pub mod relay;
pub mod vitals;

pub use frame::*;
