//! Rows of lists.

use quorate_core::{DeviceId, Retention, Role};
use serde_json::{Value, json};

use super::time;
use crate::client::{Account, AccountRow, BanRow, DeviceRow, MemberRow, Presence, RoomRow, UnreadRow};

/// What a member may do.
#[must_use]
pub fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "owner",
        Role::Moderator => "moderator",
        Role::Member => "member",
        Role::ReadOnly => "read-only",
    }
}

/// Whether somebody is there.
#[must_use]
pub fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Unknown => "unknown",
        Presence::Offline => "offline",
        Presence::Away => "away",
        Presence::Online => "online",
    }
}

/// How long a room remembers, as flags have it.
#[must_use]
pub fn retention(retention: Retention) -> Value {
    json!({
        "max_age": retention.age_max.map(time::show_span),
        "max_count": retention.messages_max,
    })
}

/// A room in a list.
#[must_use]
pub fn room(row: &RoomRow) -> Value {
    json!({
        "room": row.name.as_str(),
        "topic": row.topic.as_str(),
        "private": row.private,
        "archived": row.archived,
        "members": row.members,
        "first_seq": row.first.0,
        "last_seq": row.last.0,
        "role": row.role.map(role),
        "invited": row.invited,
        "retention": retention(row.retention),
    })
}

/// A member in a list.
#[must_use]
pub fn member(row: &MemberRow) -> Value {
    json!({
        "user": row.user.as_str(),
        "role": role(row.role),
        "muted": row.muted,
        "presence": presence(row.presence),
    })
}

/// Somebody who is kept out.
#[must_use]
pub fn ban(row: &BanRow) -> Value {
    json!({
        "user": row.user.as_str(),
        "by": row.by.as_str(),
        "until": row.until.filter(|until| time::is_in_calendar(*until)).map(time::show),
    })
}

/// What is unread in a room.
#[must_use]
pub fn unread(row: &UnreadRow) -> Value {
    json!({
        "room": row.room.as_str(),
        "unread": row.unread,
        "mentions": row.mentions,
        "last_read": row.read.0,
        "last_seq": row.last.0,
    })
}

/// The account of this device.
#[must_use]
pub fn account(account: &Account) -> Value {
    json!({
        "user": account.user.as_str(),
        "device": account.device.to_string(),
        "registered_at": time::show(account.registered_at),
        "last_login": time::show(account.last_login),
        "bot": account.owner.is_some(),
        "owner": account.owner.as_ref().map(ToString::to_string),
        "text_bytes": account.text_bytes,
        "text_bytes_max": account.text_bytes_max,
    })
}

/// An account in a list.
#[must_use]
pub fn account_row(row: &AccountRow) -> Value {
    json!({
        "user": row.user.as_str(),
        "role": if row.bot { "bot" } else { "user" },
        "bot": row.bot,
        "registered_at": time::show(row.registered_at),
        "last_login": time::show(row.last_login),
        "presence": presence(row.presence),
    })
}

/// A device in a list; `own` is the one that asks.
#[must_use]
pub fn device(row: &DeviceRow, own: DeviceId) -> Value {
    json!({
        "id": row.device.to_string(),
        "name": row.name.as_str(),
        "last_login": time::show(row.bound_at),
        "current": row.device == own,
    })
}
