//! Events in a room.

use quorate_client::{Event, Posted, json};
use serde_json::{Value, json};

use crate::time;

/// An event in a room. A message that was edited or redacted is in its place as it is now.
pub(crate) fn event(event: &Event) -> Value {
    json::event(&event.room, &event.author, (event.seq, event.at), &event.kind)
}

/// A message that was posted.
pub(crate) fn posted(posted: &Posted) -> Value {
    json!({
        "seq": posted.seq.0,
        "id": posted.id.as_str(),
        "at": time::show(posted.at),
        "room": posted.room.as_str(),
    })
}

#[cfg(test)]
mod tests {
    use quorate_client::RoomEventKind;

    use super::*;
    use crate::text::fixture;

    fn form(kind: RoomEventKind) -> Value {
        event(&fixture::event(kind))
    }

    /// Without what all events have.
    fn own(kind: RoomEventKind) -> Value {
        let mut form = form(kind);
        let object = form.as_object_mut().unwrap();
        for name in ["room", "seq", "author", "at"] {
            assert!(object.remove(name).is_some(), "{name}");
        }
        form
    }

    #[test]
    fn every_event_has_its_room_seq_kind_author_and_time() {
        assert_eq!(
            form(RoomEventKind::Joined),
            json!({"room": "ops", "seq": 7, "kind": "join", "author": "alice", "at": "2026-11-22T00:00:00.000Z"})
        );
    }

    #[test]
    fn a_message_is_told_as_it_is_now() {
        assert_eq!(
            own(fixture::message("hi", Some(3))),
            json!({"kind": "message", "body": "hi", "id": "k", "reply_to": 3})
        );
        assert_eq!(
            own(fixture::revised("ho")),
            json!({"kind": "message", "body": "ho", "id": "k", "edited": true})
        );
        assert_eq!(
            own(fixture::withdrawn()),
            json!({"kind": "message", "id": "k", "redacted": true})
        );
    }

    #[test]
    fn what_is_done_to_a_message_names_its_target() {
        assert_eq!(
            own(fixture::edited(3, "ho")),
            json!({"kind": "edit", "target": 3, "body": "ho"})
        );
        assert_eq!(
            own(fixture::edit_withdrawn(3)),
            json!({"kind": "edit", "target": 3, "redacted": true})
        );
        assert_eq!(
            own(fixture::redacted(3, Some("spam"))),
            json!({"kind": "redaction", "target": 3, "reason": "spam"})
        );
        assert_eq!(
            own(fixture::redacted(3, None)),
            json!({"kind": "redaction", "target": 3})
        );
        assert_eq!(
            own(fixture::reacted(3, "+")),
            json!({"kind": "reaction", "target": 3, "emoji": "+"})
        );
        assert_eq!(
            own(fixture::unreacted(3, "+")),
            json!({"kind": "reaction", "target": 3, "emoji": "+", "removed": true})
        );
    }

    #[test]
    fn what_is_done_to_a_member_names_the_user() {
        let until = "2026-11-23T00:00:00.000Z";
        for (kind, expected) in [
            (fixture::invited(), json!({"kind": "invite", "user": "bob"})),
            (
                fixture::kicked(),
                json!({"kind": "kick", "user": "bob", "reason": "spam"}),
            ),
            (
                fixture::banned(true),
                json!({"kind": "ban", "user": "bob", "until": until, "reason": "spam"}),
            ),
            (
                fixture::banned(false),
                json!({"kind": "ban", "user": "bob", "reason": "spam"}),
            ),
            (fixture::unbanned(), json!({"kind": "unban", "user": "bob"})),
            (fixture::muted(), json!({"kind": "mute", "user": "bob", "until": until})),
            (fixture::unmuted(), json!({"kind": "unmute", "user": "bob"})),
            (
                fixture::role_set(),
                json!({"kind": "role", "user": "bob", "role": "read-only"}),
            ),
        ] {
            assert_eq!(own(kind), expected);
        }
    }

    #[test]
    fn what_is_done_to_a_room_is_told_by_its_kind() {
        assert_eq!(own(fixture::topic("rain")), json!({"kind": "topic", "topic": "rain"}));
        assert_eq!(own(RoomEventKind::Left), json!({"kind": "leave"}));
        assert_eq!(own(RoomEventKind::Archived), json!({"kind": "archive"}));
        assert_eq!(own(RoomEventKind::Unarchived), json!({"kind": "unarchive"}));
    }
}
