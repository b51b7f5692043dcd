//! Names of rooms.

use super::rule::{self, NameError};
use super::text::text;
use super::user::{USER_NAME_CHARS_MAX, UserName};

/// Characters in a room's name at the most.
pub const ROOM_NAME_CHARS_MAX: usize = 64;

text!(
    /// A room's name. Users make names of letters, digits, `-`, `_` and `.`; the name of a direct
    /// room is `@a+b` (see [`RoomName::direct`]), which [`RoomName::is_direct`] tells apart.
    RoomName,
    NameError,
    |text| match parties(text) {
        Some((one, other)) => {
            let (one, other) = (UserName::parse(one)?, UserName::parse(other)?);
            Ok(RoomName::direct(&one, &other).into())
        }
        None => rule::strict(text, ROOM_NAME_CHARS_MAX),
    },
    kept: |text| match parties(text) {
        Some((one, other)) => {
            rule::kept(one, USER_NAME_CHARS_MAX)?;
            rule::kept(other, USER_NAME_CHARS_MAX)?;
            // In the one order: the same two have one room.
            let (first, second) = if one <= other { (one, other) } else { (other, one) };
            Ok(format!("@{first}+{second}"))
        }
        None => rule::kept(text, ROOM_NAME_CHARS_MAX),
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

    /// The names of the two who talk in a direct room; one twice for notes to oneself.
    #[must_use]
    pub fn parties(&self) -> Option<(&str, &str)> {
        parties(&self.0)
    }
}

impl RoomName {
    /// Before every direct room's name, and behind them all: no name is either.
    pub(crate) fn around_direct() -> (Self, Self) {
        (Self("@".into()), Self("A".into()))
    }
}

fn parties(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('@')?.split_once('+')
}
