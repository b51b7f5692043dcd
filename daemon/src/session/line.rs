//! Single lines that people give, and what they may not hold on top of the core's rule: characters
//! that reorder what stands around them, or break the line, where it is shown. With them a topic, a
//! reason or a device could look like another one, or like the program's own words.

use quorate_core::{Action, NameError, Reason};
use quorate_protocol::client::Failure;

use super::reply::refused;

/// The core's rule does not have this one: what is in the log is shown by programs that have rules of
/// their own, and may stay.
pub(super) fn check(text: &str) -> Result<(), NameError> {
    match text.chars().find(|c| is_reordering(*c)) {
        Some(found) => Err(NameError::Character { found }),
        None => Ok(()),
    }
}

/// The same for all such lines of an action.
pub(super) fn check_action(action: &Action) -> Result<(), Failure> {
    let (code, text) = match action {
        Action::CreateRoom(create) => ("bad-topic", Some(create.topic.as_str())),
        Action::SetTopic(set) => ("bad-topic", Some(set.topic.as_str())),
        Action::KickUser(kick) => ("bad-reason", kick.reason.as_ref().map(Reason::as_str)),
        Action::BanUser(ban) => ("bad-reason", ban.reason.as_ref().map(Reason::as_str)),
        Action::MuteUser(mute) => ("bad-reason", mute.reason.as_ref().map(Reason::as_str)),
        Action::RedactMessage(redact) => ("bad-reason", redact.reason.as_ref().map(Reason::as_str)),
        Action::React(react) => ("bad-emoji", Some(react.emoji.as_str())),
        Action::JoinRoom(_)
        | Action::LeaveRoom(_)
        | Action::PostMessage(_)
        | Action::MarkRead(_)
        | Action::InviteUser(_)
        | Action::UnbanUser(_)
        | Action::UnmuteUser(_)
        | Action::SetRole(_)
        | Action::TransferRoom(_)
        | Action::ArchiveRoom(_)
        | Action::DeleteRoom(_)
        | Action::EditMessage(_)
        | Action::SetRetention(_) => return Ok(()),
    };
    text.map_or(Ok(()), check).map_err(|error| refused(code, error))
}

/// Embeddings, overrides and isolates (UAX 9, 2.1 to 2.4), and what ends a line or a paragraph. Not
/// the marks (U+200E, U+200F), which reorder nothing but what they stand between and are typed by
/// people who write from right to left.
const fn is_reordering(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use quorate_core::{
        BanUser, CreateRoom, Emoji, KickUser, MuteUser, React, Reason, RedactMessage, RoomRef, Seq, SetTopic, Topic,
    };

    use super::*;
    use crate::session::scene::{room_name, user_name};

    fn reason(text: &str) -> Option<Reason> {
        Some(Reason::parse(text).unwrap())
    }

    /// Every action that has a line, with this text, and the code that refuses it.
    fn with(text: &str) -> Vec<(Action, &'static str)> {
        let (room, user, topic) = (room_name("ops"), user_name("bob"), Topic::parse(text).unwrap());
        let create = CreateRoom {
            name: room.clone(),
            private: false,
            topic: topic.clone(),
        };
        let set = SetTopic {
            room: room.clone(),
            topic,
        };
        let kick = KickUser {
            room: room.clone(),
            user: user.clone(),
            reason: reason(text),
        };
        let ban = BanUser {
            room: room.clone(),
            user: user.clone(),
            lasts: None,
            reason: reason(text),
        };
        let redact = RedactMessage {
            room: RoomRef::Name(room.clone()),
            seq: Seq(2),
            reason: reason(text),
        };
        let mute = MuteUser {
            room,
            user,
            lasts: None,
            reason: reason(text),
        };
        vec![
            (Action::CreateRoom(create), "bad-topic"),
            (Action::SetTopic(set), "bad-topic"),
            (Action::KickUser(kick), "bad-reason"),
            (Action::BanUser(ban), "bad-reason"),
            (Action::MuteUser(mute), "bad-reason"),
            (Action::RedactMessage(redact), "bad-reason"),
        ]
    }

    #[test]
    fn lines_that_reorder_or_break_what_is_shown_are_refused_by_what_they_are() {
        for bad in ['\u{202a}', '\u{202e}', '\u{2066}', '\u{2069}', '\u{2028}', '\u{2029}'] {
            for (action, expected) in with(&format!("gnp{bad}exe")) {
                let told = check_action(&action);
                assert!(
                    matches!(told, Err(Failure::Refused { code, .. }) if code == expected),
                    "{action:?}"
                );
            }
        }
    }

    #[test]
    fn an_emoji_that_reorders_what_is_shown_is_refused() {
        let react = |emoji: &str| {
            check_action(&Action::React(React {
                room: RoomRef::Name(room_name("ops")),
                seq: Seq(2),
                emoji: Emoji::parse(emoji).unwrap(),
                remove: false,
            }))
        };
        assert_eq!(react("👨\u{200d}👩\u{200d}👧"), Ok(()));
        assert!(matches!(react("\u{202e}a"), Err(Failure::Refused { code, .. }) if code == "bad-emoji"));
    }

    #[test]
    fn lines_in_any_script_are_taken() {
        for good in [
            "what is on",
            "שלום, עולם",
            "مرحبا\u{200f}!",
            "日本語",
            "👨\u{200d}👩\u{200d}👧",
            "a\u{200e}b",
        ] {
            for (action, _) in with(good) {
                assert_eq!(check_action(&action), Ok(()), "{action:?}");
            }
            assert!(check(good).is_ok());
        }
    }
}
