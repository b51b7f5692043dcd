//! Accounts, devices, bots.

use quorate_core::{DeviceId, DeviceName, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use super::Presence;

/// Makes an account and logs the device in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// The name asked for, unparsed.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the user calls this installation.
    pub device: String,
    /// Made once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
    /// The secret of an invite, where one is asked for.
    #[serde(default)]
    pub invite: Option<String>,
}

/// Logs the device in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The account, unparsed.
    pub user: String,
    /// The password.
    pub password: String,
    /// What the user calls this installation.
    pub device: String,
}

/// Logs the device out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {}

/// Asks for a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {}

/// Who does this device speak for?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhoAmI {}

/// An account, as its owner sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub user: UserName,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// The device of this session.
    pub device: DeviceId,
    /// When it last logged in, on any device.
    pub last_login: Timestamp,
    /// Whose bot it is, if it is one.
    pub owner: Option<UserName>,
    /// Bytes of the texts of its messages.
    pub text_bytes: u64,
    /// How many they may be.
    pub text_bytes_max: Option<u64>,
}

/// Changes the password of the device's user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangePassword {
    /// The present one.
    pub old: String,
    /// The one from now on.
    pub new: String,
}

/// Ends the account of the device's user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteAccount {
    /// The password.
    pub password: String,
    /// Take away the texts of its messages too.
    pub purge_messages: bool,
}

/// Lists accounts by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListAccounts {
    /// Only names of this form: `*` stands for any characters, `?` for one.
    pub matching: Option<String>,
    /// Where the page before ended ([`super::Page::next`]).
    pub after: Option<String>,
    /// At most so many rows.
    pub limit: u16,
}

/// Lists the devices that speak for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListDevices {}

/// Lets a device of the user speak for nobody; its sessions end on every node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokeDevice {
    /// Which.
    pub device: DeviceId,
}

/// Makes a bot that belongs to the user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateBot {
    /// The name asked for, unparsed.
    pub bot: String,
    /// What it logs in with.
    pub token: String,
    /// Made once an attempt: the same attempt sent again finds its own success.
    pub attempt: u128,
}

/// Gives a bot of the user another token; its sessions end.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeToken {
    /// Which bot.
    pub bot: UserName,
    /// What it logs in with from now on.
    pub token: String,
}

/// Ends a bot of the user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteBot {
    /// Which bot.
    pub bot: UserName,
    /// Take away the texts of its messages too.
    pub purge_messages: bool,
}

/// Lists the user's bots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListBots {}

/// An account in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRow {
    /// Its name.
    pub user: UserName,
    /// Whether it is a bot.
    pub bot: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
    /// When it last logged in.
    pub last_login: Timestamp,
    /// Whether it is there now.
    pub presence: Presence,
}

/// A device in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRow {
    /// Its id.
    pub device: DeviceId,
    /// What the user calls it.
    pub name: DeviceName,
    /// When it last logged in.
    pub bound_at: Timestamp,
}

macro_rules! secretive {
    ($($name:ident: $shown:ident;)*) => {
        $(impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    .field(stringify!($shown), &self.$shown)
                    .finish_non_exhaustive()
            }
        })*
    };
}

secretive! {
    Register: user;
    Login: user;
    DeleteAccount: purge_messages;
    CreateBot: bot;
    ChangeToken: bot;
}

impl std::fmt::Debug for ChangePassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChangePassword").finish_non_exhaustive()
    }
}
