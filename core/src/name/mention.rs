//! Whom a message names.

use unicode_normalization::char::is_combining_mark;

use crate::MENTIONS_PER_MESSAGE_MAX;

use super::message::Body;
use super::user::UserName;

impl Body {
    /// The names that stand in the text behind an `@`, each once, at most
    /// [`MENTIONS_PER_MESSAGE_MAX`] of them, whether or not somebody has them; and whether `@room` is
    /// there. `@name` is a word of its own: `ada@example.org` names nobody, and `@ada.` names ada.
    ///
    /// Reads Unicode's tables, so only the node that is asked does this, before the log.
    #[must_use]
    pub fn mentions(&self) -> (Vec<UserName>, bool) {
        let (mut names, mut calls_room) = (Vec::new(), false);
        for name in candidates(self.as_str()).filter_map(|name| UserName::parse(name).ok()) {
            if name.is_room() {
                calls_room = true;
            } else if names.len() < MENTIONS_PER_MESSAGE_MAX && !names.contains(&name) {
                names.push(name);
            }
        }
        (names, calls_room)
    }
}

/// What stands behind each `@` that begins a word.
fn candidates(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('@').filter_map(|(at, _)| {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| is_name(c) || c == '@') {
            return None;
        }
        let rest = &text[at + 1..];
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        Some(rest[..end].trim_end_matches('.'))
    })
}

/// Whether a character, in whatever form of Unicode it was typed, may be one of a name.
fn is_name(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c) || matches!(c, '-' | '_' | '.')
}
