//! Patterns for names: `*` stands for any characters, `?` for one.

use thiserror::Error;
use unicode_normalization::UnicodeNormalization;

/// Characters in a pattern at the most: names have 32, and a match may cost the product of both.
const PATTERN_CHARS_MAX: usize = 64;

/// A pattern, folded as names are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<char>);

/// A pattern that is too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a pattern has at most {PATTERN_CHARS_MAX} characters")]
pub struct GlobTooLong;

impl Glob {
    /// Folds a pattern as names are folded (NFKC, lower case).
    ///
    /// # Errors
    /// It is too long.
    pub fn parse(text: &str) -> Result<Self, GlobTooLong> {
        if text.chars().take(PATTERN_CHARS_MAX + 1).count() > PATTERN_CHARS_MAX {
            return Err(GlobTooLong);
        }
        let folded = text.nfkc().collect::<String>().to_lowercase();
        let mut chars: Vec<char> = folded.nfkc().collect();
        // Many `*` in a row say no more than one, and cost more.
        chars.dedup_by(|one, other| *one == '*' && *other == '*');
        if chars.len() > PATTERN_CHARS_MAX {
            return Err(GlobTooLong);
        }
        Ok(Self(chars))
    }

    /// What every name that matches begins with.
    #[must_use]
    pub fn prefix(&self) -> String {
        self.0.iter().take_while(|c| !matches!(c, '*' | '?')).collect()
    }

    /// Whether the whole name is of this form.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let (pattern, name): (&[char], Vec<char>) = (&self.0, name.chars().collect());
        let (mut at, mut p) = (0, 0);
        // Behind the last `*`, and up to where it reaches so far: only the last one is ever tried again,
        // since what an earlier one leaves to the later is the most that can be left.
        let mut last_star: Option<(usize, usize)> = None;
        while at < name.len() {
            match pattern.get(p) {
                Some('*') => {
                    last_star = Some((p + 1, at));
                    p += 1;
                }
                Some(c) if *c == '?' || *c == name[at] => {
                    p += 1;
                    at += 1;
                }
                _ => {
                    let Some((behind, reach)) = last_star else { return false };
                    last_star = Some((behind, reach + 1));
                    (p, at) = (behind, reach + 1);
                }
            }
        }
        pattern[p..].iter().all(|c| *c == '*')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::Strategy;
    use proptest::{prop_assert_eq, proptest};

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::parse(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_stands_for_any_characters_and_a_question_mark_for_one() {
        for (pattern, name) in [
            ("*", ""),
            ("*", "ada"),
            ("a*", "a"),
            ("a*a", "ada"),
            ("*da", "ada"),
            ("?da", "ada"),
            ("a?a", "aäa"),
            ("*a*b*", "xxaxxbxx"),
            ("a*ab", "aaab"),
            ("ada", "ada"),
        ] {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("a", ""),
            ("?", ""),
            ("a?", "a"),
            ("a*b", "abc"),
            ("ad", "ada"),
            ("da", "ada"),
            ("a*ab", "aaba"),
        ] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_is_folded_as_names_are() {
        assert!(matches("ADA*", "ada.l"));
        assert!(matches("ａda", "ada"));
    }

    #[test]
    fn the_prefix_ends_before_the_first_wildcard() {
        assert_eq!(Glob::parse("Ad?*").unwrap().prefix(), "ad");
        assert_eq!(Glob::parse("*a").unwrap().prefix(), "");
        assert_eq!(Glob::parse("ada").unwrap().prefix(), "ada");
    }

    #[test]
    fn a_long_pattern_is_refused() {
        assert_eq!(Glob::parse(&"a".repeat(65)), Err(GlobTooLong));
        // One character that folds to eighteen.
        assert_eq!(Glob::parse(&"\u{fdfa}".repeat(10)), Err(GlobTooLong));
    }

    /// The textbook definition.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some(('*', rest)) => (0..=name.len()).any(|taken| by_definition(rest, &name[taken..])),
            Some((c, rest)) => name
                .split_first()
                .is_some_and(|(first, name)| (*c == '?' || c == first) && by_definition(rest, name)),
        }
    }

    fn text(of: &'static str, max: usize) -> impl Strategy<Value = String> {
        let chars: Vec<char> = of.chars().collect();
        proptest::collection::vec(proptest::sample::select(chars), 0..max).prop_map(|chars| chars.into_iter().collect())
    }

    proptest! {
        #[test]
        fn it_matches_what_the_definition_matches(pattern in text("ab*?", 8), name in text("ab", 10)) {
            let chars = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(matches(&pattern, &name), by_definition(&chars(&pattern), &chars(&name)));
        }
    }
}
