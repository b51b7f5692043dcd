//! Events in a room.

use quorate_core::{RoomEventKind, RoomName, Seq, Timestamp, UserName};
use serde_json::{Map, Value, json};

use super::{role, time};

/// An event in a room. A message that was edited or redacted is in its place as it is now.
#[must_use]
pub fn event(room: &RoomName, author: &UserName, (seq, at): (Seq, Timestamp), kind: &RoomEventKind) -> Value {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
    put("room", json!(room.as_str()));
    put("seq", json!(seq.0));
    put("kind", json!(word(kind)));
    put("author", json!(author.as_str()));
    put("at", json!(time::show(at)));
    match kind {
        RoomEventKind::Message { id, body, reply_to } => {
            put("body", json!(body.as_str()));
            put("id", json!(id.as_str()));
            if let Some(reply_to) = reply_to {
                put("reply_to", json!(reply_to.0));
            }
        }
        RoomEventKind::Revised { id, body, reply_to, .. } => {
            put("body", json!(body.as_str()));
            put("id", json!(id.as_str()));
            if let Some(reply_to) = reply_to {
                put("reply_to", json!(reply_to.0));
            }
            put("edited", json!(true));
        }
        RoomEventKind::Withdrawn { id } => {
            put("id", json!(id.as_str()));
            put("redacted", json!(true));
        }
        RoomEventKind::Edited { target, body, .. } => {
            put("target", json!(target.0));
            put("body", json!(body.as_str()));
        }
        RoomEventKind::EditWithdrawn { target } => {
            put("target", json!(target.0));
            put("redacted", json!(true));
        }
        RoomEventKind::Redacted { target, reason } => {
            put("target", json!(target.seq.0));
            if let Some(reason) = reason {
                put("reason", json!(reason.as_str()));
            }
        }
        RoomEventKind::Reacted { target, emoji } => {
            put("target", json!(target.0));
            put("emoji", json!(emoji.as_str()));
        }
        RoomEventKind::Unreacted { target, emoji } => {
            put("target", json!(target.0));
            put("emoji", json!(emoji.as_str()));
            put("removed", json!(true));
        }
        RoomEventKind::TopicSet { topic } => put("topic", json!(topic.as_str())),
        RoomEventKind::Invited { user_name, .. }
        | RoomEventKind::Unbanned { user_name, .. }
        | RoomEventKind::Unmuted { user_name, .. } => put("user", json!(user_name.as_str())),
        RoomEventKind::Kicked { user_name, reason, .. } => {
            put("user", json!(user_name.as_str()));
            if let Some(reason) = reason {
                put("reason", json!(reason.as_str()));
            }
        }
        RoomEventKind::Banned {
            user_name,
            until,
            reason,
            ..
        }
        | RoomEventKind::Muted {
            user_name,
            until,
            reason,
            ..
        } => {
            put("user", json!(user_name.as_str()));
            if let Some(until) = until.filter(|until| time::is_in_calendar(*until)) {
                put("until", json!(time::show(until)));
            }
            if let Some(reason) = reason {
                put("reason", json!(reason.as_str()));
            }
        }
        RoomEventKind::RoleSet {
            user_name, role: now, ..
        } => {
            put("user", json!(user_name.as_str()));
            put("role", json!(role(*now)));
        }
        RoomEventKind::Joined | RoomEventKind::Left | RoomEventKind::Archived | RoomEventKind::Unarchived => {}
    }
    Value::Object(object)
}

fn word(kind: &RoomEventKind) -> &'static str {
    match kind {
        RoomEventKind::Message { .. } | RoomEventKind::Revised { .. } | RoomEventKind::Withdrawn { .. } => "message",
        RoomEventKind::Edited { .. } | RoomEventKind::EditWithdrawn { .. } => "edit",
        RoomEventKind::Redacted { .. } => "redaction",
        RoomEventKind::Reacted { .. } | RoomEventKind::Unreacted { .. } => "reaction",
        RoomEventKind::Joined => "join",
        RoomEventKind::Left => "leave",
        RoomEventKind::TopicSet { .. } => "topic",
        RoomEventKind::Invited { .. } => "invite",
        RoomEventKind::Kicked { .. } => "kick",
        RoomEventKind::Banned { .. } => "ban",
        RoomEventKind::Unbanned { .. } => "unban",
        RoomEventKind::Muted { .. } => "mute",
        RoomEventKind::Unmuted { .. } => "unmute",
        RoomEventKind::RoleSet { .. } => "role",
        RoomEventKind::Archived => "archive",
        RoomEventKind::Unarchived => "unarchive",
    }
}
