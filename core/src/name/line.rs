//! Single lines: what things are called and why they were done.

use super::rule::{self, NameError};
use super::text::text;

/// Characters in a device's name at the most.
pub const DEVICE_NAME_CHARS_MAX: usize = 64;
/// Characters in a room's topic at the most.
pub const TOPIC_CHARS_MAX: usize = 256;
/// Characters in a reason at the most.
pub const REASON_CHARS_MAX: usize = 256;
/// Bytes in a password hash (PHC string) at the most; argon2id's are about 100.
pub const PASSWORD_HASH_BYTES_MAX: usize = 256;

text!(
    /// What a user calls one installation: a single line.
    DeviceName,
    NameError,
    |text| rule::line(text, DEVICE_NAME_CHARS_MAX)
);
text!(
    /// What a room is about: a single line, may be empty.
    Topic,
    NameError,
    |text| rule::line(text, TOPIC_CHARS_MAX)
);
text!(
    /// Why somebody did something: a single line, for people.
    Reason,
    NameError,
    |text| match text.is_empty() {
        true => Err(NameError::Empty),
        false => rule::line(text, REASON_CHARS_MAX),
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

impl Default for Topic {
    /// No topic.
    fn default() -> Self {
        Self("".into())
    }
}

impl PasswordHash {
    /// What no password is proven against.
    #[must_use]
    pub fn none() -> Self {
        Self("".into())
    }
}
