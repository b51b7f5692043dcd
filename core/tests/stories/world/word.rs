//! Words of stories as values, and outcomes as words.

use std::fmt::Debug;
use std::str::FromStr;

use quorate_core::{Applied, DeviceId, Done, InviteKey, PasswordHash, Refusal, Retention, RoomRef, Span};

use crate::line::Line;

pub(super) fn told(applied: &Applied) -> String {
    match &applied.outcome {
        Ok(Done::Registered { .. }) => "registered".to_owned(),
        Ok(Done::Bound { .. }) => "bound".to_owned(),
        Ok(Done::Unbound) => "unbound".to_owned(),
        Ok(Done::Granted { .. }) => "granted".to_owned(),
        Ok(Done::Created { .. }) => "created".to_owned(),
        Ok(Done::Joined { .. }) => "joined".to_owned(),
        Ok(Done::Left { .. }) => "left".to_owned(),
        Ok(Done::Posted { name, seq, .. }) => format!("seq {seq} in {name}"),
        Ok(Done::TopicSet { seq } | Done::Written { seq }) => format!("seq {seq}"),
        Ok(Done::Marked { upto }) => format!("marked {upto}"),
        Ok(Done::Unchanged) => "unchanged".to_owned(),
        Ok(Done::Changed) => "changed".to_owned(),
        Ok(Done::Deleted) => "deleted".to_owned(),
        Ok(Done::Swept { more: true }) => "swept, more to go".to_owned(),
        Ok(Done::Swept { more: false }) => "swept".to_owned(),
        Ok(Done::BanAdded { until: Some(until), .. }) => format!("banned until {until}"),
        Ok(Done::BanAdded { until: None, .. }) => "banned".to_owned(),
        Ok(Done::InviteCreated { expires_at, .. } | Done::TokenCreated { expires_at, .. }) => {
            format!("good until {expires_at}")
        }
        Ok(Done::NodeAdmitted { node }) => format!("node {node}"),
        Err(refusal) => refused(refusal),
    }
}

pub(super) fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Gap { expected } => format!("refused gap, expected {expected}"),
        other => format!("refused {}", other.code()),
    }
}

pub(super) fn user(who: &str) -> &str {
    who.split(['@', '/']).next().unwrap_or(who)
}

pub(super) fn device(who: &str) -> DeviceId {
    let name = who.split('/').next().unwrap_or(who);
    DeviceId(bytes(name))
}

pub(super) fn invite_key(word: &str) -> InviteKey {
    InviteKey(bytes(word))
}

pub(super) fn room_ref(text: &str) -> RoomRef {
    match text.strip_prefix('@') {
        Some(user) if !user.contains('+') => RoomRef::Direct(valid(user)),
        _ => RoomRef::Name(valid(text)),
    }
}

pub(super) fn password(line: &Line) -> PasswordHash {
    secret(line.options.get("password").map_or("secret", String::as_str))
}

/// Stands for the hash of a password: stories need no hashing.
pub(super) fn secret(word: &str) -> PasswordHash {
    valid(word)
}

pub(super) fn retention(line: &Line) -> Retention {
    Retention {
        age_max: line.number("age").map(Span),
        messages_max: line.number("messages"),
    }
}

pub(super) fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

pub(super) fn valid<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("texts of tests are valid")
}

pub(super) fn bytes(word: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..word.len()].copy_from_slice(word.as_bytes());
    bytes
}
