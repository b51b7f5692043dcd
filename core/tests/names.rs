//! What people may type, and that what is kept is kept as it is.

use proptest::prelude::{any, proptest};
use proptest::{prop_assert, prop_assert_eq};
use quorate_core::{
    BODY_BYTES_MAX, Body, BodyError, DEVICE_NAME_CHARS_MAX, DeviceName, MESSAGE_ID_BYTES_MAX, MessageId,
    MessageIdError, NameError, ROOM_NAME_CHARS_MAX, RoomName, TOPIC_CHARS_MAX, Topic, USER_NAME_CHARS_MAX, UserName,
};

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
