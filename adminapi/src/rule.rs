//! What operators set for the whole cluster, a room or a user, and the invites that they make.

use std::time::Duration;

use quorate_core::InviteId;
use serde::{Deserialize, Serialize};

use crate::{DurationError, UtcTime, format_duration, parse_duration};

/// A duration in JSON, written as everywhere: `30d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lasting(pub Duration);

impl TryFrom<String> for Lasting {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        parse_duration(&text).map(Self)
    }
}

impl From<Lasting> for String {
    fn from(lasting: Lasting) -> Self {
        format_duration(lasting.0)
    }
}

/// How long is remembered: `GET` and `PUT /v1/retention`, and `/v1/rooms/{room}/retention`. `null` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionRule {
    /// Messages older than this go.
    pub max_age: Option<Lasting>,
    /// So many messages are kept at the most.
    pub max_count: Option<u64>,
}

/// How much users may keep: `GET` and `PUT /v1/quota`, and `/v1/users/{user}/quota`. `null` is no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaRule {
    /// Bytes of the texts of a user's messages.
    pub max_text_bytes: Option<u64>,
    /// Rooms that a user owns.
    pub max_rooms: Option<u32>,
}

/// What `GET /v1/users/{user}/quota` answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserQuota {
    /// The user's own; `null` where the cluster's holds.
    pub own: Option<QuotaRule>,
    /// What holds.
    pub effective: QuotaRule,
    /// Bytes of the texts of the user's messages now.
    pub text_bytes: u64,
}

/// What `POST /v1/invites` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInvite {
    /// How long it is good.
    pub ttl: Lasting,
    /// For how many registrations.
    pub uses: u32,
}

/// What `POST /v1/invites` answers. The link is shown this once: the cluster keeps only a hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedInvite {
    /// Its id.
    pub id: InviteId,
    /// What `chat register LINK` takes.
    pub link: String,
    /// Until when it is good.
    pub expires_at: UtcTime,
    /// For how many registrations.
    pub uses: u32,
}

/// A row of `GET /v1/invites`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invite {
    /// Its id.
    pub id: InviteId,
    /// When it was made.
    pub created_at: UtcTime,
    /// Until when it is good.
    pub expires_at: UtcTime,
    /// For how many registrations it was made.
    pub uses: u32,
    /// How many it is still good for.
    pub uses_left: u32,
    /// The user id of the process that made it.
    pub by_uid: u32,
}
