//! What names may be made of.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection};

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
    /// Names do not end with a dot: in a sentence it would not be told from the sentence's own.
    #[error("a name does not end with a dot")]
    End,
    /// Letters of one script among those of another may look like the other's.
    #[error("a name does not mix scripts")]
    Mixed,
}

/// A name as a person types it: NFKC, case folded, letters and digits that Unicode allows in
/// identifiers (UTS 39, General Security Profile), at most "highly restrictive" in its scripts, which
/// is one script, or Latin with those of Chinese, Japanese or Korean.
pub(super) fn strict(text: &str, max: usize) -> Result<String, NameError> {
    // Bounds the work of what follows: one character may become as many as eighteen.
    if text.chars().take(max + 1).count() > max {
        return Err(NameError::TooLong { max });
    }
    // What is kept is what is checked: folding may lengthen a name, and may leave characters that
    // are not letters (U+0130 becomes `i` and a combining dot). A kept name must parse to itself.
    let folded: String = text.nfkc().collect::<String>().to_lowercase().nfkc().collect();
    if let Some(found) = folded.chars().find(|c| !(is_allowed(*c))) {
        return Err(NameError::Character { found });
    }
    bounds(&folded, max)?;
    match folded
        .as_str()
        .check_restriction_level(RestrictionLevel::HighlyRestrictive)
    {
        true => Ok(folded),
        false => Err(NameError::Mixed),
    }
}

/// The part of the strict rule that is the same under every version of Unicode.
pub(super) fn kept(text: &str, max: usize) -> Result<String, NameError> {
    let never = |c: &char| c.is_control() || c.is_ascii() && !is_ascii_allowed(*c);
    if let Some(found) = text.chars().find(never) {
        return Err(NameError::Character { found });
    }
    bounds(text, max)?;
    Ok(text.to_owned())
}

/// A single line of any text, which may be empty.
pub(super) fn line(text: &str, max: usize) -> Result<String, NameError> {
    if text.chars().take(max + 1).count() > max {
        return Err(NameError::TooLong { max });
    }
    match text.chars().find(|c| c.is_control()) {
        Some(found) => Err(NameError::Character { found }),
        None => Ok(text.to_owned()),
    }
}

fn bounds(text: &str, max: usize) -> Result<(), NameError> {
    let first = text.chars().next().ok_or(NameError::Empty)?;
    if text.chars().take(max + 1).count() > max {
        return Err(NameError::TooLong { max });
    }
    if matches!(first, '-' | '_' | '.') {
        return Err(NameError::Start);
    }
    match text.ends_with('.') {
        true => Err(NameError::End),
        false => Ok(()),
    }
}

fn is_allowed(c: char) -> bool {
    match c.is_ascii() {
        true => is_ascii_allowed(c),
        false => c.is_alphanumeric() && c.identifier_allowed(),
    }
}

fn is_ascii_allowed(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.')
}
