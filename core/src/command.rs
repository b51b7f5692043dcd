//! What may be asked of the state machine. Everything random or slow (salts, hashes, tokens) was
//! made before a command enters the log.

use serde::{Deserialize, Serialize};

use crate::{
    Body, DeviceId, DeviceName, MessageId, PasswordHash, RequestNo, RoomName, Seq, Timestamp, Topic, UserId, UserName,
    WriterId,
};

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
}

/// See [`Command::RegisterUser`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterUser {
    /// The name asked for.
    pub name: UserName,
    /// Made by the node that was asked.
    pub password: PasswordHash,
    /// The device to bind.
    pub device: DeviceId,
    /// What the user calls it.
    pub device_name: DeviceName,
    /// Made by the client once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
}

/// See [`Command::BindDevice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindDevice {
    /// The account whose password was proven.
    pub user: UserId,
    /// The hash that it was proven against: when it has changed since, the login is refused.
    pub proven: PasswordHash,
    /// The device to bind; one bound to another user changes hands.
    pub device: DeviceId,
    /// What the user calls it.
    pub device_name: DeviceName,
}

/// See [`Command::UnbindDevice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbindDevice {
    /// The session's own device; it must be bound.
    pub device: DeviceId,
    /// The device of the same user to unbind.
    pub target: DeviceId,
}

/// See [`Command::GrantWriter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantWriter {
    /// The session's device.
    pub device: DeviceId,
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
}

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

/// See [`Action::CreateRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateRoom {
    /// The name asked for.
    pub name: RoomName,
    /// Invisible to everybody but its members.
    pub private: bool,
    /// What it is about.
    pub topic: Topic,
}

/// See [`Action::JoinRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRoom {
    /// Which room.
    pub room: RoomName,
}

/// See [`Action::LeaveRoom`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaveRoom {
    /// Which room.
    pub room: RoomName,
}

/// See [`Action::PostMessage`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostMessage {
    /// Where to. A direct room is made by the first message in it.
    pub room: RoomRef,
    /// The idempotency key.
    pub id: MessageId,
    /// The text.
    pub body: Body,
    /// The message that this one answers.
    pub reply_to: Option<Seq>,
}

/// See [`Action::SetTopic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetTopic {
    /// Which room.
    pub room: RoomName,
    /// What it is about from now on.
    pub topic: Topic,
}

/// See [`Action::MarkRead`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkRead {
    /// Which room.
    pub room: RoomRef,
    /// Read up to and with this one; a mark never goes back.
    pub upto: Seq,
}
