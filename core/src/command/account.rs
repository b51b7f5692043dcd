//! Accounts, devices, writers, bots.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, DeviceName, InviteKey, Likeness, PasswordHash, UserId, UserName};

/// See [`crate::Command::RegisterUser`].
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
    /// Of the name, see [`UserName::likeness`].
    pub likeness: Likeness,
    /// The invite that was shown, where one is asked for.
    pub invite: Option<InviteKey>,
}

/// See [`crate::Command::BindDevice`].
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

/// See [`crate::Command::UnbindDevice`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnbindDevice {
    /// The session's own device; it must be bound.
    pub device: DeviceId,
    /// The device of the same user to unbind.
    pub target: DeviceId,
}

/// See [`crate::Command::GrantWriter`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantWriter {
    /// The session's device.
    pub device: DeviceId,
}

/// See [`crate::Command::ChangePassword`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The session's device.
    pub device: DeviceId,
    /// The hash that the old password was proven against.
    pub proven: PasswordHash,
    /// Of the new one.
    pub password: PasswordHash,
}

/// See [`crate::Command::DeleteUser`]. Its bots end with it. The name is never given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteUser {
    /// The session's device.
    pub device: DeviceId,
    /// The hash that the password was proven against.
    pub proven: PasswordHash,
    /// Take away the texts of the user's messages too; else they stay, their author shown as deleted.
    pub purge_messages: bool,
}

/// See [`crate::Command::CreateBot`]. A bot is a user that logs in with a token in place of a
/// password, and belongs to the user who made it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBot {
    /// The session's device, whose user will own the bot.
    pub device: DeviceId,
    /// The name asked for.
    pub name: UserName,
    /// Of the name, see [`UserName::likeness`].
    pub likeness: Likeness,
    /// The token's hash.
    pub password: PasswordHash,
    /// Made by the client once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
}

/// See [`crate::Command::SetBotPassword`]. The bot's devices are unbound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetBotPassword {
    /// The session's device, whose user owns the bot.
    pub device: DeviceId,
    /// Which bot.
    pub bot: UserName,
    /// The new token's hash.
    pub password: PasswordHash,
}

/// See [`crate::Command::DeleteBot`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteBot {
    /// The session's device, whose user owns the bot.
    pub device: DeviceId,
    /// Which bot.
    pub bot: UserName,
    /// See [`DeleteUser::purge_messages`].
    pub purge_messages: bool,
}
