//! Which text of a submission is at fault, when it does not parse: the parser keeps only the words of
//! the core's errors, so the texts are read again without their rules, and tried one by one.

use std::collections::BTreeMap;

use quorate_core::{Body, BodyError, Emoji, MessageId, MessageIdError, NameError, Reason, RoomName, Topic, UserName};
use quorate_protocol::Frame;
use quorate_protocol::client::Failure;
use serde::Deserialize;

use super::reply::{bad_name, refused};

/// The texts that actions have, unparsed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Texts {
    body: Option<String>,
    id: Option<String>,
    emoji: Option<String>,
    topic: Option<String>,
    reason: Option<String>,
    /// Of a room that is to be made.
    name: Option<String>,
    user: Option<String>,
}

/// What is wrong with a submission that does not parse, if it is one of its texts.
pub(super) fn of_submission(frame: &Frame) -> Option<Failure> {
    #[derive(Deserialize)]
    struct Called {
        body: Submit,
    }
    #[derive(Deserialize)]
    struct Submit {
        action: BTreeMap<String, Texts>,
    }
    let Called { body } = rmp_serde::from_slice(&frame.body).ok()?;
    let texts = body.action.into_values().next()?;
    first(&texts).err()
}

fn first(texts: &Texts) -> Result<(), Failure> {
    let (body, id) = (texts.body.as_deref(), texts.id.as_deref());
    check(body, Body::parse, |error| of_body(&error))?;
    check(id, MessageId::parse, |error| of_id(&error))?;
    check(texts.emoji.as_deref(), Emoji::parse, named("bad-emoji"))?;
    check(texts.topic.as_deref(), Topic::parse, named("bad-topic"))?;
    check(texts.reason.as_deref(), Reason::parse, named("bad-reason"))?;
    check(texts.name.as_deref(), RoomName::parse, |error| bad_name(&error))?;
    check(texts.user.as_deref(), UserName::parse, |error| bad_name(&error))
}

fn check<T, E>(
    text: Option<&str>,
    parse: impl Fn(&str) -> Result<T, E>,
    told: impl Fn(E) -> Failure,
) -> Result<(), Failure> {
    match text.map(parse) {
        Some(Err(error)) => Err(told(error)),
        _ => Ok(()),
    }
}

fn named(code: &'static str) -> impl Fn(NameError) -> Failure {
    move |error| refused(code, error)
}

fn of_body(error: &BodyError) -> Failure {
    let code = match error {
        BodyError::TooLarge => "too-large",
        BodyError::Empty => "empty",
        BodyError::Character { .. } => "bad-body",
    };
    refused(code, error)
}

fn of_id(error: &MessageIdError) -> Failure {
    let code = match error {
        MessageIdError::TooLarge => "too-large",
        MessageIdError::Empty => "bad-id",
    };
    refused(code, error)
}

#[cfg(test)]
mod tests {
    use quorate_core::{BODY_BYTES_MAX, MESSAGE_ID_BYTES_MAX};
    use quorate_protocol::client::{self, Called, Submit, kind};
    use serde::Serialize;

    use super::*;
    use crate::session::reply::bad_request;

    /// An action as a client may write it: anything goes.
    #[derive(Serialize)]
    struct Loose {
        writer: u64,
        request: u64,
        action: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
    }

    fn code(action: &'static str, texts: &[(&'static str, &str)]) -> String {
        let mut fields: BTreeMap<_, _> = texts.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        if action != "1" {
            // Not even of the right shape: texts are told first.
            fields.insert("room", "ops".to_owned());
        }
        let body = Loose {
            writer: 1,
            request: 1,
            action: BTreeMap::from([(action, fields)]),
        };
        let bytes = rmp_serde::to_vec_named(&Called { call: 3, body }).unwrap();
        let frame = Frame::new(kind::SUBMIT, bytes);
        let error = client::parse::<Called<Submit>>(&frame).unwrap_err();
        match bad_request(&frame, &error) {
            Failure::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_body_is_told_by_what_is_wrong_with_it() {
        assert_eq!(
            code("4", &[("id", "k"), ("body", &"x".repeat(BODY_BYTES_MAX + 1))]),
            "too-large"
        );
        assert_eq!(code("4", &[("id", "k"), ("body", "")]), "empty");
        assert_eq!(code("4", &[("id", "k"), ("body", "a\u{7}")]), "bad-body");
        assert_eq!(code("17", &[("body", "")]), "empty");
    }

    #[test]
    fn an_id_is_told_by_what_is_wrong_with_it() {
        let long = "i".repeat(MESSAGE_ID_BYTES_MAX + 1);
        assert_eq!(code("4", &[("id", &long), ("body", "b")]), "too-large");
        assert_eq!(code("4", &[("id", ""), ("body", "b")]), "bad-id");
    }

    #[test]
    fn the_words_of_an_error_inside_another_text_are_not_taken_for_it() {
        let words = BodyError::TooLarge.to_string();
        assert_eq!(code("4", &[("id", "k"), ("body", &words)]), "bad-request");
        assert_eq!(code(Box::leak(words.into_boxed_str()), &[]), "bad-request");
    }

    #[test]
    fn other_texts_are_told_by_name() {
        assert_eq!(code("1", &[("name", "a b"), ("topic", "")]), "bad-name");
        assert_eq!(code("5", &[("topic", "a\nb")]), "bad-topic");
        assert_eq!(
            code("8", &[("user", "bob"), ("reason", &"r".repeat(300))]),
            "bad-reason"
        );
        assert_eq!(code("19", &[("emoji", " ")]), "bad-emoji");
        assert_eq!(code("7", &[("user", "..")]), "bad-name");
    }
}
