//! Names of users.

use std::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::Likeness;

use super::rule::{self, NameError};
use super::text::text;

/// Characters in a user's name at the most.
pub const USER_NAME_CHARS_MAX: usize = 32;

/// The name shown for authors who are no more.
const DELETED: &str = "deleted";
/// What `@room` calls.
const ROOM: &str = "room";
/// The name shown for operators where they are the authors of something.
const OPERATOR: &str = "operator";

text!(
    /// A user's name: letters, digits, `-`, `_` and `.`, case folded.
    UserName,
    NameError,
    |text| rule::strict(text, USER_NAME_CHARS_MAX),
    kept: |text| rule::kept(text, USER_NAME_CHARS_MAX)
);

impl UserName {
    /// The name shown for authors who are no more; nobody can have it.
    #[must_use]
    pub fn deleted() -> Self {
        Self(DELETED.into())
    }

    /// The name shown for operators where they are the authors of something; nobody can have it.
    #[must_use]
    pub fn operator() -> Self {
        Self(OPERATOR.into())
    }

    /// Whether nobody can have this name, because it means something.
    #[must_use]
    pub fn is_reserved(&self) -> bool {
        matches!(self.as_str(), DELETED | ROOM | OPERATOR)
    }

    /// Whether this is what `@room` calls: everybody.
    pub(super) fn is_room(&self) -> bool {
        self.as_str() == ROOM
    }

    /// What the name looks like: names whose skeletons (UTS 39, 4) are the same have the same one.
    /// Reads Unicode's tables, so it is computed once, by the node that is asked, and kept.
    #[must_use]
    pub fn likeness(&self) -> Likeness {
        let mut hasher = SipHasher13::new_with_keys(0x7175_6f72_6174_6533, 0x6c69_6b65_6e65_7373);
        let mut bytes = [0; 4];
        for c in unicode_security::skeleton(self.as_str()) {
            hasher.write(c.encode_utf8(&mut bytes).as_bytes());
        }
        Likeness(hasher.finish())
    }
}
