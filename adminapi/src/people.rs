//! Users and rooms, from the operators' side.

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::{Ban, RetentionRule, UtcTime};

/// An account: a row of `GET /v1/users`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Its name.
    pub user: String,
    /// What it may do in all public rooms: `user`, `moderator` or `admin`.
    pub role: String,
    /// `active` or `disabled`.
    pub state: String,
    /// Whether it is banned now.
    pub banned: bool,
    /// Whose bot it is; `null` of a person.
    pub bot_of: Option<String>,
    /// When it was made.
    pub registered_at: UtcTime,
    /// When its password was last proven.
    pub last_login: UtcTime,
    /// How many devices are logged in.
    pub devices: u32,
    /// How many rooms it is in, direct ones among them.
    pub rooms: u32,
}

/// What `GET /v1/users` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPage {
    /// By name.
    pub users: Vec<UserRow>,
    /// After which name the next page begins; `null` where this is the last.
    pub next: Option<String>,
}

/// What `GET /v1/users/{user}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserDetails {
    /// What the list shows.
    #[serde(flatten)]
    pub row: UserRow,
    /// Bytes of the texts of its messages.
    pub text_bytes: u64,
    /// The names of its bots.
    pub bots: Vec<String>,
    /// The ban that keeps it out now.
    pub ban: Option<Ban>,
    /// The rooms that it is in, but for direct ones, by name.
    pub memberships: Vec<Membership>,
}

/// A room that a user is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Its name.
    pub room: String,
    /// `owner`, `moderator`, `member` or `read-only`.
    pub role: String,
}

/// What `POST /v1/users` asks.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name.
    pub user: String,
    /// Its password.
    pub password: String,
    /// What it may do in all public rooms.
    #[serde(default = "plain")]
    pub role: String,
}

fn plain() -> String {
    quorate_core::ServerRole::User.as_str().to_owned()
}

/// What `PUT /v1/users/{user}/password` asks. All devices are logged out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password from now on.
    pub password: String,
}

/// What `PUT /v1/users/{user}/role` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// `user`, `moderator` or `admin`.
    pub role: String,
}

/// What `GET /v1/users/{user}/sessions` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// Whose.
    pub user: String,
    /// The nodes that the user has sessions with now, as far as this node knows.
    pub online_at: Vec<NodeId>,
    /// The devices that are logged in.
    pub devices: Vec<SessionRow>,
}

/// A device that is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRow {
    /// Its id.
    pub id: String,
    /// What the user calls it.
    pub name: String,
    /// When it last proved the password.
    pub logged_in_at: UtcTime,
    /// When it last did that, or last wrote anything.
    pub last_seen: UtcTime,
    /// The nodes that it has sessions with now, as far as they answer.
    #[serde(default)]
    pub nodes: Vec<NodeId>,
}

/// A room: a row of `GET /v1/rooms`, and what `GET /v1/rooms/{room}` answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomRow {
    /// Its name.
    pub room: String,
    /// What it is about.
    pub topic: String,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// Closed for writing.
    pub archived: bool,
    /// Who owns it; `null` while nobody is there.
    pub owner: Option<String>,
    /// How many are there.
    pub members: u32,
    /// How many messages are.
    pub messages: u64,
    /// The oldest line that is kept.
    pub first_seq: u64,
    /// The newest one.
    pub last_seq: u64,
    /// When it was made.
    pub created_at: UtcTime,
    /// How long it remembers, by a rule of its own.
    pub retention: RetentionRule,
}

/// What `GET /v1/rooms` answers: rooms with names of their own, private ones too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomPage {
    /// By name.
    pub rooms: Vec<RoomRow>,
    /// After which name the next page begins; `null` where this is the last.
    pub next: Option<String>,
}

/// What `POST /v1/rooms` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRoom {
    /// Its name.
    pub room: String,
    /// Who will own it; without a name, the oldest account of those that may do most on the server.
    #[serde(default)]
    pub owner: Option<String>,
    /// Invisible to everybody but its members.
    #[serde(default)]
    pub private: bool,
    /// What it is about.
    #[serde(default)]
    pub topic: String,
}

/// A row of `GET /v1/rooms/{room}/members`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMember {
    /// Who.
    pub user: String,
    /// `owner`, `moderator`, `member` or `read-only`.
    pub role: String,
    /// Whether they may not write now.
    pub muted: bool,
}

/// What `PUT /v1/rooms/{room}/archived` asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Archived {
    /// Closed for writing, or open again.
    pub archived: bool,
}

/// What `PUT /v1/rooms/{room}/owner` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// Who owns it from now on; they come in if they are not there.
    pub user: String,
}
