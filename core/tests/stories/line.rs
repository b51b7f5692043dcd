//! One line of a story: words, `key=value` options, and what it must come to.

use std::collections::BTreeMap;

/// `words... key=value... -> expected`; words may be quoted, `#` begins a comment line.
pub(crate) struct Line {
    pub(crate) words: Vec<String>,
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) expected: String,
}

impl Line {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return None;
        }
        let (said, expected) = text.split_once(" -> ").unwrap_or((text, ""));
        let mut line = Self {
            words: Vec::new(),
            options: BTreeMap::new(),
            expected: expected.trim().to_owned(),
        };
        // Quotes split the text into unquoted and quoted pieces, by turns.
        for (turn, piece) in said.split('"').enumerate() {
            if turn % 2 == 1 {
                line.words.push(piece.to_owned());
                continue;
            }
            for word in piece.split_whitespace() {
                match word.split_once('=') {
                    Some((key, value)) => drop(line.options.insert(key.to_owned(), value.to_owned())),
                    None => line.words.push(word.to_owned()),
                }
            }
        }
        Some(line)
    }

    /// Whether an option says yes.
    pub(crate) fn says(&self, key: &str) -> bool {
        self.options.get(key).is_some_and(|value| value == "yes")
    }

    pub(crate) fn number(&self, key: &str) -> Option<u64> {
        self.options
            .get(key)
            .map(|value| value.parse().expect("an option that counts is a number"))
    }
}
