//! Messages, the ids that their authors give them, and what is put to them.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher13};
use thiserror::Error;

use super::rule::NameError;
use super::text::text;

/// Bytes in an emoji at the most: joined ones of a family with skin tones have about 40.
pub const EMOJI_BYTES_MAX: usize = 64;
/// Bytes in a message's body at the most: 64 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes in a caller's message id at the most.
pub const MESSAGE_ID_BYTES_MAX: usize = 64;

text!(
    /// What a member posted: any text without control characters other than newline and tab.
    Body,
    BodyError,
    |text| {
        if text.is_empty() {
            return Err(BodyError::Empty);
        }
        if text.len() > BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        match text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            Some(found) => Err(BodyError::Character { found }),
            None => Ok(text.to_owned()),
        }
    }
);
text!(
    /// What is put to a message: one emoji, or a few characters that stand for it. No blanks, no
    /// control characters.
    Emoji,
    NameError,
    |text| emoji(text, |c| c.is_control() || c.is_whitespace()),
    // What is white space changes with Unicode's versions; what is a control character never does.
    kept: |text| emoji(text, |c| c.is_control() || c == ' ')
);
text!(
    /// The caller's idempotency key of a message: any string of 1 to 64 bytes. It belongs to the
    /// author and lives as long as the message.
    MessageId,
    MessageIdError,
    |text| {
        if text.is_empty() {
            return Err(MessageIdError::Empty);
        }
        if text.len() > MESSAGE_ID_BYTES_MAX {
            return Err(MessageIdError::TooLarge);
        }
        Ok(text.to_owned())
    }
);

fn emoji(text: &str, is_blank: impl Fn(char) -> bool) -> Result<String, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if text.len() > EMOJI_BYTES_MAX {
        return Err(NameError::TooLong { max: EMOJI_BYTES_MAX });
    }
    match text.chars().find(|c| is_blank(*c)) {
        Some(found) => Err(NameError::Character { found }),
        None => Ok(text.to_owned()),
    }
}

impl Emoji {
    /// The 64 bits under which a user's reaction is remembered. A user who found two emojis with the
    /// same digest could put only one of them to a message.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(0x7175_6f72_6174_6532, 0x656d_6f6a_695f_5f31);
        hasher.write(self.0.as_bytes());
        hasher.finish128().as_u128() as u64
    }
}

impl MessageId {
    /// The 128 bits under which the id is remembered. A user who found two ids with the same digest
    /// could only make the second one answer with the first one's message: both are that user's own.
    #[must_use]
    pub fn digest(&self) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(0x7175_6f72_6174_6531, 0x6d73_675f_6964_5f31);
        hasher.write(self.0.as_bytes());
        hasher.finish128().as_u128()
    }
}

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Nothing was given.
    #[error("a message may not be empty")]
    Empty,
    /// More than [`BODY_BYTES_MAX`].
    #[error("a message holds at most 64 KiB")]
    TooLarge,
    /// A control character other than newline and tab.
    #[error("the control character {found:?} is not allowed in a message")]
    Character {
        /// The first one found.
        found: char,
    },
}

/// Why a message id was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MessageIdError {
    /// Nothing was given.
    #[error("a message id may not be empty")]
    Empty,
    /// More than [`MESSAGE_ID_BYTES_MAX`].
    #[error("a message id holds at most 64 bytes")]
    TooLarge,
}
