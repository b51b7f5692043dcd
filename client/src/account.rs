//! Accounts: register, log in and out, look at, change and end. A password is sent once, at a login; from then on the device's key is enough.

use quorate_certs::INVITE_SECRET_MAX_BYTES;
use quorate_core::{Done, UserName};
use quorate_protocol::client::{
    Account, AccountRow, Answer, ChangePassword, DeleteAccount, ListAccounts, Login, Logout, Page, Register, WhoAmI,
};
use rand::Rng;

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::{Client, RequestError};

/// The name of this installation where the system tells none.
const DEVICE_NAME: &str = "chat";
/// A longer password, in bytes, is refused here: before a login a node takes only short frames.
const PASSWORD_MAX_BYTES: usize = 1024;

impl Client {
    /// Makes an account and logs this device in. `invite` is the secret of an invite, where the cluster asks for one.
    ///
    /// # Errors
    /// See [`RequestError`]; `name-taken`, `weak-password`, `bad-name` and `unknown-invite` are refusals.
    pub async fn register(&self, user: &str, password: &str, invite: Option<&str>) -> Result<UserName, RequestError> {
        let name = parse(user)?;
        check(password)?;
        if invite.is_some_and(|invite| invite.len() > INVITE_SECRET_MAX_BYTES) {
            return Err(RequestError::refused("unknown-invite", "no invite is so long"));
        }
        let register = Register {
            user: user.to_owned(),
            password: password.to_owned(),
            device: device_name(),
            // The same in every attempt below, so that a lost answer is not told as a name that is taken.
            attempt: rand::rng().random(),
            invite: invite.map(str::to_owned),
        };
        self.call(register, Effect::Change, DEADLINE).await?;
        self.logged_in(name)
    }

    /// Logs this device in.
    ///
    /// # Errors
    /// See [`RequestError`]; `wrong-password` and `unknown-user` are refusals.
    pub async fn login(&self, user: &str, password: &str) -> Result<UserName, RequestError> {
        let name = parse(user)?;
        check(password)?;
        let login = Login {
            user: user.to_owned(),
            password: password.to_owned(),
            device: device_name(),
        };
        self.call(login, Effect::Change, DEADLINE).await?;
        self.logged_in(name)
    }

    /// Logs this device out. What was not sent yet stays, and is sent when the same user logs in again.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn logout(&self) -> Result<(), RequestError> {
        // Once it is done the device speaks for nobody, so that asking again is refused for that reason; and whoever ended the
        // login, that it has ended is what was asked for.
        let effect = Effect::Once {
            refusal: "not-logged-in",
            done: Answer::Done(Done::Unbound),
        };
        match self.call(Logout {}, effect, DEADLINE).await {
            Err(error) if error.code() != "not-logged-in" => return Err(error),
            _ => {}
        }
        self.logged_out()
    }

    /// The account of this device, as the cluster knows it.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn whoami(&self) -> Result<Account, RequestError> {
        match self.call(WhoAmI {}, Effect::None, DEADLINE).await? {
            Answer::Account(account) => Ok(account),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// Changes the user's password. Devices that are logged in stay so.
    ///
    /// # Errors
    /// See [`RequestError`]; `wrong-password` and `weak-password` are refusals. After [`RequestError::Unknown`] the same
    /// call again finishes it.
    pub async fn change_password(&self, old: &str, new: &str) -> Result<(), RequestError> {
        check(old)?;
        check(new)?;
        let change = ChangePassword {
            old: old.to_owned(),
            new: new.to_owned(),
        };
        // Asked twice it is done once: the cluster takes a new password that is the present one for its own success.
        self.call(change, Effect::Change, DEADLINE).await.map(drop)
    }

    /// Ends the account, and with it the login: devices, memberships and bots go, the name is never given again. With
    /// `purge` the texts of its messages go too; else they stay, by an author who is shown as deleted.
    ///
    /// # Errors
    /// See [`RequestError`]; `wrong-password` is a refusal. After [`RequestError::Unknown`] a login tells: the name of an account
    /// that has ended is `unknown-user`.
    pub async fn delete_account(&self, password: &str, purge: bool) -> Result<(), RequestError> {
        check(password)?;
        let delete = DeleteAccount {
            password: password.to_owned(),
            purge_messages: purge,
        };
        // Asked again it may be refused as `not-logged-in`, but so is a device that was revoked meanwhile: that says nothing.
        self.call(delete, Effect::Change, DEADLINE).await?;
        self.logged_out()
    }

    /// A page of all accounts, by name: up to `limit` rows (at most [`crate::HISTORY_LIMIT_MAX`]) after where the page
    /// before ended; with `matching`, only names of this form (`*` stands for any characters, `?` for one).
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn accounts(
        &self,
        matching: Option<&str>,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page<AccountRow>, RequestError> {
        let list = ListAccounts {
            matching: matching.map(str::to_owned),
            after: after.map(str::to_owned),
            limit,
        };
        match self.call(list, Effect::None, DEADLINE).await? {
            Answer::Accounts(page) => Ok(page),
            _ => Err(RequestError::odd_answer()),
        }
    }

    fn logged_in(&self, user: UserName) -> Result<UserName, RequestError> {
        self.shared.logged_in(user.clone());
        self.keep_user(Some(user.clone()))?;
        Ok(user)
    }

    fn logged_out(&self) -> Result<(), RequestError> {
        self.shared.logged_out();
        self.keep_user(None)
    }

    fn keep_user(&self, user: Option<UserName>) -> Result<(), RequestError> {
        self.shared
            .profile
            .set_user(user)
            .map_err(|error| RequestError::refused("profile-failed", format!("done, but not kept: {error}")))
    }
}

pub(crate) fn parse(user: &str) -> Result<UserName, RequestError> {
    UserName::parse(user).map_err(|error| RequestError::refused("bad-name", error.to_string()))
}

fn check(password: &str) -> Result<(), RequestError> {
    if password.len() > PASSWORD_MAX_BYTES {
        let message = format!("a password has at most {PASSWORD_MAX_BYTES} bytes");
        return Err(RequestError::refused("bad-password", message));
    }
    Ok(())
}

fn device_name() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| {
            name.trim()
                .chars()
                .filter(|c| !c.is_control())
                .take(quorate_core::DEVICE_NAME_CHARS_MAX)
                .collect()
        })
        .filter(|name: &String| !name.is_empty())
        .unwrap_or_else(|| DEVICE_NAME.to_owned())
}
