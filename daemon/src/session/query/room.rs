//! Rooms, and what is unread in them.

use std::iter;

use quorate_core::{Room, RoomId, RoomName, RoomStanding};
use quorate_protocol::client::{Answer, Failure, ListRooms, ListUnread, Page, RoomRow, ShowRoom, UnreadRow};

use super::Look;
use super::page::{after_room, firsts, page};
use crate::session::reply::by_core;

pub(super) fn rooms(look: &Look<'_>, ask: &ListRooms) -> Result<Answer, Failure> {
    let after = after_room(ask.after.as_ref())?;
    let page = if ask.all {
        all(look, ask.limit, after.as_ref())
    } else {
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

/// All rooms that the asker is in or invited to, by name.
pub(super) fn mine(look: &Look<'_>) -> Vec<RoomRow> {
    let mut mine = known(look, None, |_| true);
    mine.sort_unstable_by_key(|(name, _)| *name);
    mine.into_iter().filter_map(|(_, id)| row(look, id)).collect()
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

/// All public rooms, and the private ones that the asker may know of. Nothing else is looked at, so
/// neither a page nor where it ends tells of other rooms.
fn all(look: &Look<'_>, limit: u16, after: Option<&RoomName>) -> Page<RoomRow> {
    let own = firsts(known(look, after, |room| room.private), limit);
    let mut own = own.into_iter().peekable();
    let mut public = look.state.public_rooms_after(after).peekable();
    let merged = iter::from_fn(|| {
        let is_own = own
            .peek()
            .is_some_and(|(own, _)| public.peek().is_none_or(|(_, room)| **own < room.name));
        if is_own {
            own.next().map(|(_, id)| id)
        } else {
            public.next().map(|(id, _)| id)
        }
    });
    page(limit, merged, |id| row(look, id), |row| row.name.to_string())
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, InviteUser, MessageId, PostMessage, RoomRef};
    use quorate_protocol::client::Presence;

    use super::*;
    use crate::presence::Board;
    use crate::session::scene::{Scene, room_name, user_name};

    /// What an asker is shown, page by page: the names, and which cursors came in between.
    fn list(scene: &Scene, name: &str, all: bool, limit: u16) -> (Vec<String>, Vec<String>) {
        let board = Board::new(true);
        let look = Look::of(scene, &board, name);
        let mut ask = ListRooms {
            all,
            after: None,
            limit,
        };
        let (mut names, mut cursors) = (Vec::new(), Vec::new());
        loop {
            let page = match rooms(&look, &ask) {
                Ok(Answer::Rooms(page)) => page,
                other => panic!("{other:?}"),
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
                let (names, _) = list(&scene, name, true, limit);
                assert_eq!(names, known, "{name} by {limit}");
            }
        }
    }

    #[test]
    fn every_cursor_is_the_name_of_a_room_that_was_shown() {
        let scene = scene();
        for all in [true, false] {
            let (names, cursors) = list(&scene, "eve", all, 1);
            assert_eq!(cursors, names[..names.len() - 1]);
        }
    }

    /// What an asker is told who sends this as a cursor.
    fn told(scene: &Scene, all: bool, after: String) -> Result<Answer, Failure> {
        let board = Board::new(true);
        let (after, limit) = (Some(after), 0);
        rooms(&Look::of(scene, &board, "eve"), &ListRooms { all, after, limit })
    }

    #[test]
    fn no_cursor_names_a_room_by_its_id() {
        let scene = scene();
        for (id, _) in scene.state.rooms() {
            for all in [true, false] {
                let told = told(&scene, all, format!("#{id}"));
                assert!(matches!(told, Err(Failure::Refused { code, .. }) if code == "bad-cursor"));
            }
        }
    }

    #[test]
    fn a_strangers_list_is_the_same_whether_or_not_there_are_rooms_that_are_not_for_them() {
        let (scene, mut bare) = (scene(), Scene::of(&["ada", "bob", "eve"]));
        for (room, owner, others) in [
            ("1st", "ada", [].as_slice()),
            ("ops", "ada", &["bob"]),
            ("zoo", "eve", &[]),
        ] {
            bare.room(room, false, owner, others);
        }
        direct(&mut bare, "ada", "eve");
        let cursors = [
            "1st", "2nd", "@ada+bob", "@ada+eve", "a", "plans", "plant", "quiet", "zz",
        ];
        for all in [true, false] {
            for cursor in cursors {
                let told = |scene| told(scene, all, cursor.to_owned());
                assert_eq!(told(&scene), told(&bare), "{cursor}");
            }
        }
    }

    #[test]
    fn ones_own_rooms_are_those_that_one_is_in_or_invited_to() {
        let scene = scene();
        let (names, _) = list(&scene, "bob", false, 2);
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
