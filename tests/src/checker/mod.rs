//! What was asked for, what was acknowledged, and what everybody saw: and whether these fit together.
//!
//! The record is filled while a test runs; judging it is a pure function of the record. An unknown outcome stays unknown: the
//! post may be there or not, but not twice.
//!
//! Left out: what an edit or a redaction makes of a message, and rooms whose past was cut off. Histories are expected from
//! the first seq on.

mod record;
mod verify;
mod violation;

#[cfg(test)]
mod tests;

pub use record::{AttemptNo, Checker, Post};
pub use violation::{Counts, Report, Violation};
