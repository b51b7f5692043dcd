//! What operators ask about users, rooms and who may come in.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Likeness, Network, PasswordHash, Reason, RoomName, ServerRole, Span, Topic, UserName};

/// See [`crate::Operation::CreateUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateUser {
    /// The name.
    pub name: UserName,
    /// Of the name, see [`UserName::likeness`].
    pub likeness: Likeness,
    /// Made by the node that was asked.
    pub password: PasswordHash,
    /// What the user may do in all public rooms.
    pub role: ServerRole,
    /// Made once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
}

/// See [`crate::Operation::SetUserPassword`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUserPassword {
    /// Whose.
    pub user: UserName,
    /// Made by the node that was asked.
    pub password: PasswordHash,
}

/// See [`crate::Operation::DeleteUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeUser {
    /// Which.
    pub user: UserName,
    /// See [`crate::DeleteUser::purge_messages`].
    pub purge_messages: bool,
}

/// See [`crate::Operation::SetServerRole`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetServerRole {
    /// Whose.
    pub user: UserName,
    /// What they may do from now on.
    pub role: ServerRole,
}

/// See [`crate::Operation::RevokeDevices`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeDevices {
    /// Whose.
    pub user: UserName,
    /// Which; without it, all.
    pub device: Option<DeviceId>,
}

/// See [`crate::Operation::CreateRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoomFor {
    /// Who will own it.
    pub owner: UserName,
    /// Its name.
    pub name: RoomName,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// What it is about.
    pub topic: Topic,
}

/// See [`crate::Operation::AddBan`]. It takes the place of a ban of the same user or network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddBan {
    /// Who has to stay out.
    pub subject: BanName,
    /// For how long; without it for ever.
    pub lasts: Option<Span>,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// Who is to be banned from the cluster, as operators name them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BanName {
    /// An account, and its bots.
    #[serde(rename = "1")]
    User(UserName),
    /// Whoever comes from there.
    #[serde(rename = "2")]
    Network(Network),
}

impl std::fmt::Display for BanName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => name.fmt(f),
            Self::Network(network) => network.fmt(f),
        }
    }
}
