//! Accounts, devices, bots.

use quorate_core::{Glob, State, User, UserId, UserName};
use quorate_protocol::client::{Account, AccountRow, Answer, DeviceRow, Failure, ListAccounts, Page};

use super::Look;
use super::page::{Rows, after_user};
use crate::session::present::name_of;
use crate::session::reply::{not_logged_in, refused};

/// Names that one page looks at: where few match, a page may come out short.
const NAMES_LOOKED_MAX: usize = 5000;

pub(super) fn accounts(look: &Look<'_>, ask: &ListAccounts) -> Result<Answer, Failure> {
    let glob = ask.matching.as_deref().map(Glob::parse).transpose();
    let glob = glob.map_err(|error| refused("bad-pattern", error))?;
    let after = after_user(ask.after.as_ref())?;
    let row = |id, user: &User| account_row(look, id, user);
    let page = matching(look.state, glob.as_ref(), after, ask.limit, NAMES_LOOKED_MAX, row);
    Ok(Answer::Accounts(page))
}

pub(super) fn devices(look: &Look<'_>) -> Answer {
    let rows = look.state.devices_of(look.user).map(|(id, device)| DeviceRow {
        device: id,
        name: device.name.clone(),
        bound_at: device.bound_at,
    });
    // All on one page: the core bounds how many there are.
    Answer::Devices(Page {
        rows: rows.collect(),
        next: None,
    })
}

pub(super) fn bots(look: &Look<'_>) -> Answer {
    let bots = look.state.bots_of(look.user).filter(|(_, bot)| bot.is_active());
    let mut rows: Vec<_> = bots.map(|(id, bot)| account_row(look, id, bot)).collect();
    rows.sort_unstable_by(|one, other| one.user.cmp(&other.user));
    Answer::Accounts(Page { rows, next: None })
}

pub(super) fn own(look: &Look<'_>) -> Result<Answer, Failure> {
    let (state, id) = (look.state, look.user);
    let user = state.user(id).ok_or_else(not_logged_in)?;
    Ok(Answer::Account(Account {
        user: user.name.clone(),
        registered_at: user.registered_at,
        device: look.device,
        last_login: user.last_login,
        owner: user.owner.and_then(|owner| name_of(state, owner)),
        text_bytes: state.text_bytes(id),
        text_bytes_max: state.quota(id).text_bytes_max,
    }))
}

fn account_row(look: &Look<'_>, id: UserId, user: &User) -> AccountRow {
    AccountRow {
        user: user.name.clone(),
        bot: user.owner.is_some(),
        registered_at: user.registered_at,
        last_login: user.last_login,
        presence: look.board.of(id),
    }
}

fn matching(
    state: &State,
    glob: Option<&Glob>,
    after: Option<UserName>,
    limit: u16,
    looked_max: usize,
    row: impl Fn(UserId, &User) -> AccountRow,
) -> Page<AccountRow> {
    let mut rows = Rows::new(limit);
    for (looked, (id, user)) in state.users_like(glob, after.as_ref()).enumerate() {
        let is_match = glob.is_none_or(|glob| glob.matches(user.name.as_str()));
        if is_match && !rows.push(row(id, user)) {
            return rows.full(|row| row.user.to_string());
        }
        if looked + 1 >= looked_max {
            return rows.until(Some(user.name.to_string()));
        }
    }
    rows.last()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::presence::Board;
    use crate::session::scene::Scene;

    const NAMES: [&str; 9] = ["a", "ada", "ada.b", "adam", "bab", "bob", "carl", "däve", "zoe"];

    fn ask(matching: Option<&str>, after: Option<&str>, limit: u16) -> ListAccounts {
        ListAccounts {
            matching: matching.map(str::to_owned),
            after: after.map(str::to_owned),
            limit,
        }
    }

    fn names(page: &Page<AccountRow>) -> Vec<&str> {
        page.rows.iter().map(|row| row.user.as_str()).collect()
    }

    fn found(scene: &Scene, ask: &ListAccounts) -> Page<AccountRow> {
        let board = Board::new(true);
        match accounts(&Look::of(scene, &board, "zoe"), ask) {
            Ok(Answer::Accounts(page)) => page,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn all_names_that_match_are_found_wherever_the_pattern_begins() {
        let scene = Scene::of(&NAMES);
        for pattern in [
            "*", "a*", "ad*", "ada*", "ada", "ada.*", "*b", "?a*", "A*", "d?ve", "x*", "-*", "ada.", "", "*o*",
        ] {
            let glob = Glob::parse(pattern).unwrap();
            let expected: Vec<_> = NAMES.into_iter().filter(|name| glob.matches(name)).collect();
            assert_eq!(
                names(&found(&scene, &ask(Some(pattern), None, 0))),
                expected,
                "{pattern}"
            );
        }
        assert_eq!(names(&found(&scene, &ask(None, None, 0))), NAMES);
    }

    #[test]
    fn pages_follow_one_another() {
        let scene = Scene::of(&NAMES);
        for (pattern, limit) in [("*", 2), ("a*", 1), ("*a*", 3), ("ada*", 1)] {
            let glob = Glob::parse(pattern).unwrap();
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let page = found(&scene, &ask(Some(pattern), after.as_deref(), limit));
                all.extend(page.rows.iter().map(|row| row.user.to_string()));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            let expected: Vec<_> = NAMES.into_iter().filter(|name| glob.matches(name)).collect();
            assert_eq!(all, expected, "{pattern} by {limit}");
        }
    }

    #[test]
    fn a_page_looks_at_so_many_names_and_says_where_to_go_on() {
        let scene = Scene::of(&NAMES);
        let board = Board::new(false);
        let look = Look::of(&scene, &board, "zoe");
        let glob = Glob::parse("*o*").unwrap();
        let row = |id, user: &User| account_row(&look, id, user);
        let page = matching(&scene.state, Some(&glob), None, 0, 6, row);
        assert_eq!((names(&page), page.next.as_deref()), (vec!["bob"], Some("bob")));
        let after = UserName::parse("bob").ok();
        let page = matching(&scene.state, Some(&glob), after, 0, 6, row);
        assert_eq!((names(&page), page.next.as_deref()), (vec!["zoe"], None));
    }

    #[test]
    fn a_cursor_that_is_none_is_refused() {
        let scene = Scene::of(&NAMES);
        let board = Board::new(true);
        let refused = accounts(&Look::of(&scene, &board, "zoe"), &ask(None, Some("no name"), 0));
        assert!(matches!(refused, Err(Failure::Refused { code, .. }) if code == "bad-cursor"));
    }
}
