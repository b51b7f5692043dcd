//! The JSON forms that scripts rely on.

use quorate_client::{Event, MemberRow, Posted, Role, RoomEventKind, RoomRow, Timestamp, UnreadRow};
use serde_json::{Value, json};

/// RFC 3339, UTC, with milliseconds.
pub(crate) fn time(at: Timestamp) -> String {
    let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
    // What no calendar holds cannot be a cluster's clock; it is shown as the beginning of time.
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    format!("{at:.3}")
}

/// An event in a room.
pub(crate) fn event(event: &Event) -> Value {
    let mut object = json!({
        "room": event.room.as_str(),
        "seq": event.seq.0,
        "kind": kind(&event.kind),
        "author": event.author.as_str(),
        "at": time(event.at),
    });
    match &event.kind {
        RoomEventKind::Message { id, body, reply_to } => {
            object["body"] = json!(body.as_str());
            object["id"] = json!(id.as_str());
            if let Some(reply_to) = reply_to {
                object["reply_to"] = json!(reply_to.0);
            }
        }
        RoomEventKind::TopicSet { topic } => object["topic"] = json!(topic.as_str()),
        RoomEventKind::Joined | RoomEventKind::Left => {}
    }
    object
}

fn kind(kind: &RoomEventKind) -> &'static str {
    match kind {
        RoomEventKind::Message { .. } => "message",
        RoomEventKind::Joined => "join",
        RoomEventKind::Left => "leave",
        RoomEventKind::TopicSet { .. } => "topic",
    }
}

/// A message that was posted.
pub(crate) fn posted(posted: &Posted) -> Value {
    json!({
        "seq": posted.seq.0,
        "id": posted.id.as_str(),
        "at": time(posted.at),
        "room": posted.room.as_str(),
    })
}

pub(crate) fn role(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Owner => "owner",
    }
}

/// A room in a list.
pub(crate) fn room(row: &RoomRow) -> Value {
    json!({
        "room": row.name.as_str(),
        "topic": row.topic.as_str(),
        "private": row.private,
        "members": row.members,
        "last_seq": row.last.0,
        "role": row.role.map(role),
    })
}

/// A member in a list.
pub(crate) fn member(row: &MemberRow) -> Value {
    json!({"user": row.user.as_str(), "role": role(row.role)})
}

/// What is unread in a room.
pub(crate) fn unread(row: &UnreadRow) -> Value {
    json!({
        "room": row.room.as_str(),
        "unread": row.unread,
        "last_read": row.read.0,
        "last_seq": row.last.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_milliseconds_and_a_z() {
        assert_eq!(time(Timestamp(1_795_305_600_000)), "2026-11-22T00:00:00.000Z");
        assert_eq!(time(Timestamp(1_795_305_600_007)), "2026-11-22T00:00:00.007Z");
    }
}
