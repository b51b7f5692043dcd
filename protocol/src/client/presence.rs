//! Who is there, and who is writing: best effort, and never in the log.

use quorate_core::{RoomName, RoomRef, UserName};
use serde::{Deserialize, Serialize};

/// Whether a user is there, as far as the node knows. Not replicated: between nodes it may lag by
/// seconds, and where it is switched off everybody is `Unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// Nobody knows.
    #[default]
    #[serde(rename = "0")]
    Unknown,
    /// No session.
    #[serde(rename = "1")]
    Offline,
    /// Sessions, all of them away.
    #[serde(rename = "2")]
    Away,
    /// At least one session that is not away.
    #[serde(rename = "3")]
    Online,
}

/// This session is away, or back. Not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAway {
    /// Whether it is.
    pub away: bool,
}

/// The user is writing to a room. Not answered; sent again every few seconds for as long as it is so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Typing {
    /// Where to.
    pub room: RoomRef,
}

/// Somebody is writing to a room that this session follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IsTyping {
    /// Where to.
    pub room: RoomName,
    /// Who.
    pub user: UserName,
}
