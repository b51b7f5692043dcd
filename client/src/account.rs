//! Accounts: register, log in and out. A password is sent once, at a login; from then on the device's key is enough.

use quorate_core::UserName;
use quorate_protocol::client::{Account, Answer, Login, Logout, Register, WhoAmI};
use rand::Rng;

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::{Client, RequestError};

/// The name of this installation where the system tells none.
const DEVICE_NAME: &str = "chat";
/// A longer password, in bytes, is refused here: before a login a node takes only short frames.
const PASSWORD_MAX_BYTES: usize = 1024;

impl Client {
    /// Makes an account and logs this device in.
    ///
    /// # Errors
    /// See [`RequestError`]; `name-taken`, `weak-password` and `bad-name` are refusals.
    pub async fn register(&self, user: &str, password: &str) -> Result<UserName, RequestError> {
        let name = parse(user)?;
        check(password)?;
        let register = Register {
            user: user.to_owned(),
            password: password.to_owned(),
            device: device_name(),
            // The same in every attempt below, so that a lost answer is not told as a name that is taken.
            attempt: rand::rng().random(),
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
        match self.call(Logout {}, Effect::Change, DEADLINE).await {
            Err(error) if error.code() != "not-logged-in" => return Err(error),
            _ => {}
        }
        self.shared.set_user(None);
        self.keep_user(None)
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

    fn logged_in(&self, user: UserName) -> Result<UserName, RequestError> {
        self.shared.set_user(Some(user.clone()));
        self.shared.adopt();
        self.keep_user(Some(user.clone()))?;
        Ok(user)
    }

    fn keep_user(&self, user: Option<UserName>) -> Result<(), RequestError> {
        self.shared
            .profile
            .set_user(user)
            .map_err(|error| RequestError::refused("profile-failed", format!("done, but not kept: {error}")))
    }
}

fn parse(user: &str) -> Result<UserName, RequestError> {
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
