//! Text that people give, parsed once at the edge: a value that exists is valid for ever.
//!
//! # Two rules for names
//! What a person types as a name meets the strict rule ([`UserName::parse`], [`RoomName::parse`]),
//! which reads Unicode's tables: which characters names may hold, and which of them may stand
//! together. These tables change with their versions, so what comes from a log, a snapshot or another
//! node meets only the part of the rule that never changes; else a node with newer tables could not
//! read what an older one wrote. Whoever takes a name from a client parses it strictly.

mod audit;
mod glob;
mod line;
mod mention;
mod message;
mod room;
mod rule;
mod text;
mod user;

pub use audit::{ACTOR_CHARS_MAX, AUDIT_TARGET_CHARS_MAX, AUDIT_WORD_CHARS_MAX, Actor, AuditTarget, AuditWord};
pub use glob::{Glob, GlobTooLong};
pub use line::{
    DEVICE_NAME_CHARS_MAX, DeviceName, PASSWORD_HASH_BYTES_MAX, PasswordHash, REASON_CHARS_MAX, Reason,
    TOPIC_CHARS_MAX, Topic,
};
pub use message::{
    BODY_BYTES_MAX, Body, BodyError, EMOJI_BYTES_MAX, Emoji, MESSAGE_ID_BYTES_MAX, MessageId, MessageIdError,
};
pub use room::{ROOM_NAME_CHARS_MAX, RoomName};
pub use rule::NameError;
pub use user::{USER_NAME_CHARS_MAX, UserName};
