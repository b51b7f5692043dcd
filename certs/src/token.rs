//! What lets a machine become a node: the CA to trust, and a secret to show.
//!
//! ```text
//! chatjoin1.<base32 of: CA fingerprint (32 bytes), token id u64 big-endian, secret (16 bytes), check (4 bytes)>
//! ```
//! The check is the beginning of the SHA-256 over all before it: a token that lost a character on its way is told from one
//! that the cluster does not know.

use std::fmt;
use std::str::FromStr;

use quorate_core::{TokenId, TokenKey};
use zeroize::Zeroize;

use crate::digits;
use crate::fingerprint::CaFingerprint;
use crate::provider::{fill_random, sha256};

const PREFIX: &str = "chatjoin1.";
const SECRET_BYTES: usize = 16;
const CHECK_BYTES: usize = 4;
const TOKEN_BYTES: usize = 32 + 8 + SECRET_BYTES + CHECK_BYTES;

/// The longest text that is read as a token, in bytes: far more than one has.
pub const JOIN_TOKEN_MAX_BYTES: usize = 512;

/// The secret of a join token: 128 bits that nobody guesses, so that a plain hash of it can be kept. Wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinSecret([u8; SECRET_BYTES]);

impl JoinSecret {
    /// One that nobody has yet.
    #[must_use]
    pub fn random() -> Self {
        let mut secret = [0; SECRET_BYTES];
        fill_random(&mut secret);
        Self(secret)
    }

    /// One that was sent; `None` if it has another length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// As it is sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What the cluster keeps of it.
    #[must_use]
    pub fn key(&self) -> TokenKey {
        TokenKey(sha256(&self.0))
    }
}

impl Drop for JoinSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for JoinSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinSecret(..)")
    }
}

/// A join token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinToken {
    /// The CA of the cluster.
    pub ca: CaFingerprint,
    /// Which token.
    pub id: TokenId,
    /// What proves it.
    pub secret: JoinSecret,
}

/// A text that is no join token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinTokenError {
    /// It begins otherwise.
    #[error("a join token begins with {PREFIX}")]
    Prefix,
    /// It is cut off, or a character is wrong.
    #[error("the join token is incomplete or was changed on its way")]
    Damaged,
}

impl JoinToken {
    /// The token as text: a secret.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut bytes = Vec::with_capacity(TOKEN_BYTES);
        bytes.extend_from_slice(&self.ca.0);
        bytes.extend_from_slice(&self.id.0.to_be_bytes());
        bytes.extend_from_slice(&self.secret.0);
        let check = sha256(&bytes);
        bytes.extend_from_slice(&check[..CHECK_BYTES]);
        let text = format!("{PREFIX}{}", digits::to_base32(&bytes));
        bytes.zeroize();
        text
    }
}

impl FromStr for JoinToken {
    type Err = JoinTokenError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let body = text.trim().strip_prefix(PREFIX).ok_or(JoinTokenError::Prefix)?;
        if body.len() > JOIN_TOKEN_MAX_BYTES {
            return Err(JoinTokenError::Damaged);
        }
        read(body).ok_or(JoinTokenError::Damaged)
    }
}

fn read(body: &str) -> Option<JoinToken> {
    let bytes: [u8; TOKEN_BYTES] = digits::from_base32(body)?.try_into().ok()?;
    let (said, check) = bytes.split_at(TOKEN_BYTES - CHECK_BYTES);
    if sha256(said)[..CHECK_BYTES] != *check {
        return None;
    }
    let (ca, rest) = said.split_first_chunk()?;
    let (id, secret) = rest.split_first_chunk()?;
    Some(JoinToken {
        ca: CaFingerprint(*ca),
        id: TokenId(u64::from_be_bytes(*id)),
        secret: JoinSecret::from_bytes(secret)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> JoinToken {
        JoinToken {
            ca: CaFingerprint([7; 32]),
            id: TokenId(300),
            secret: JoinSecret([9; SECRET_BYTES]),
        }
    }

    #[test]
    fn a_token_is_read_as_it_was_written() {
        let text = token().to_text();
        assert_eq!(
            text,
            "chatjoin1.a4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqobyha4dqaaaaaaaaaajmbeeqscijbeeqscijbeeqscijbgjje6ra"
        );
        assert_eq!(text.parse(), Ok(token()));
        assert_eq!(format!(" {text}\n").parse(), Ok(token()));
    }

    #[test]
    fn one_wrong_character_is_told() {
        let text = token().to_text();
        for at in PREFIX.len()..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'q' { b'r' } else { b'q' };
            let wrong = String::from_utf8(wrong).unwrap();
            assert_eq!(wrong.parse::<JoinToken>(), Err(JoinTokenError::Damaged), "{wrong}");
        }
        assert_eq!(text[..40].parse::<JoinToken>(), Err(JoinTokenError::Damaged));
        assert_eq!("chat://h1:7400".parse::<JoinToken>(), Err(JoinTokenError::Prefix));
    }

    #[test]
    fn no_secret_is_in_debug_output() {
        assert!(!format!("{:?}", token()).contains('9'));
    }
}
