//! Rooms, and what is unread in them.

use quorate_core::{Room, RoomId, RoomName, RoomStanding, USER_NAME_CHARS_MAX};
use quorate_protocol::client::{Answer, Failure, ListRooms, ListUnread, Page, RoomRow, ShowRoom, UnreadRow};

use super::Look;
use super::page::{Rows, after_room, bad_cursor, firsts, page};
use crate::session::reply::by_core;

/// Names that one page of all rooms looks at: where most are private, a page may come out short.
const NAMES_LOOKED_MAX: usize = 5000;
/// What a cursor begins with that names a room by its id, since its name is not for the asker.
const BY_ID: char = '#';

pub(super) fn rooms(look: &Look<'_>, ask: &ListRooms) -> Result<Answer, Failure> {
    let page = if ask.all {
        all(look, ask, NAMES_LOOKED_MAX)?
    } else {
        let after = after(look, ask.after.as_ref())?;
        let mine = known(look, after.as_ref(), |_| true);
        page(
            ask.limit,
            firsts(mine, ask.limit),
            |(_, id)| row(look, id),
            |row| row.name.to_string(),
        )
    };
    Ok(Answer::Rooms(page))
}

pub(super) fn room(look: &Look<'_>, ask: &ShowRoom) -> Result<Answer, Failure> {
    let id = look.state.visible_room(look.user, &ask.room);
    let id = id.map_err(|refusal| by_core(&refusal))?;
    Ok(Answer::Rooms(Page {
        rows: row(look, id).into_iter().collect(),
        next: None,
    }))
}

pub(super) fn unread(look: &Look<'_>, ask: &ListUnread) -> Result<Answer, Failure> {
    let (state, user) = (look.state, look.user);
    let after = after_room(ask.after.as_ref())?;
    let mine = state.rooms_of(user).filter_map(|id| Some((&state.room(id)?.name, id)));
    let mine = mine.filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after));
    let row = |(name, id): (&RoomName, RoomId)| {
        Some(UnreadRow {
            room: name.clone(),
            unread: state.unread(id, user)?,
            mentions: state.mentions_unread(id, user)?,
            read: state.member(id, user)?.read,
            last: state.room(id)?.last_seq,
        })
    };
    Ok(Answer::Unread(page(
        ask.limit,
        firsts(mine.collect(), ask.limit),
        row,
        |row| row.room.to_string(),
    )))
}

fn row(look: &Look<'_>, id: RoomId) -> Option<RoomRow> {
    let (state, user) = (look.state, look.user);
    let room = state.room(id)?;
    Some(RoomRow {
        name: room.name.clone(),
        topic: room.topic.clone(),
        private: room.private,
        members: room.members,
        last: room.last_seq,
        first: room.first_seq,
        archived: room.standing == RoomStanding::Archived,
        retention: room.retention,
        role: state.member(id, user).map(|member| member.role),
        invited: state.invitation(id, user).is_some(),
    })
}

/// The rooms that the asker is in or invited to, after a name, unsorted.
fn known<'a>(look: &Look<'a>, after: Option<&RoomName>, which: impl Fn(&Room) -> bool) -> Vec<(&'a RoomName, RoomId)> {
    let (state, user) = (look.state, look.user);
    let invited = state.invitations_of(user).map(|(id, _)| id);
    // Who has become a member has no invitation any more, so no room comes twice.
    state
        .rooms_of(user)
        .chain(invited)
        .filter_map(|id| Some((state.room(id)?, id)))
        .filter(|(room, _)| after.is_none_or(|after| room.name > *after) && which(room))
        .map(|(room, id)| (&room.name, id))
        .collect()
}

/// All public rooms, and the private ones that the asker may know of.
fn all(look: &Look<'_>, ask: &ListRooms, looked_max: usize) -> Result<Page<RoomRow>, Failure> {
    let after = after(look, ask.after.as_ref())?;
    let own = firsts(known(look, after.as_ref(), |room| room.private), ask.limit);
    let mut own = own.into_iter().peekable();
    let name = |row: &RoomRow| row.name.to_string();
    let mut rows = Rows::new(ask.limit);
    for (looked, (id, room)) in named(look, after.as_ref()).enumerate() {
        while let Some((_, own)) = own.next_if(|(own, _)| **own <= room.name) {
            if row(look, own).is_some_and(|row| !rows.push(row)) {
                return Ok(rows.full(name));
            }
        }
        if !room.private && row(look, id).is_some_and(|row| !rows.push(row)) {
            return Ok(rows.full(name));
        }
        if looked + 1 >= looked_max {
            return Ok(rows.until(Some(cursor(id, room))));
        }
    }
    for (_, id) in own {
        if row(look, id).is_some_and(|row| !rows.push(row)) {
            return Ok(rows.full(name));
        }
    }
    Ok(rows.last())
}

/// All rooms after a name but the direct ones: these have their names next to each other, and there
/// may be as many as there are pairs of people.
fn named<'a>(look: &Look<'a>, after: Option<&RoomName>) -> impl Iterator<Item = (RoomId, &'a Room)> {
    let state = look.state;
    let before = state
        .rooms_after(after)
        .take_while(|(_, room)| room.name.as_str() < "@");
    let last_direct = last_direct();
    let behind = after.map_or(&last_direct, |after| after.max(&last_direct));
    before.chain(state.rooms_after(Some(behind)))
}

/// A name that no direct room's comes after.
fn last_direct() -> RoomName {
    let last = char::MAX.to_string().repeat(USER_NAME_CHARS_MAX);
    RoomName::try_from(format!("@{last}+{last}")).expect("it is of the form that direct rooms have")
}

/// Where a page ended that looked at this room last.
fn cursor(id: RoomId, room: &Room) -> String {
    if room.private {
        format!("{BY_ID}{id}")
    } else {
        room.name.to_string()
    }
}

/// The name that a cursor stands for.
fn after(look: &Look<'_>, cursor: Option<&String>) -> Result<Option<RoomName>, Failure> {
    let Some(id) = cursor.and_then(|cursor| cursor.strip_prefix(BY_ID)) else {
        return after_room(cursor);
    };
    let room = id.parse().ok().and_then(|id| look.state.room(id));
    room.map(|room| Some(room.name.clone())).ok_or_else(bad_cursor)
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, InviteUser, MessageId, PostMessage, RoomRef};
    use quorate_protocol::client::Presence;

    use super::*;
    use crate::presence::Board;
    use crate::session::scene::{Scene, room_name, user_name};

    /// What an asker is shown, page by page: the names, and which cursors came in between.
    fn list(scene: &Scene, name: &str, all: bool, limit: u16, looked_max: usize) -> (Vec<String>, Vec<String>) {
        let board = Board::new(true);
        let look = Look::of(scene, &board, name);
        let mut ask = ListRooms {
            all,
            after: None,
            limit,
        };
        let (mut names, mut cursors) = (Vec::new(), Vec::new());
        loop {
            let page = match (all, rooms(&look, &ask)) {
                (true, Ok(_)) => super::all(&look, &ask, looked_max).unwrap(),
                (false, Ok(Answer::Rooms(page))) => page,
                (_, other) => panic!("{other:?}"),
            };
            names.extend(page.rows.iter().map(|row| row.name.to_string()));
            let Some(next) = page.next else {
                return (names, cursors);
            };
            cursors.push(next.clone());
            ask.after = Some(next);
        }
    }

    fn direct(scene: &mut Scene, from: &str, to: &str) {
        let post = PostMessage {
            room: RoomRef::Direct(user_name(to)),
            id: MessageId::parse(to).unwrap(),
            body: quorate_core::Body::parse("hi").unwrap(),
            reply_to: None,
            mentions: Vec::new(),
            calls_room: false,
        };
        scene.act(from, Action::PostMessage(post)).unwrap();
    }

    fn scene() -> Scene {
        let mut scene = Scene::of(&["ada", "bob", "eve"]);
        scene.room("1st", false, "ada", &[]);
        scene.room("2nd", true, "ada", &[]);
        scene.room("ops", false, "ada", &["bob"]);
        scene.room("plans", true, "bob", &[]);
        scene.room("quiet", true, "ada", &[]);
        scene.room("zoo", false, "eve", &[]);
        direct(&mut scene, "ada", "bob");
        direct(&mut scene, "ada", "eve");
        let invite = Action::InviteUser(InviteUser {
            room: room_name("quiet"),
            user: user_name("bob"),
        });
        scene.act("ada", invite).unwrap();
        scene
    }

    #[test]
    fn all_rooms_are_the_public_ones_and_those_one_may_know_of_by_pages_of_any_size() {
        let scene = scene();
        for (name, known) in [
            ("ada", vec!["1st", "2nd", "@ada+bob", "@ada+eve", "ops", "quiet", "zoo"]),
            ("bob", vec!["1st", "@ada+bob", "ops", "plans", "quiet", "zoo"]),
            ("eve", vec!["1st", "@ada+eve", "ops", "zoo"]),
        ] {
            for limit in [0, 1, 2, 3] {
                for looked_max in [1, 2, 3, 100] {
                    let (names, _) = list(&scene, name, true, limit, looked_max);
                    assert_eq!(names, known, "{name} by {limit}, looking at {looked_max}");
                }
            }
        }
    }

    #[test]
    fn no_cursor_tells_the_name_of_a_room_that_is_not_for_the_asker() {
        let scene = scene();
        let (names, cursors) = list(&scene, "eve", true, 0, 1);
        let told: Vec<_> = cursors.iter().filter(|cursor| !cursor.starts_with(BY_ID)).collect();
        assert!(told.iter().all(|cursor| names.contains(cursor)), "{cursors:?}");
        assert!(cursors.len() > told.len());
    }

    #[test]
    fn ones_own_rooms_are_those_that_one_is_in_or_invited_to() {
        let scene = scene();
        let (names, _) = list(&scene, "bob", false, 2, 0);
        assert_eq!(names, ["@ada+bob", "ops", "plans", "quiet"]);
        let board = Board::new(true);
        let row = row(
            &Look::of(&scene, &board, "bob"),
            scene.state.room_by_name(&room_name("quiet")).unwrap().0,
        );
        let row = row.unwrap();
        assert_eq!((row.invited, row.role), (true, None));
    }

    #[test]
    fn a_stranger_to_a_private_room_is_told_that_there_is_none() {
        let scene = scene();
        let board = Board::new(true);
        let look = Look::of(&scene, &board, "eve");
        for name in ["plans", "nowhere"] {
            let ask = ShowRoom {
                room: RoomRef::Name(room_name(name)),
            };
            let told = room(&look, &ask);
            assert!(
                matches!(told, Err(Failure::Refused { code, .. }) if code == "unknown-room"),
                "{name}"
            );
        }
    }

    #[test]
    fn unread_counts_messages_and_mentions_past_the_mark() {
        let mut scene = scene();
        scene.post("ada", "ops", "hi @bob").outcome.unwrap();
        scene.post("ada", "ops", "@room look").outcome.unwrap();
        scene.post("ada", "ops", "nothing").outcome.unwrap();
        let board = Board::new(true);
        let ask = ListUnread {
            after: Some("@ada+bob".into()),
            limit: 1,
        };
        let Ok(Answer::Unread(page)) = unread(&Look::of(&scene, &board, "bob"), &ask) else {
            panic!("it is listed");
        };
        let row = &page.rows[0];
        assert_eq!((row.room.as_str(), row.unread, row.mentions), ("ops", 3, 2));
        assert_eq!(page.next.as_deref(), Some("ops"));
        assert_eq!(board.of(scene.id("bob")), Presence::Offline);
    }
}
