//! What people may type, and that what is kept is kept as it is.

use proptest::prelude::{any, proptest};
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{
    BODY_BYTES_MAX, Body, BodyError, DEVICE_NAME_CHARS_MAX, DeviceName, EMOJI_BYTES_MAX, Emoji, Likeness,
    MENTIONS_PER_MESSAGE_MAX, MESSAGE_ID_BYTES_MAX, MessageId, MessageIdError, NameError, ROOM_NAME_CHARS_MAX,
    RoomName, TOPIC_CHARS_MAX, Topic, USER_NAME_CHARS_MAX, UserName,
};
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StringDeserializer};

fn user(text: &str) -> Result<String, NameError> {
    UserName::parse(text).map(String::from)
}

#[test]
fn user_names_are_folded() {
    assert_eq!(user("Ada.L-1_x"), Ok("ada.l-1_x".to_owned()));
    assert_eq!(user("ÉMILE"), Ok("émile".to_owned()));
    assert_eq!(UserName::parse("Bob"), UserName::parse("bOB"));
}

#[test]
fn names_hold_letters_digits_and_three_marks() {
    assert_eq!(user(""), Err(NameError::Empty));
    for found in [' ', '@', '+', '/', '*', '?', '\n', '\0', '\u{202e}', '\u{200b}', '😀'] {
        assert_eq!(user(&format!("a{found}b")), Err(NameError::Character { found }));
    }
    for start in ["-a", ".a", "_a"] {
        assert_eq!(user(start), Err(NameError::Start));
    }
}

#[test]
fn names_end_with_no_dot() {
    assert_eq!(user("ada."), Err(NameError::End));
    assert_eq!(user("a.d-a_"), Ok("a.d-a_".to_owned()));
}

/// However they were typed: composed, decomposed, or in full width.
#[test]
fn names_have_one_form() {
    for typed in ["émile", "e\u{301}mile", "ÉMILE", "ｅ\u{301}ｍｉｌｅ"] {
        assert_eq!(user(typed), Ok("émile".to_owned()), "{typed:?}");
    }
}

#[test]
fn names_hold_no_characters_that_hide_or_turn_what_is_read() {
    for found in ['\u{200d}', '\u{2066}', '\u{feff}', '\u{ad}', '\u{3164}', '\u{2028}'] {
        assert!(user(&format!("ad{found}a")).is_err(), "{found:?}");
    }
}

#[test]
fn names_are_of_one_script_or_of_those_that_are_written_together() {
    // A Cyrillic `а` among Latin letters, a Greek `ο`, and Greek with Cyrillic.
    for mixed in ["\u{430}lice", "b\u{3bf}b", "αда"] {
        assert_eq!(user(mixed), Err(NameError::Mixed), "{mixed:?}");
    }
    for one in [
        "алиса",
        "αλίκη",
        "अदा",
        "آدا",
        "太郎",
        "たろう太郎taro",
        "김하나kim",
        "ada7",
    ] {
        assert!(user(one).is_ok(), "{one:?}: {:?}", user(one));
    }
    assert!(RoomName::parse("оps").is_err());
}

/// A log may have been written by a node with other tables of Unicode; it is read all the same.
#[test]
fn what_was_kept_is_read_by_the_rule_that_never_changes() {
    fn read<'de, T: Deserialize<'de>>(text: &str) -> Result<T, Error> {
        let text: StringDeserializer<Error> = text.to_owned().into_deserializer();
        T::deserialize(text)
    }
    // Unassigned today, mixed, and not folded: no node of today keeps such a name.
    for name in ["a\u{378}", "\u{430}lice", "É"] {
        assert!(UserName::parse(name).map_or(true, |parsed| parsed.as_str() != name));
        assert_eq!(read::<UserName>(name).unwrap().as_str(), name);
        assert_eq!(read::<RoomName>(name).unwrap().as_str(), name);
    }
    let long = "u".repeat(USER_NAME_CHARS_MAX + 1);
    for never in ["", "a b", "A", "a@b", "a+b", "a\u{85}b", "a\nb", "-a", "a.", &long] {
        assert!(read::<UserName>(never).is_err(), "{never:?}");
    }
    assert_eq!(
        read::<RoomName>("@a+\u{378}").unwrap().parties(),
        Some(("a", "\u{378}"))
    );
    assert_eq!(read::<RoomName>("@b+a").unwrap(), RoomName::parse("@a+b").unwrap());
    for never in ["@a", "@a+", "@a+b+c", "@+"] {
        assert!(read::<RoomName>(never).is_err(), "{never:?}");
    }
}

/// All of a script that is not Latin, and yet what a reader takes for the other name.
#[test]
fn names_that_look_alike_have_one_likeness() {
    let likeness = |name| UserName::parse(name).unwrap().likeness();
    assert_eq!(
        likeness("\u{440}\u{430}\u{443}\u{440}\u{430}\u{4cf}"),
        likeness("paypal")
    );
    assert_ne!(likeness("paypal"), likeness("paypals"));
    assert_ne!(likeness("алиса"), likeness("alice"));
}

/// It is kept with the account, so the same name must have the same one on every machine.
#[test]
fn the_likeness_of_a_name_is_what_it_always_was() {
    assert_eq!(
        UserName::parse("alice").unwrap().likeness(),
        Likeness(18_043_175_092_866_239_061)
    );
}

#[test]
fn some_names_mean_something_and_are_nobodys() {
    assert_eq!(UserName::deleted().as_str(), "deleted");
    assert!(UserName::deleted().is_reserved());
    assert!(UserName::parse("Room").unwrap().is_reserved());
    assert!(!UserName::parse("rooms").unwrap().is_reserved());
}

fn mentions(text: &str) -> (Vec<String>, bool) {
    let (names, calls_room) = Body::parse(text).expect("a body").mentions();
    (names.into_iter().map(String::from).collect(), calls_room)
}

#[test]
fn a_mention_is_a_name_behind_an_at_that_begins_a_word() {
    let found = |text| mentions(text).0;
    assert_eq!(found("@ada: see (@bob), and @carol."), ["ada", "bob", "carol"]);
    assert_eq!(found("@Ada @ada @ADA"), ["ada"]);
    assert_eq!(found("\n@ada...\t@b.c-d_e!"), ["ada", "b.c-d_e"]);
    assert_eq!(found("@e\u{301}mile's"), ["émile"]);
    let none: [&str; 0] = [];
    for text in [
        "ada@example.org",
        "@@ada",
        "@ ada",
        "@",
        ".@ada",
        "-@ada",
        "@-ada",
        "é@ada",
        "@\u{430}lice",
    ] {
        assert_eq!(found(text), none, "{text:?}");
    }
    assert_eq!(found(&format!("@{}", "a".repeat(USER_NAME_CHARS_MAX + 1))), none);
}

#[test]
fn a_message_calls_the_room_by_its_own_word() {
    assert_eq!(mentions("@room: lunch, @ada"), (vec!["ada".to_owned()], true));
    assert_eq!(mentions("@rooms"), (vec!["rooms".to_owned()], false));
    assert_eq!(mentions("the room"), (vec![], false));
}

#[test]
fn a_message_mentions_only_so_many() {
    let text: String = (0..=MENTIONS_PER_MESSAGE_MAX).map(|at| format!("@u{at} ")).collect();
    let (names, calls_room) = mentions(&format!("{text} @room"));
    assert_eq!(names.len(), MENTIONS_PER_MESSAGE_MAX);
    assert!(calls_room);
}

#[test]
fn names_end_at_their_limits() {
    let longest = "ä".repeat(USER_NAME_CHARS_MAX);
    assert_eq!(user(&longest), Ok(longest.clone()));
    assert_eq!(
        user(&format!("{longest}a")),
        Err(NameError::TooLong {
            max: USER_NAME_CHARS_MAX
        })
    );
    assert!(RoomName::parse(&"r".repeat(ROOM_NAME_CHARS_MAX)).is_ok());
    assert!(RoomName::parse(&"r".repeat(ROOM_NAME_CHARS_MAX + 1)).is_err());
}

/// `İ` folds to `i` and a combining dot, which is no letter: such a name would have been accepted
/// when typed and refused when read back from the log.
#[test]
fn a_name_that_folds_to_something_else_than_letters_is_refused() {
    assert_eq!(user("İpek"), Err(NameError::Character { found: '\u{307}' }));
}

#[test]
fn the_name_of_a_direct_room_is_the_same_from_both_sides() {
    let (one, other) = (UserName::parse("bob").unwrap(), UserName::parse("alice").unwrap());
    let name = RoomName::direct(&one, &other);
    assert_eq!(name.as_str(), "@alice+bob");
    assert_eq!(name, RoomName::direct(&other, &one));
    assert!(name.is_direct());
    assert_eq!(RoomName::parse("@Bob+Alice"), Ok(name));
    assert!(!RoomName::parse("ops").unwrap().is_direct());
    for broken in ["@", "@alice", "@alice+", "@+bob", "@a+b+c", "alice+bob", "@@a+b"] {
        assert!(RoomName::parse(broken).is_err(), "{broken}");
    }
    let longest = UserName::parse(&"u".repeat(USER_NAME_CHARS_MAX)).unwrap();
    let name = RoomName::direct(&longest, &longest);
    assert_eq!(RoomName::parse(name.as_str()), Ok(name));
}

#[test]
fn topics_and_device_names_are_single_lines() {
    assert!(Topic::parse("").is_ok());
    assert_eq!(Topic::parse("a\nb"), Err(NameError::Character { found: '\n' }));
    assert!(Topic::parse(&"t".repeat(TOPIC_CHARS_MAX + 1)).is_err());
    assert!(DeviceName::parse("Ada's phone").is_ok());
    assert!(DeviceName::parse(&"d".repeat(DEVICE_NAME_CHARS_MAX + 1)).is_err());
}

#[test]
fn bodies_hold_any_text_of_up_to_64_kib() {
    assert_eq!(Body::parse(""), Err(BodyError::Empty));
    assert!(Body::parse(" two\nlines\tand a tab 😀\u{202e}").is_ok());
    assert_eq!(Body::parse("bell\u{7}"), Err(BodyError::Character { found: '\u{7}' }));
    assert_eq!(Body::parse("\u{9b}31m"), Err(BodyError::Character { found: '\u{9b}' }));
    assert_eq!(Body::parse("a\r\nb"), Err(BodyError::Character { found: '\r' }));
    assert!(Body::parse(&"b".repeat(BODY_BYTES_MAX)).is_ok());
    assert_eq!(Body::parse(&"b".repeat(BODY_BYTES_MAX + 1)), Err(BodyError::TooLarge));
    assert_eq!(
        Body::parse(&"é".repeat(BODY_BYTES_MAX / 2 + 1)),
        Err(BodyError::TooLarge)
    );
}

#[test]
fn message_ids_are_any_text_of_up_to_64_bytes() {
    assert_eq!(MessageId::parse(""), Err(MessageIdError::Empty));
    assert!(MessageId::parse(" any ☃ text\0").is_ok());
    assert!(MessageId::parse(&"i".repeat(MESSAGE_ID_BYTES_MAX)).is_ok());
    assert_eq!(
        MessageId::parse(&"i".repeat(MESSAGE_ID_BYTES_MAX + 1)),
        Err(MessageIdError::TooLarge)
    );
}

/// Rows are kept under it, so it may never change.
#[test]
fn the_digest_of_a_message_id_is_what_it_always_was() {
    assert_eq!(
        format!("{:032x}", MessageId::parse("m1").unwrap().digest()),
        "426ff30f5606d5553a335c8b5f1e3636"
    );
}

/// What is white space is for the edge alone to say: it changes with Unicode's versions.
#[test]
fn a_kept_emoji_is_read_under_any_version_of_unicode() {
    let kept = |text: &str| Emoji::try_from(text.to_owned()).map(String::from);
    for blank in ["\u{3000}", "a\u{2003}b", "\u{a0}"] {
        let found = blank.chars().find(|c| c.is_whitespace()).unwrap();
        assert_eq!(Emoji::parse(blank), Err(NameError::Character { found }));
        assert_eq!(kept(blank), Ok(blank.to_owned()));
    }
    for found in [' ', '\n', '\t', '\u{85}'] {
        assert_eq!(kept(&format!("a{found}")), Err(NameError::Character { found }));
    }
    assert_eq!(kept(""), Err(NameError::Empty));
    let max = EMOJI_BYTES_MAX;
    assert_eq!(kept(&"x".repeat(max + 1)), Err(NameError::TooLong { max }));
}

proptest! {
    #[test]
    fn what_is_kept_parses_to_itself(text in any::<String>(), letters in r"[\w.+@-]{1,40}") {
        for text in [text, letters] {
            if let Ok(name) = UserName::parse(&text) {
                prop_assert_eq!(UserName::parse(name.as_str()), Ok(name));
            }
            if let Ok(name) = RoomName::parse(&text) {
                prop_assert_eq!(RoomName::parse(name.as_str()), Ok(name));
            }
            if let Ok(body) = Body::parse(&text) {
                prop_assert_eq!(body.as_str(), text.as_str());
            }
            if let Ok(id) = MessageId::parse(&text) {
                prop_assert_eq!(id.as_str(), text.as_str());
            }
        }
    }

    #[test]
    fn every_single_letter_name_parses_to_itself(letter in any::<char>()) {
        if let Ok(name) = UserName::parse(&format!("a{letter}a{letter}")) {
            prop_assert_eq!(UserName::parse(name.as_str()), Ok(name.clone()));
            prop_assert!(name.as_str().chars().count() <= USER_NAME_CHARS_MAX);
        }
    }
}
