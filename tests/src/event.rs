//! An event of a room, as the programs print it.

use serde::Deserialize;

/// See "JSON of one event" in the contract.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Event {
    /// The room's name.
    pub room: String,
    /// Its position there.
    pub seq: u64,
    /// `message`, `join`, ...
    pub kind: String,
    /// Who did it.
    #[serde(default)]
    pub author: String,
    /// The text of a message.
    #[serde(default)]
    pub body: Option<String>,
    /// When, RFC 3339.
    #[serde(default)]
    pub at: String,
    /// The caller's id of a message.
    #[serde(default)]
    pub id: Option<String>,
}

impl Event {
    /// Whether it is something that somebody posted.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.kind == "message"
    }
}
