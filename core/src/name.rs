//! Text that people give, parsed once at the edge: a value that exists is valid for ever.

use std::hash::Hasher;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use siphasher::sip128::{Hasher128, SipHasher13};
use thiserror::Error;

/// Characters in a user's name at the most.
pub const USER_NAME_CHARS_MAX: usize = 32;
/// Characters in a room's name at the most.
pub const ROOM_NAME_CHARS_MAX: usize = 64;
/// Characters in a device's name at the most.
pub const DEVICE_NAME_CHARS_MAX: usize = 64;
/// Characters in a room's topic at the most.
pub const TOPIC_CHARS_MAX: usize = 256;
/// Bytes in a message's body at the most: 64 KiB.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes in a caller's message id at the most.
pub const MESSAGE_ID_BYTES_MAX: usize = 64;
/// Bytes in a password hash (PHC string) at the most; argon2id's are about 100.
pub const PASSWORD_HASH_BYTES_MAX: usize = 256;

/// Why a name, topic or device name was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("a name may not be empty")]
    Empty,
    /// More characters than the limit.
    #[error("at most {max} characters are allowed")]
    TooLong {
        /// The limit, in characters.
        max: usize,
    },
    /// A character that this kind of name may not hold.
    #[error("the character {found:?} is not allowed here")]
    Character {
        /// The first one found.
        found: char,
    },
    /// Names begin with a letter or a digit.
    #[error("a name begins with a letter or a digit")]
    Start,
}

fn parse_name(text: &str, max: usize) -> Result<String, NameError> {
    // Bounds the work of what follows: folding makes at most three characters of one.
    if text.chars().take(max + 1).count() > max {
        return Err(NameError::TooLong { max });
    }
    // What is kept is what is checked: folding may lengthen a name, and may leave characters that
    // are not letters (U+0130 becomes `i` and a combining dot). A kept name must parse again.
    let folded = text.to_lowercase();
    let first = folded.chars().next().ok_or(NameError::Empty)?;
    if folded.chars().count() > max {
        return Err(NameError::TooLong { max });
    }
    if let Some(found) = folded
        .chars()
        .find(|c| !(c.is_alphanumeric() || matches!(c, '-' | '_' | '.')))
    {
        return Err(NameError::Character { found });
    }
    if !first.is_alphanumeric() {
        return Err(NameError::Start);
    }
    Ok(folded)
}

fn parse_line(text: &str, max: usize) -> Result<String, NameError> {
    if text.chars().count() > max {
        return Err(NameError::TooLong { max });
    }
    match text.chars().find(|c| c.is_control()) {
        Some(found) => Err(NameError::Character { found }),
        None => Ok(text.to_owned()),
    }
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $error:ty, $parse:expr) => {
        $(#[$doc])*
        // Shared, because one text is in many places: a name in every line and receipt, a body in a
        // command and its event.
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Parses and normalises.
            ///
            /// # Errors
            /// What is wrong with the text, in words for the person who typed it.
            pub fn parse(text: &str) -> Result<Self, $error> {
                let parse: fn(&str) -> Result<String, $error> = $parse;
                parse(text).map(|text| Self(text.into()))
            }

            /// The text as it is kept.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.as_str().to_owned()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::parse(text)
            }
        }
    };
}

text!(
    /// A user's name: letters, digits, `-`, `_` and `.`, case folded.
    UserName,
    NameError,
    |text| parse_name(text, USER_NAME_CHARS_MAX)
);
text!(
    /// A room's name. Users make names of letters, digits, `-`, `_` and `.`; the name of a direct
    /// room is `@a+b` (see [`RoomName::direct`]), which [`RoomName::is_direct`] tells apart.
    RoomName,
    NameError,
    |text| match text.strip_prefix('@').and_then(|pair| pair.split_once('+')) {
        Some((one, other)) => {
            let (one, other) = (UserName::parse(one)?, UserName::parse(other)?);
            Ok(RoomName::direct(&one, &other).into())
        }
        None => parse_name(text, ROOM_NAME_CHARS_MAX),
    }
);
text!(
    /// What a user calls one installation: a single line.
    DeviceName,
    NameError,
    |text| parse_line(text, DEVICE_NAME_CHARS_MAX)
);
text!(
    /// What a room is about: a single line, may be empty.
    Topic,
    NameError,
    |text| parse_line(text, TOPIC_CHARS_MAX)
);
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
text!(
    /// A password hash as a PHC string, made before the log; opaque here.
    PasswordHash,
    NameError,
    |text| {
        if text.len() > PASSWORD_HASH_BYTES_MAX {
            return Err(NameError::TooLong { max: PASSWORD_HASH_BYTES_MAX });
        }
        Ok(text.to_owned())
    }
);

impl RoomName {
    /// The name of the room that two users talk in directly; the same whoever asks.
    #[must_use]
    pub fn direct(one: &UserName, other: &UserName) -> Self {
        let (first, second) = if one <= other { (one, other) } else { (other, one) };
        Self(format!("@{first}+{second}").into())
    }

    /// Whether this names a direct room, which no user can create under that name.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.0.starts_with('@')
    }
}

impl Default for Topic {
    /// No topic.
    fn default() -> Self {
        Self("".into())
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
