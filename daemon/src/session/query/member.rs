//! Who is in a room, and who has to stay out.

use quorate_core::{Ban, Member, Role, RoomRef, Timestamp, UserId, UserName};
use quorate_protocol::client::{Answer, BanRow, Failure, ListBans, ListMembers, MemberRow};

use super::Look;
use super::page::{after_user, firsts, page};
use crate::session::present::name_of;
use crate::session::reply::by_core;

pub(super) fn members(look: &Look<'_>, ask: &ListMembers) -> Result<Answer, Failure> {
    let state = look.state;
    let id = state.visible_room(look.user, &ask.room);
    let id = id.map_err(|refusal| by_core(&refusal))?;
    let after = after_user(ask.after.as_ref())?;
    let all = state.members(id).filter_map(|(user, member)| {
        let name = &state.user(user)?.name;
        after
            .as_ref()
            .is_none_or(|after| name > after)
            .then_some((name, (user, member)))
    });
    let row = |(name, (user, member)): (&UserName, (UserId, &Member))| {
        Some(MemberRow {
            user: name.clone(),
            role: member.role,
            muted: member.muted_until > look.now,
            presence: look.board.of(user),
        })
    };
    Ok(Answer::Members(page(
        ask.limit,
        firsts(all.collect(), ask.limit),
        row,
        |row| row.user.to_string(),
    )))
}

/// For those who may lift them.
pub(super) fn bans(look: &Look<'_>, ask: &ListBans) -> Result<Answer, Failure> {
    let state = look.state;
    let room = RoomRef::Name(ask.room.clone());
    let id = state.readable_room(look.user, &room);
    let id = id.map_err(|refusal| by_core(&refusal))?;
    let role = state.member(id, look.user).map(|member| member.role);
    if ask.room.is_direct() || role.is_none_or(|role| role.rank() < Role::Moderator.rank()) {
        return Err(by_core(&quorate_core::Refusal::NotAllowed));
    }
    let after = after_user(ask.after.as_ref())?;
    let all = state.bans(id).filter_map(|(user, ban)| {
        let name = &state.user(user)?.name;
        let is_after = after.as_ref().is_none_or(|after| name > after);
        (is_after && ban.holds(look.now)).then_some((name, ban))
    });
    let row = |(name, ban): (&UserName, &Ban)| {
        Some(BanRow {
            user: name.clone(),
            by: name_of(state, ban.by)?,
            until: ban.until.filter(|until| *until < Timestamp(u64::MAX)),
        })
    };
    Ok(Answer::Bans(page(
        ask.limit,
        firsts(all.collect(), ask.limit),
        row,
        |row| row.user.to_string(),
    )))
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, BanUser, MuteUser, Span};
    use quorate_protocol::client::Presence;

    use super::*;
    use crate::presence::Board;
    use crate::session::scene::{Scene, room_name, user_name};

    fn scene() -> Scene {
        let mut scene = Scene::of(&["ada", "bob", "carl", "eve"]);
        scene.room("ops", false, "ada", &["carl", "bob"]);
        scene
    }

    fn asked(limit: u16, after: Option<&str>) -> ListMembers {
        ListMembers {
            room: RoomRef::Name(room_name("ops")),
            after: after.map(str::to_owned),
            limit,
        }
    }

    #[test]
    fn members_are_listed_by_name_with_who_is_there_and_who_is_silenced() {
        let mut scene = scene();
        let mute = Action::MuteUser(MuteUser {
            room: room_name("ops"),
            user: user_name("carl"),
            lasts: Some(Span(5000)),
            reason: None,
        });
        scene.act("ada", mute).unwrap();
        let board = Board::new(true);
        let _bob = board.enter(scene.id("bob"));
        let mut look = Look::of(&scene, &board, "eve");
        let rows = |look: &Look<'_>, limit, after| match members(look, &asked(limit, after)) {
            Ok(Answer::Members(page)) => (page.rows, page.next),
            other => panic!("{other:?}"),
        };
        let (all, next) = rows(&look, 0, None);
        let shown: Vec<_> = all
            .iter()
            .map(|row| (row.user.as_str(), row.muted, row.presence))
            .collect();
        assert_eq!(
            shown,
            [
                ("ada", false, Presence::Offline),
                ("bob", false, Presence::Online),
                ("carl", true, Presence::Offline)
            ]
        );
        assert_eq!(next, None);
        let (page, next) = rows(&look, 1, Some("ada"));
        assert_eq!((page[0].user.as_str(), next.as_deref()), ("bob", Some("bob")));
        // Log time stands still while nobody writes.
        look.now = Timestamp(look.now.0 + 6000);
        assert!(rows(&look, 0, None).0.iter().all(|row| !row.muted));
    }

    #[test]
    fn bans_are_for_moderators_and_those_that_have_run_out_are_none() {
        let mut scene = scene();
        for (name, lasts) in [("eve", None), ("bob", Some(Span(5000)))] {
            let ban = Action::BanUser(BanUser {
                room: room_name("ops"),
                user: user_name(name),
                lasts,
                reason: None,
            });
            scene.act("ada", ban).unwrap();
        }
        let board = Board::new(true);
        let ask = ListBans {
            room: room_name("ops"),
            after: None,
            limit: 0,
        };
        let listed = |name, later| {
            let mut look = Look::of(&scene, &board, name);
            look.now = Timestamp(look.now.0 + later);
            match bans(&look, &ask) {
                Ok(Answer::Bans(page)) => {
                    let rows = page
                        .rows
                        .into_iter()
                        .map(|row| (row.user.to_string(), row.until.is_some()));
                    Ok(rows.collect::<Vec<_>>())
                }
                Ok(other) => panic!("{other:?}"),
                Err(Failure::Refused { code, .. }) => Err(code),
                Err(other) => panic!("{other:?}"),
            }
        };
        assert_eq!(listed("ada", 0), Ok(vec![("bob".into(), true), ("eve".into(), false)]));
        assert_eq!(listed("ada", 6000), Ok(vec![("eve".into(), false)]));
        assert_eq!(listed("carl", 0), Err("not-allowed".into()));
        assert_eq!(listed("eve", 0), Err("not-a-member".into()));
    }
}
