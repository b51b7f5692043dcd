//! Bots: users that belong to the one who made them and log in with a token.

use std::fmt;

use quorate_core::UserName;
use quorate_protocol::client::{AccountRow, Answer, ChangeToken, CreateBot, DeleteBot, ListBots};
use rand::Rng;

use crate::account::parse;
use crate::call::Effect;
use crate::client::DEADLINE;
use crate::{Client, RequestError};

/// What a token begins with, so that one that leaks is found by whoever looks for such things.
const TOKEN_PREFIX: &str = "qbt_";

/// A bot and what it logs in with ([`Client::login`], in place of a password). The token is shown once: the cluster
/// keeps only its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct BotToken {
    /// The bot's name.
    pub user: UserName,
    /// `qbt_` and 32 hexadecimal digits: 128 random bits.
    pub token: String,
}

impl fmt::Debug for BotToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotToken")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Makes a bot that belongs to the user.
    ///
    /// # Errors
    /// See [`RequestError`]; `name-taken`, `bad-name`, `too-many` and, for a bot that asks, `not-allowed` are refusals.
    pub async fn create_bot(&self, name: &str) -> Result<BotToken, RequestError> {
        let user = parse(name)?;
        let token = random_token();
        let create = CreateBot {
            bot: name.to_owned(),
            token: token.clone(),
            // The same in every attempt below, so that a lost answer is not told as a name that is taken.
            attempt: rand::rng().random(),
        };
        self.call(create, Effect::Change, DEADLINE).await?;
        Ok(BotToken { user, token })
    }

    /// The user's bots, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn bots(&self) -> Result<Vec<AccountRow>, RequestError> {
        match self.call(ListBots {}, Effect::None, DEADLINE).await? {
            Answer::Accounts(page) => Ok(page.rows),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// Gives a bot of the user another token. The one before is good no longer, and the bot's sessions end.
    ///
    /// # Errors
    /// See [`RequestError`]; `unknown-user` is a refusal. After [`RequestError::Unknown`] neither token is known to be
    /// good: renew it again.
    pub async fn renew_bot_token(&self, bot: &UserName) -> Result<BotToken, RequestError> {
        let token = random_token();
        let change = ChangeToken {
            bot: bot.clone(),
            token: token.clone(),
        };
        self.call(change, Effect::Change, DEADLINE).await?;
        let user = bot.clone();
        Ok(BotToken { user, token })
    }

    /// Ends a bot of the user; with `purge`, the texts of its messages go too.
    ///
    /// # Errors
    /// See [`RequestError`]; `unknown-user` is a refusal.
    pub async fn delete_bot(&self, bot: &UserName, purge: bool) -> Result<(), RequestError> {
        let delete = DeleteBot {
            bot: bot.clone(),
            purge_messages: purge,
        };
        // Asked twice it is done once: the cluster takes the end of an own bot that has ended for its own success.
        self.call(delete, Effect::Change, DEADLINE).await.map(drop)
    }
}

/// Nobody guesses 128 random bits.
fn random_token() -> String {
    let bits: u128 = rand::rng().random();
    format!("{TOKEN_PREFIX}{bits:032x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_its_prefix_and_32_hexadecimal_digits() {
        let token = random_token();
        let digits = token.strip_prefix("qbt_").unwrap();
        assert_eq!(digits.len(), 32);
        assert!(digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        assert_ne!(token, random_token());
    }

    #[test]
    fn a_token_is_not_in_what_debug_prints() {
        let bot = BotToken {
            user: UserName::parse("ci").unwrap(),
            token: random_token(),
        };
        assert!(!format!("{bot:?}").contains(&bot.token));
    }
}
