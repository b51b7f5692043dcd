//! How lines are shown: as they are stored, but for the names of those who have deleted their
//! accounts since. A line is taken apart only when it names one of them.

use std::fmt;

use bytes::Bytes;
use quorate_core::{EventNo, RoomEventKind, RoomId, Seq, State, Timestamp, UserId, UserName};
use quorate_protocol::event;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The bytes of a line as they go to a client.
pub(super) fn shown(state: &State, bytes: Bytes) -> Bytes {
    let is_gone = |user: UserId| state.user(user).is_some_and(|user| !user.is_active());
    let names_nobody_gone =
        peek(&bytes).is_some_and(|named| !is_gone(named.author) && !named.other.is_some_and(is_gone));
    if names_nobody_gone {
        return bytes;
    }
    // Of a kind that is not known here: its author is hidden by whoever knows it.
    let Ok(mut line) = event::decode(&bytes) else {
        return bytes;
    };
    if is_gone(line.author) {
        line.author_name = UserName::deleted();
    }
    if let Some((user, name)) = other_of(&mut line.kind)
        && is_gone(user)
    {
        *name = UserName::deleted();
    }
    event::encode(&line)
}

/// The name of an account as it is shown.
pub(super) fn name_of(state: &State, id: UserId) -> Option<UserName> {
    let user = state.user(id)?;
    Some(if user.is_active() {
        user.name.clone()
    } else {
        UserName::deleted()
    })
}

/// Whom a line is about besides its author.
fn other_of(kind: &mut RoomEventKind) -> Option<(UserId, &mut UserName)> {
    match kind {
        RoomEventKind::Invited { user, user_name }
        | RoomEventKind::Kicked { user, user_name, .. }
        | RoomEventKind::Banned { user, user_name, .. }
        | RoomEventKind::Unbanned { user, user_name }
        | RoomEventKind::Muted { user, user_name, .. }
        | RoomEventKind::Unmuted { user, user_name }
        | RoomEventKind::RoleSet { user, user_name, .. } => Some((*user, user_name)),
        RoomEventKind::Message { .. }
        | RoomEventKind::Joined
        | RoomEventKind::Left
        | RoomEventKind::TopicSet { .. }
        | RoomEventKind::Edited { .. }
        | RoomEventKind::Redacted { .. }
        | RoomEventKind::Reacted { .. }
        | RoomEventKind::Unreacted { .. }
        | RoomEventKind::Archived
        | RoomEventKind::Unarchived
        | RoomEventKind::Revised { .. }
        | RoomEventKind::Withdrawn { .. }
        | RoomEventKind::EditWithdrawn { .. } => None,
    }
}

/// Whom a line names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Named {
    author: UserId,
    other: Option<UserId>,
}

/// Reads no more of a line than whom it names, and copies nothing.
fn peek(bytes: &[u8]) -> Option<Named> {
    type Line<'a> = (EventNo, RoomId, Seq, UserId, &'a str, Timestamp, Other);
    let (_version, body) = bytes.split_first()?;
    let (_, _, _, author, _, _, Other(other)) = rmp_serde::from_slice::<Line<'_>>(body).ok()?;
    Some(Named { author, other })
}

/// Whom a line's kind names.
struct Other(Option<UserId>);

impl<'de> Deserialize<'de> for Other {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OfKind)
    }
}

/// A kind is its number as a text, alone or before its fields.
struct OfKind;

impl<'de> Visitor<'de> for OfKind {
    type Value = Other;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a line's kind")
    }

    fn visit_str<E>(self, _number: &str) -> Result<Other, E> {
        Ok(Other(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Other, A::Error> {
        let number: &str = map.next_key()?.unwrap_or_default();
        if is_about_somebody(number) {
            let First(user) = map.next_value()?;
            return Ok(Other(Some(user)));
        }
        map.next_value::<IgnoredAny>()?;
        Ok(Other(None))
    }
}

/// Whether the kind of this number begins with the id of somebody besides the author. A test holds
/// it together with [`other_of`].
fn is_about_somebody(number: &str) -> bool {
    number.parse().is_ok_and(|number: u8| (9..=15).contains(&number))
}

/// The first of a kind's fields.
struct First(UserId);

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the fields of a kind")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<First, A::Error> {
                let user = fields.next_element()?.unwrap_or_default();
                while fields.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(user))
            }
        }
        deserializer.deserialize_seq(Fields)
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::{
        Action, BanUser, Command, DeleteUser, Event, InviteUser, KickUser, MuteUser, PasswordHash, Role, RoomEvent,
        SetRole, UnbanUser, UnmuteUser,
    };

    use super::*;
    use crate::session::scene::{Scene, room_name, user_name};

    fn lines(events: Vec<Event>) -> Vec<RoomEvent> {
        let line = |event| match event {
            Event::Room(line) => Some(line),
            Event::State(_) => None,
        };
        events.into_iter().filter_map(line).collect()
    }

    fn delete(scene: &mut Scene, name: &str) {
        let deleted = scene.command(Command::DeleteUser(DeleteUser {
            device: scene.device(name),
            proven: PasswordHash::parse(name).unwrap(),
            purge_messages: false,
        }));
        assert!(deleted.outcome.is_ok(), "{deleted:?}");
    }

    /// Every kind of line that names somebody besides its author, by ada, about bob; and others.
    fn all_lines(scene: &mut Scene) -> Vec<RoomEvent> {
        let (room, user) = (room_name("ops"), user_name("bob"));
        let (lasts, reason) = (None, None);
        let actions = [
            Action::MuteUser(MuteUser {
                room: room.clone(),
                user: user.clone(),
                lasts,
                reason: None,
            }),
            Action::UnmuteUser(UnmuteUser {
                room: room.clone(),
                user: user.clone(),
            }),
            Action::SetRole(SetRole {
                room: room.clone(),
                user: user.clone(),
                role: Role::Moderator,
            }),
            Action::KickUser(KickUser {
                room: room.clone(),
                user: user.clone(),
                reason: None,
            }),
            Action::InviteUser(InviteUser {
                room: room.clone(),
                user: user.clone(),
            }),
            Action::BanUser(BanUser {
                room: room.clone(),
                user: user.clone(),
                lasts,
                reason,
            }),
            Action::UnbanUser(UnbanUser { room, user }),
        ];
        let mut found = lines(scene.post("ada", "ops", "hi").events);
        for action in actions {
            let applied = scene.applied("ada", action);
            assert!(applied.outcome.is_ok(), "{applied:?}");
            found.extend(lines(applied.events));
        }
        assert_eq!(found.len(), 8);
        found
    }

    fn scene() -> Scene {
        let mut scene = Scene::of(&["ada", "bob", "eve"]);
        scene.room("ops", false, "ada", &["bob", "eve"]);
        scene
    }

    #[test]
    fn whom_a_line_names_is_read_without_taking_it_apart() {
        let mut scene = scene();
        for mut line in all_lines(&mut scene) {
            let other = other_of(&mut line.kind).map(|(user, _)| user);
            let author = line.author;
            assert_eq!(peek(&event::encode(&line)), Some(Named { author, other }), "{line:?}");
        }
        assert_eq!(peek(b"\x01"), None);
    }

    #[test]
    fn a_line_of_people_who_are_there_goes_as_it_is_stored() {
        let mut scene = scene();
        let found = all_lines(&mut scene);
        delete(&mut scene, "eve");
        for line in found {
            let bytes = event::encode(&line);
            let sent = shown(&scene.state, bytes.clone());
            assert_eq!(sent.as_ptr(), bytes.as_ptr(), "{line:?}");
        }
    }

    #[test]
    fn who_has_deleted_the_account_is_shown_as_deleted() {
        let mut scene = scene();
        let found = all_lines(&mut scene);
        delete(&mut scene, "bob");
        for line in &found {
            let mut sent = event::decode(&shown(&scene.state, event::encode(line))).unwrap();
            assert_eq!(sent.author_name, user_name("ada"));
            let other = other_of(&mut sent.kind).map(|(_, name)| name.clone());
            assert!(other.is_none_or(|name| name == UserName::deleted()), "{line:?}");
        }
        delete(&mut scene, "ada");
        for line in &found {
            let sent = event::decode(&shown(&scene.state, event::encode(line))).unwrap();
            assert_eq!(sent.author_name, UserName::deleted(), "{line:?}");
            assert_eq!((sent.author, sent.seq), (line.author, line.seq));
        }
    }
}
