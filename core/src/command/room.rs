//! Rooms, who is in them, and what they may do there.

use serde::{Deserialize, Serialize};

use crate::{Reason, Retention, Role, RoomName, Span, Topic, UserName};

/// A room as people name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoomRef {
    /// By its name.
    #[serde(rename = "1")]
    Name(RoomName),
    /// The direct room of the asker and this user.
    #[serde(rename = "2")]
    Direct(UserName),
}

/// See [`crate::Action::CreateRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoom {
    /// The name asked for.
    pub name: RoomName,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// What it is about.
    pub topic: Topic,
}

/// See [`crate::Action::JoinRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// Which room.
    pub room: RoomName,
}

/// See [`crate::Action::LeaveRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRoom {
    /// Which room.
    pub room: RoomName,
}

/// See [`crate::Action::SetTopic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTopic {
    /// Which room.
    pub room: RoomName,
    /// What it is about from now on.
    pub topic: Topic,
}

/// See [`crate::Action::InviteUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteUser {
    /// Which room.
    pub room: RoomName,
    /// Who may join it from now on.
    pub user: UserName,
}

/// See [`crate::Action::KickUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KickUser {
    /// Which room.
    pub room: RoomName,
    /// Who has to go.
    pub user: UserName,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// See [`crate::Action::BanUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanUser {
    /// Which room.
    pub room: RoomName,
    /// Who has to stay away.
    pub user: UserName,
    /// For how long; without it for ever.
    pub lasts: Option<Span>,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// See [`crate::Action::UnbanUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbanUser {
    /// Which room.
    pub room: RoomName,
    /// Who may come back.
    pub user: UserName,
}

/// See [`crate::Action::MuteUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MuteUser {
    /// Which room.
    pub room: RoomName,
    /// Who has to be silent.
    pub user: UserName,
    /// For how long; without it until unmuted.
    pub lasts: Option<Span>,
    /// Why, for people.
    pub reason: Option<Reason>,
}

/// See [`crate::Action::UnmuteUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmuteUser {
    /// Which room.
    pub room: RoomName,
    /// Who may write again.
    pub user: UserName,
}

/// See [`crate::Action::SetRole`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRole {
    /// Which room.
    pub room: RoomName,
    /// Whose.
    pub user: UserName,
    /// What they may do from now on. An owner is made by [`TransferRoom`].
    pub role: Role,
}

/// See [`crate::Action::TransferRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferRoom {
    /// Which room.
    pub room: RoomName,
    /// Who owns it from now on; a member.
    pub user: UserName,
}

/// See [`crate::Action::ArchiveRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveRoom {
    /// Which room.
    pub room: RoomName,
    /// Closed for writing, or open again.
    pub archived: bool,
}

/// See [`crate::Action::DeleteRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteRoom {
    /// Which room.
    pub room: RoomName,
}

/// See [`crate::Action::SetRetention`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetRetention {
    /// Which room.
    pub room: RoomName,
    /// How long it remembers from now on.
    pub retention: Retention,
}
