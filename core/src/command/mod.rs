//! What may be asked of the state machine. Everything random or slow (salts, hashes, tokens) was
//! made before a command enters the log, and so was everything that a later version of the Unicode
//! tables may see differently (likenesses, mentions).

mod account;
mod audited;
mod message;
mod name;
mod operation;
mod operator;
mod room;
mod roster;

pub use account::{
    BindDevice, ChangePassword, CreateBot, DeleteBot, DeleteUser, GrantWriter, RegisterUser, SetBotPassword,
    UnbindDevice,
};
pub use message::{EditMessage, MENTIONS_PER_MESSAGE_MAX, MarkRead, PostMessage, React, RedactMessage};
pub use operation::{CreateInvite, Operate, Operation, Operator, RevokeInvite, SetQuota, Sweep};
pub use operator::{
    AddBan, BanName, CreateRoomFor, CreateUser, PurgeUser, RevokeDevices, SetServerRole, SetUserPassword,
};
pub use room::{
    ArchiveRoom, BanUser, CreateRoom, DeleteRoom, InviteUser, JoinRoom, KickUser, LeaveRoom, MuteUser, RoomRef,
    SetRetention, SetRole, SetTopic, TransferRoom, UnbanUser, UnmuteUser,
};
pub use roster::{AdmitNode, CreateToken, RosterOperation};

use serde::{Deserialize, Serialize};

use crate::{DeviceId, RequestNo, Timestamp, WriterId};

/// One entry of the log as the core sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The proposer's clock. Log time is the greatest one seen, so it never runs back.
    pub proposed_at: Timestamp,
    /// What is asked.
    pub command: Command,
}

/// What is asked, by whom. A command whose answer may be lost is either idempotent by itself or
/// travels in a [`Submission`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// A new account, logged in on the device that asked.
    #[serde(rename = "1")]
    RegisterUser(RegisterUser),
    /// Login: this device speaks for the user from now on.
    #[serde(rename = "2")]
    BindDevice(BindDevice),
    /// Logout or revocation: this device speaks for nobody any more.
    #[serde(rename = "3")]
    UnbindDevice(UnbindDevice),
    /// A new writer for an outbox on a bound device.
    #[serde(rename = "4")]
    GrantWriter(GrantWriter),
    /// A numbered request of a writer.
    #[serde(rename = "5")]
    Submit(Submission),
    /// A new password for the device's user.
    #[serde(rename = "6")]
    ChangePassword(ChangePassword),
    /// The end of the device's user.
    #[serde(rename = "7")]
    DeleteUser(DeleteUser),
    /// A new bot of the device's user.
    #[serde(rename = "8")]
    CreateBot(CreateBot),
    /// A new token for a bot of the device's user.
    #[serde(rename = "9")]
    SetBotPassword(SetBotPassword),
    /// The end of a bot of the device's user.
    #[serde(rename = "10")]
    DeleteBot(DeleteBot),
    /// Asked by the nodes themselves: takes away some of what has had its time.
    #[serde(rename = "11")]
    Sweep(Sweep),
    /// Asked by an operator, over a node's admin socket.
    #[serde(rename = "12")]
    Operate(Operate),
}

/// A writer's request: applied at most once, in the order of its numbers, however often it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Who asks, and under which number.
    pub origin: Origin,
    /// What is asked.
    pub action: Action,
}

/// Who asks, and under which number. The author is who the device is bound to when the entry is
/// applied, never what a body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The device whose possession the session proved.
    pub device: DeviceId,
    /// The outbox.
    pub writer: WriterId,
    /// Its position in the outbox.
    pub request: RequestNo,
}

/// What a user may ask through a writer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Action {
    /// Makes a room; the author becomes its owner and first member.
    #[serde(rename = "1")]
    CreateRoom(CreateRoom),
    /// Becomes a member of a public room.
    #[serde(rename = "2")]
    JoinRoom(JoinRoom),
    /// Ends a membership.
    #[serde(rename = "3")]
    LeaveRoom(LeaveRoom),
    /// Posts to a room, or directly to a user.
    #[serde(rename = "4")]
    PostMessage(PostMessage),
    /// Changes what a room is about.
    #[serde(rename = "5")]
    SetTopic(SetTopic),
    /// Moves the author's read mark forward.
    #[serde(rename = "6")]
    MarkRead(MarkRead),
    /// Lets a user into a room.
    #[serde(rename = "7")]
    InviteUser(InviteUser),
    /// Ends another one's membership.
    #[serde(rename = "8")]
    KickUser(KickUser),
    /// Ends another one's membership, if there is one, and keeps them out.
    #[serde(rename = "9")]
    BanUser(BanUser),
    /// Keeps them out no longer.
    #[serde(rename = "10")]
    UnbanUser(UnbanUser),
    /// Lets a member read only, for a time.
    #[serde(rename = "11")]
    MuteUser(MuteUser),
    /// Lets a member write again.
    #[serde(rename = "12")]
    UnmuteUser(UnmuteUser),
    /// Changes what a member may do.
    #[serde(rename = "13")]
    SetRole(SetRole),
    /// Makes another member the owner; the author becomes a moderator.
    #[serde(rename = "14")]
    TransferRoom(TransferRoom),
    /// Closes a room for writing, or opens it again.
    #[serde(rename = "15")]
    ArchiveRoom(ArchiveRoom),
    /// Ends a room with all that was said there. Its name is free again.
    #[serde(rename = "16")]
    DeleteRoom(DeleteRoom),
    /// Gives an own message another text.
    #[serde(rename = "17")]
    EditMessage(EditMessage),
    /// Takes a message's text away, for ever.
    #[serde(rename = "18")]
    RedactMessage(RedactMessage),
    /// Puts an emoji to a message, or takes it away.
    #[serde(rename = "19")]
    React(React),
    /// Says how long a room remembers.
    #[serde(rename = "20")]
    SetRetention(SetRetention),
}
