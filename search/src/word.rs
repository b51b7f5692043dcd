//! What a word is: the same for the texts in the index and for what is searched.

use std::str::CharIndices;

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, TextAnalyzer, Token, TokenStream, Tokenizer,
};

/// Longer words are not in the index, in bytes of UTF-8 as written. Long enough for a SHA-512 in hex, too short for pasted
/// keys and pictures.
pub const WORD_BYTES_MAX: usize = 128;

/// The name under which the schema asks for [`analyzer`].
pub(crate) const ANALYZER: &str = "quorate";

/// Splits a text into words, without their accents and in lower case. A change here needs a new
/// [`FORMAT`](crate::schema::FORMAT).
pub(crate) fn analyzer() -> TextAnalyzer {
    // Folding comes before lower-casing: the lower case of a dotted capital I ends in a mark that folding does not take off.
    TextAnalyzer::builder(Words::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES_MAX + 1))
        .filter(AsciiFoldingFilter)
        .filter(LowerCaser)
        .build()
}

/// Whether a text has a word that is too long for the index.
pub(crate) fn has_too_long(text: &str) -> bool {
    let mut words = Words::default();
    let mut stream = words.token_stream(text);
    while stream.advance() {
        if stream.token().text.len() > WORD_BYTES_MAX {
            return true;
        }
    }
    false
}

/// Words are runs of letters and digits. Marks that are set on the letter before them belong to the word but not to its
/// spelling, so that an accent does not matter in either of Unicode's ways to write it.
#[derive(Clone, Default)]
struct Words {
    token: Token,
}

struct WordStream<'a> {
    chars: CharIndices<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream {
            chars: text.char_indices(),
            token: &mut self.token,
        }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        self.token.text.clear();
        // A token starts out at the position before the first.
        self.token.position = self.token.position.wrapping_add(1);
        let Some((start, first)) = self.chars.find(|(_, letter)| letter.is_alphanumeric()) else {
            return false;
        };
        self.token.offset_from = start;
        self.token.offset_to = start + first.len_utf8();
        self.token.text.push(first);
        for (at, letter) in self.chars.by_ref() {
            if letter.is_alphanumeric() {
                self.token.text.push(letter);
            } else if !is_combining_mark(letter) {
                break;
            }
            self.token.offset_to = at + letter.len_utf8();
        }
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

/// Unicode's block "Combining Diacritical Marks".
fn is_combining_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(usize, String)> {
        let mut analyzer = analyzer();
        let mut stream = analyzer.token_stream(text);
        let mut words = Vec::new();
        while stream.advance() {
            words.push((stream.token().position, stream.token().text.clone()));
        }
        words
    }

    fn spelled(text: &str) -> Vec<String> {
        words(text).into_iter().map(|(_, word)| word).collect()
    }

    #[test]
    fn punctuation_parts_words() {
        assert_eq!(
            spelled("Node-3 (n3.east) is: up!"),
            ["node", "3", "n3", "east", "is", "up"]
        );
    }

    #[test]
    fn both_spellings_of_an_accent_are_one_word() {
        assert_eq!(spelled("Crème na\u{ef}ve"), ["creme", "naive"]);
        assert_eq!(spelled("Cre\u{300}me nai\u{308}ve"), ["creme", "naive"]);
        assert_eq!(spelled("İstanbul Straße Łódź"), ["istanbul", "strasse", "lodz"]);
    }

    #[test]
    fn other_scripts_are_lower_cased_and_kept() {
        assert_eq!(spelled("Привет МИР 你好"), ["привет", "мир", "你好"]);
    }

    #[test]
    fn a_word_that_is_too_long_leaves_a_gap() {
        let fits = "x".repeat(WORD_BYTES_MAX);
        let long = "x".repeat(WORD_BYTES_MAX + 1);
        assert_eq!(
            words(&format!("a {fits} b")),
            [(0, "a".into()), (1, fits.clone()), (2, "b".into())]
        );
        assert_eq!(words(&format!("a {long} b")), [(0, "a".into()), (2, "b".into())]);
        assert!(!has_too_long(&fits));
        assert!(has_too_long(&long));
    }
}
