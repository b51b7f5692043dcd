//! What nodes and operators ask; no client can.

use serde::{Deserialize, Serialize};

use crate::{
    Actor, AddBan, ArchiveRoom, AuditTarget, AuditWord, BanId, CreateRoomFor, CreateUser, DeleteRoom, InviteId,
    InviteKey, Lockdown, PurgeUser, Quota, Retention, RevokeDevices, RoomId, RoomName, RosterOperation, SetServerRole,
    SetUserPassword, Span, TransferRoom, UserId, UserName,
};

/// See [`crate::Command::Sweep`]. What is to go is decided when the entry is applied, from the state
/// and log time: the asker names only where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sweep {
    /// The oldest lines of a room that its retention gives up, or of a deleted room.
    #[serde(rename = "1")]
    Room(RoomId),
    /// Texts of a deleted user who wanted them gone.
    #[serde(rename = "2")]
    User(UserId),
    /// Invites, bans and silences that have run out.
    #[serde(rename = "3")]
    Expired,
    /// Deleted rooms, as many as go by one entry.
    #[serde(rename = "4")]
    Closing,
}

/// See [`crate::Command::Operate`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operate {
    /// Who asks.
    pub by: Operator,
    /// What is asked.
    pub operation: Operation,
    /// Whose that user id is, as the node that was asked knows it.
    #[serde(default)]
    pub actor: Actor,
}

/// An operator, as the admin socket knows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operator {
    /// The user id of the process that asked.
    pub uid: u32,
}

/// What an operator may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// Makes an invite.
    #[serde(rename = "1")]
    CreateInvite(CreateInvite),
    /// Ends one.
    #[serde(rename = "2")]
    RevokeInvite(RevokeInvite),
    /// How long rooms without a rule of their own remember.
    #[serde(rename = "3")]
    SetServerRetention(Retention),
    /// How long one room remembers.
    #[serde(rename = "4")]
    SetRoomRetention {
        /// Which; a private one too.
        room: RoomName,
        /// The rule.
        retention: Retention,
    },
    /// How much users may keep.
    #[serde(rename = "5")]
    SetQuota(SetQuota),
    /// Makes an account, without a device.
    #[serde(rename = "20")]
    CreateUser(CreateUser),
    /// Gives an account another password, and logs all of its devices out.
    #[serde(rename = "21")]
    SetUserPassword(SetUserPassword),
    /// Keeps an account as it is, and lets it do nothing.
    #[serde(rename = "22")]
    DisableUser(UserName),
    /// Lets it do everything again.
    #[serde(rename = "23")]
    EnableUser(UserName),
    /// Ends an account and its bots.
    #[serde(rename = "24")]
    DeleteUser(PurgeUser),
    /// Says what a user may do in all public rooms.
    #[serde(rename = "25")]
    SetServerRole(SetServerRole),
    /// Logs devices of a user out.
    #[serde(rename = "26")]
    RevokeDevices(RevokeDevices),
    /// Makes a room for a user.
    #[serde(rename = "27")]
    CreateRoom(CreateRoomFor),
    /// Closes a room for writing, or opens it again.
    #[serde(rename = "28")]
    ArchiveRoom(ArchiveRoom),
    /// Ends a room with all that was said there.
    #[serde(rename = "29")]
    DeleteRoom(DeleteRoom),
    /// Gives a room to a user, who comes in if they are not there.
    #[serde(rename = "30")]
    SetRoomOwner(TransferRoom),
    /// Keeps somebody out of the cluster.
    #[serde(rename = "31")]
    AddBan(AddBan),
    /// Keeps them out no longer.
    #[serde(rename = "32")]
    LiftBan(BanId),
    /// Says what nobody may do for now.
    #[serde(rename = "33")]
    SetLockdown(Lockdown),
    /// Changes nothing, and stands in the audit log: what an operator did that is no change of the state.
    #[serde(rename = "34")]
    Note {
        /// What.
        action: AuditWord,
        /// To what.
        target: AuditTarget,
    },
    /// About the nodes of the cluster and what lets them in.
    #[serde(rename = "40")]
    Roster(RosterOperation),
}

/// See [`Operation::CreateInvite`]. Asked again with the same key it finds the same invite.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateInvite {
    /// Of the secret, which the cluster never sees.
    pub key: InviteKey,
    /// How long it is good.
    pub lasts: Span,
    /// For how many registrations.
    pub uses: u32,
}

/// See [`Operation::RevokeInvite`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeInvite {
    /// Which.
    pub invite: InviteId,
}

/// See [`Operation::SetQuota`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetQuota {
    /// Whose; without a name, everybody's who has none of their own.
    pub user: Option<UserName>,
    /// How much; for a user `None` means what everybody has.
    pub quota: Option<Quota>,
}
