//! Which texts a query finds.

mod fixture;

use fixture::{NOTHING, ROOM, add, found, index_of};
use proptest::prelude::{ProptestConfig, any, prop_assert, proptest};
use quorate_search::{Query, QueryError};

#[test]
fn all_words_must_match_in_any_order() {
    let (index, _dir) = index_of([
        add(0, "the disk of node three is full"),
        add(1, "node three is up"),
        add(2, "a full disk"),
    ]);
    assert_eq!(found(&index, "full disk"), [2, 0]);
    assert_eq!(found(&index, "three disk"), [0]);
    assert_eq!(found(&index, "disk missing"), NOTHING);
}

#[test]
fn the_words_of_a_phrase_must_follow_one_another() {
    let (index, _dir) = index_of([
        add(0, "the disk is full again"),
        add(1, "is full the disk?"),
        add(2, "the disk, is full"),
        add(3, "disk is nearly full"),
    ]);
    assert_eq!(found(&index, r#""disk is full""#), [2, 0]);
    assert_eq!(found(&index, r#""is full" "the disk""#), [2, 1, 0]);
    assert_eq!(found(&index, r#""disk is full" again"#), [0]);
}

#[test]
fn words_that_punctuation_joins_must_follow_one_another() {
    let (index, _dir) = index_of([add(0, "write to anna@example.org"), add(1, "org: anna made an example")]);
    assert_eq!(found(&index, "anna@example.org"), [0]);
    assert_eq!(found(&index, "anna example org"), [1, 0]);
}

#[test]
fn case_and_accents_do_not_matter() {
    let (index, _dir) = index_of([
        add(0, "Crème BRÛLÉE"),
        add(1, "cre\u{300}me bru\u{302}le\u{301}e"),
        add(2, "creme brulee"),
    ]);
    for words in ["creme brulee", "CRÈME BRÛLÉE", "\"Cre\u{300}me brulée\""] {
        assert_eq!(found(&index, words), [2, 1, 0], "{words}");
    }
}

#[test]
fn a_word_must_match_whole() {
    let (index, _dir) = index_of([add(0, "quorum"), add(1, "quo")]);
    assert_eq!(found(&index, "quo"), [1]);
    assert_eq!(found(&index, "quo*"), [1]);
}

#[test]
fn operators_of_query_languages_are_just_text() {
    let (index, _dir) = index_of([
        add(0, "cats AND dogs"),
        add(1, "cats dogs"),
        add(2, "body:x is what he wrote"),
        add(3, "unrelated"),
        add(4, "field room 7"),
    ]);
    assert_eq!(found(&index, "cats AND dogs"), [0]);
    assert_eq!(found(&index, "cats OR unrelated"), NOTHING);
    assert_eq!(found(&index, "-cats dogs"), [1, 0]);
    assert_eq!(found(&index, "body:x"), [2]);
    assert_eq!(found(&index, "room:7"), [4]);
    assert_eq!(found(&index, "[a TO z]"), NOTHING);
    assert_eq!(found(&index, "(cats"), [1, 0]);
    assert_eq!(found(&index, "\"cats AND"), [0]);
    assert_eq!(found(&index, "/ca.*/"), NOTHING);
    for no_words in ["*", "(", "\"", "\"\"", "+-", ""] {
        assert_eq!(Query::parse(no_words).unwrap_err(), QueryError::NoWords, "{no_words:?}");
    }
}

#[test]
fn no_text_and_no_query_can_panic() {
    let (index, _dir) = index_of([add(0, "some text, \"quoted\" and plain")]);
    proptest!(ProptestConfig::with_cases(2000), |(words in any::<String>())| {
        if let Ok(query) = Query::parse(&words) {
            prop_assert!(index.searcher().search(&query.in_rooms([ROOM]).unwrap(), 10).is_ok());
        }
    });
    proptest!(ProptestConfig::with_cases(2000), |(words in r#"[a-c"*:()+ ~^-]{0,20}"#)| {
        if let Ok(query) = Query::parse(&words) {
            prop_assert!(index.searcher().search(&query.in_rooms([ROOM]).unwrap(), 10).is_ok());
        }
    });
}

#[test]
fn any_text_is_found_by_its_own_words() {
    proptest!(ProptestConfig::with_cases(40), |(text in "\\PC{1,40}")| {
        let (index, _dir) = index_of([add(0, &text)]);
        let asked = text.replace('"', " ");
        if Query::parse(&asked).is_ok() {
            prop_assert!(found(&index, &asked) == [0], "{text:?} is not found");
        }
    });
}
