//! What operators say of who may come in, and what users may do.

use serde::{Deserialize, Serialize};

use crate::{Network, Operator, Reason, Role, Timestamp, UserId};

/// What a user may do in every public room, a member or not. In private and in direct rooms it means nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ServerRole {
    /// What any user may.
    #[default]
    #[serde(rename = "1")]
    User,
    /// What a moderator of the room may: take texts away, kick, ban, mute.
    #[serde(rename = "2")]
    Moderator,
    /// What the room's owner may, but to give it away: deal with moderators, make them, archive, delete.
    #[serde(rename = "3")]
    Admin,
}

/// What nobody may do for now. Each but the first forbids what the one before it does, and more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Lockdown {
    /// Everybody may do everything.
    #[default]
    #[serde(rename = "1")]
    Off,
    /// No account is made, nor a bot.
    #[serde(rename = "2")]
    NoRegister,
    /// And no device is bound that is not: devices that are logged in go on, and others have no session.
    #[serde(rename = "3")]
    AuthOnly,
    /// And nobody changes anything, but to log a device out: what is there may be read.
    #[serde(rename = "4")]
    ReadOnly,
}

/// Somebody who has to stay out of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerBan {
    /// Who.
    pub subject: BanSubject,
    /// Who said so.
    pub by: Operator,
    /// Since when, in log time.
    pub at: Timestamp,
    /// Until when; without it for ever.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// Who is banned from the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BanSubject {
    /// An account, and its bots.
    #[serde(rename = "1")]
    User(UserId),
    /// Whoever comes from there.
    #[serde(rename = "2")]
    Network(Network),
}

impl ServerRole {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::User, Self::Moderator, Self::Admin];

    /// The one that programs call so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
        }
    }

    /// As far as what room role it reaches in public rooms.
    #[must_use]
    pub const fn in_public_rooms(self) -> Option<Role> {
        match self {
            Self::User => None,
            Self::Moderator => Some(Role::Moderator),
            Self::Admin => Some(Role::Owner),
        }
    }
}

impl Lockdown {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::NoRegister, Self::AuthOnly, Self::ReadOnly];

    /// The one that programs call so.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lockdown| lockdown.as_str() == word)
    }

    /// Its name for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::NoRegister => "no-register",
            Self::AuthOnly => "auth-only",
            Self::ReadOnly => "read-only",
        }
    }
}

impl ServerBan {
    /// Whether it keeps somebody out at that log time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}
