//! What stands in the audit log: who, what, to whom, and what it came to.

use super::rule::{self, NameError};
use super::text::text;

/// Characters in an operator's name at the most: what the system calls a user, or `uid 1000`.
pub const ACTOR_CHARS_MAX: usize = 64;
/// Characters in an action or an outcome at the most.
pub const AUDIT_WORD_CHARS_MAX: usize = 64;
/// Characters in a target at the most.
pub const AUDIT_TARGET_CHARS_MAX: usize = 256;

text!(
    /// What the system of the node that was asked calls an operator; empty where it has no name for them.
    Actor,
    NameError,
    |text| rule::line(text, ACTOR_CHARS_MAX)
);
text!(
    /// A word for programs, like `users.disable` or `unknown-user`: small letters, digits, `.` and `-`.
    AuditWord,
    NameError,
    |text| {
        let is_allowed = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
        match text.chars().find(|c| !is_allowed(c)) {
            Some(found) => Err(NameError::Character { found }),
            None if text.is_empty() => Err(NameError::Empty),
            None => rule::line(text, AUDIT_WORD_CHARS_MAX),
        }
    }
);
text!(
    /// What an action was about: a single line, may be empty.
    AuditTarget,
    NameError,
    |text| rule::line(text, AUDIT_TARGET_CHARS_MAX)
);

impl Default for Actor {
    /// No name.
    fn default() -> Self {
        Self("".into())
    }
}

impl Actor {
    /// The name that the audit log shows: `uid 1000` where the system had none.
    #[must_use]
    pub fn or_uid(&self, uid: u32) -> Self {
        match self.as_str() {
            "" => Self(format!("uid {uid}").into()),
            _ => self.clone(),
        }
    }
}

impl AuditWord {
    /// A word of the program's own.
    pub(crate) fn known(word: &str) -> Self {
        Self::parse(word).expect("the program's own words are such")
    }
}

impl AuditTarget {
    /// As much of a text as fits, on one line.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let one_line = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Self(one_line.take(AUDIT_TARGET_CHARS_MAX).collect::<String>().into())
    }
}
