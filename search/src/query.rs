//! What is searched: words and phrases from a user, rooms and bounds from the program.

use std::collections::BTreeSet;
use std::ops::Bound;

use quorate_core::{EventNo, RoomId, Timestamp, UserId};
use tantivy::Term;
use tantivy::query::{BooleanQuery, Occur, PhraseQuery, TermQuery};
use tantivy::schema::IndexRecordOption;

use crate::room::{ROOMS_PER_QUERY_MAX, RoomSet};
use crate::schema::Fields;
use crate::word::{self, WORD_BYTES_MAX};

/// The longest query, in bytes of UTF-8.
pub const QUERY_BYTES_MAX: usize = 1024;
/// The most words of a query, those in phrases included.
pub const QUERY_WORDS_MAX: usize = 32;

/// A search. It looks into no room until [`in_rooms`](Self::in_rooms) names some.
#[derive(Clone, Debug)]
pub struct Query {
    /// Every one must match.
    clauses: BTreeSet<Clause>,
    pub(crate) rooms: RoomSet,
    author: Option<UserId>,
    pub(crate) times: (Bound<u64>, Bound<u64>),
    pub(crate) before: Option<EventNo>,
}

/// Words that stand next to each other, each with its distance from the first. Never empty.
type Clause = Vec<(usize, String)>;

/// Why something is not a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing, or nothing but punctuation.
    #[error("a search needs at least one word: letters or digits")]
    NoWords,
    /// More words than [`QUERY_WORDS_MAX`].
    #[error("a search has at most {QUERY_WORDS_MAX} words")]
    TooManyWords,
    /// More bytes than [`QUERY_BYTES_MAX`].
    #[error("a search has at most {QUERY_BYTES_MAX} bytes")]
    TooLong,
    /// Such a word is in no index.
    #[error("a word to search for has at most {WORD_BYTES_MAX} bytes")]
    WordTooLong,
    /// More rooms than [`ROOMS_PER_QUERY_MAX`].
    #[error("a search looks into at most {ROOMS_PER_QUERY_MAX} rooms")]
    TooManyRooms,
}

impl Query {
    /// Reads what a user typed: bare words, which must all be in a message, and phrases in straight double quotes, whose
    /// words must follow one another. Nothing else has a meaning. Any other character only parts words, and words that only
    /// punctuation parts are a phrase: `n3.east` finds "n3.east" and "n3 east". A quote that nothing closes is punctuation.
    ///
    /// # Errors
    /// Without a word, with a word that is too long, or if there is too much of it.
    pub fn parse(words: &str) -> Result<Self, QueryError> {
        if words.len() > QUERY_BYTES_MAX {
            return Err(QueryError::TooLong);
        }
        if word::has_too_long(words) {
            return Err(QueryError::WordTooLong);
        }
        let clauses: Vec<Clause> = pieces(words)
            .into_iter()
            .map(clause)
            .filter(|words| !words.is_empty())
            .collect();
        match clauses.iter().map(Vec::len).sum() {
            0 => Err(QueryError::NoWords),
            1..=QUERY_WORDS_MAX => Ok(Self {
                clauses: clauses.into_iter().collect(),
                rooms: RoomSet::default(),
                author: None,
                times: (Bound::Unbounded, Bound::Unbounded),
                before: None,
            }),
            _ => Err(QueryError::TooManyWords),
        }
    }

    /// The rooms to look into, in place of those named before. None is a right answer, and finds nothing.
    ///
    /// # Errors
    /// If there are more than [`ROOMS_PER_QUERY_MAX`].
    pub fn in_rooms(self, rooms: impl IntoIterator<Item = RoomId>) -> Result<Self, QueryError> {
        let rooms = RoomSet::new(rooms).ok_or(QueryError::TooManyRooms)?;
        Ok(Self { rooms, ..self })
    }

    /// Only what this user wrote.
    #[must_use]
    pub fn by(mut self, author: UserId) -> Self {
        self.author = Some(author);
        self
    }

    /// Only messages of this time or later.
    #[must_use]
    pub fn since(mut self, since: Timestamp) -> Self {
        self.times.0 = Bound::Included(since.0);
        self
    }

    /// Only messages from before this time.
    #[must_use]
    pub fn until(mut self, until: Timestamp) -> Self {
        self.times.1 = Bound::Excluded(until.0);
        self
    }

    /// The next page: only what is older than this, the last hit of the page before.
    #[must_use]
    pub fn before(mut self, before: EventNo) -> Self {
        self.before = Some(before);
        self
    }

    /// What words and author come to. Rooms, times and the page are told apart by columns.
    pub(crate) fn matching(&self, fields: &Fields) -> BooleanQuery {
        let mut all: Vec<(Occur, Box<dyn tantivy::query::Query>)> = Vec::new();
        if let Some(author) = self.author {
            all.push((Occur::Must, term(fields.author_term(author))));
        }
        for clause in &self.clauses {
            let mut terms: Vec<(usize, Term)> = clause
                .iter()
                .map(|(at, word)| (*at, Term::from_field_text(fields.text, word)))
                .collect();
            let one = if terms.len() == 1 { terms.pop() } else { None };
            all.push((
                Occur::Must,
                match one {
                    Some((_, word)) => term(word),
                    None => Box::new(PhraseQuery::new_with_offset(terms)),
                },
            ));
        }
        BooleanQuery::new(all)
    }
}

fn term(term: Term) -> Box<dyn tantivy::query::Query> {
    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
}

/// Phrases without their quotes, and all other pieces that space parts.
fn pieces(words: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = words;
    while let Some((bare, quoted)) = rest.split_once('"') {
        let Some((phrase, after)) = quoted.split_once('"') else {
            break;
        };
        pieces.extend(bare.split_whitespace());
        pieces.push(phrase);
        rest = after;
    }
    pieces.extend(rest.split_whitespace());
    pieces
}

fn clause(piece: &str) -> Clause {
    let mut analyzer = word::analyzer();
    let mut stream = analyzer.token_stream(piece);
    let mut words = Vec::new();
    while stream.advance() {
        let token = stream.token();
        words.push((token.position, token.text.clone()));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The clauses, the words of each with a space between them.
    fn clauses(words: &str) -> Vec<String> {
        let query = Query::parse(words).unwrap();
        let spelled = |clause: &Clause| {
            clause
                .iter()
                .map(|(_, word)| word.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        query.clauses.iter().map(spelled).collect()
    }

    #[test]
    fn words_and_phrases_are_clauses() {
        assert_eq!(clauses(r#"disk  "is full" Node"#), ["disk", "is full", "node"]);
        assert_eq!(clauses(r#"a"b c"d"#), ["a", "b c", "d"]);
        assert_eq!(clauses("n3.east"), ["n3 east"]);
        assert_eq!(clauses("twice Twice"), ["twice"]);
    }

    #[test]
    fn a_quote_that_nothing_closes_is_punctuation() {
        assert_eq!(clauses(r#""is full"#), ["full", "is"]);
        assert_eq!(clauses(r#""is full" "so what"#), ["is full", "so", "what"]);
    }

    #[test]
    fn operators_of_other_languages_are_text() {
        assert_eq!(clauses("a AND b OR NOT c"), ["a", "and", "b", "c", "not", "or"]);
        assert_eq!(
            clauses("room:5 -x +y z~2 w^3 [a TO b]"),
            ["a", "b", "room 5", "to", "w 3", "x", "y", "z 2"]
        );
    }

    #[test]
    fn what_has_no_word_is_refused() {
        for text in ["", " ", "*", "(", "\"", "\"\"", "--", "\u{301}", "🙂"] {
            assert_eq!(Query::parse(text).unwrap_err(), QueryError::NoWords, "{text:?}");
        }
    }

    #[test]
    fn bounds_hold_to_the_last_word_and_byte() {
        assert!(Query::parse(&"a ".repeat(QUERY_WORDS_MAX)).is_ok());
        assert_eq!(
            Query::parse(&"a ".repeat(QUERY_WORDS_MAX + 1)).unwrap_err(),
            QueryError::TooManyWords
        );
        let padded = |bytes: usize| format!("a{}", " ".repeat(bytes - 1));
        assert!(Query::parse(&padded(QUERY_BYTES_MAX)).is_ok());
        assert_eq!(
            Query::parse(&padded(QUERY_BYTES_MAX + 1)).unwrap_err(),
            QueryError::TooLong
        );
        assert_eq!(
            Query::parse(&"x".repeat(WORD_BYTES_MAX + 1)).unwrap_err(),
            QueryError::WordTooLong
        );
    }
}
