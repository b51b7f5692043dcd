//! What people type where a room or a user is meant.

use quorate_client::{RoomName, RoomRef, UserName};

/// Reads `ROOM`, or `@USER` for the direct room with a user.
pub(crate) fn parse_room(text: &str) -> Result<RoomRef, String> {
    match text.strip_prefix('@') {
        Some(user) if !user.contains('+') => match UserName::parse(user) {
            Ok(user) => Ok(RoomRef::Direct(user)),
            Err(error) => Err(error.to_string()),
        },
        _ => match RoomName::parse(text) {
            Ok(room) => Ok(RoomRef::Name(room)),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// Reads a user's name, with or without the `@`.
pub(crate) fn parse_user(text: &str) -> Result<UserName, String> {
    UserName::parse(text.strip_prefix('@').unwrap_or(text)).map_err(|error| error.to_string())
}

/// How it is typed.
pub(crate) fn show_room(room: &RoomRef) -> String {
    match room {
        RoomRef::Name(room) => room.to_string(),
        RoomRef::Direct(user) => format!("@{user}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_an_at_user_and_a_direct_rooms_own_name_are_told_apart() {
        assert_eq!(parse_room("Ops"), Ok(RoomRef::Name(RoomName::parse("ops").unwrap())));
        assert_eq!(parse_room("@Bob"), Ok(RoomRef::Direct(UserName::parse("bob").unwrap())));
        let (al, bob) = (UserName::parse("al").unwrap(), UserName::parse("bob").unwrap());
        assert_eq!(parse_room("@bob+al"), Ok(RoomRef::Name(RoomName::direct(&al, &bob))));
        for text in ["", "@", "a room", "@b ob", "x@y"] {
            assert!(parse_room(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_user_is_named_with_or_without_the_at() {
        let bob = UserName::parse("bob").unwrap();
        assert_eq!((parse_user("bob"), parse_user("@bob")), (Ok(bob.clone()), Ok(bob)));
        assert!(parse_user("@@bob").is_err());
    }
}
