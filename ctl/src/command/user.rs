//! `chatctl users`: accounts, from the operators' side.

use quorate_adminapi::{NewPassword, NewRole, NewUser, Sessions, UserDetails, UserPage, UserRow, format_bytes};
use quorate_core::NodeId;
use serde_json::{Value, json};

use super::{dry, export};
use crate::cli::{Global, ListArgs, UsersCommand};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::link::{Link, escaped};
use crate::output::Answer;
use crate::screen::{Column, Grid, Paint, Screen, Text};
use crate::secret::new_password;

/// Rows asked for at once.
const PAGE: u32 = 500;

pub(super) async fn run(link: &Link<'_>, global: &Global, command: &UsersCommand) -> Result<Answer, Failure> {
    let users = Users { link, global };
    match command {
        UsersCommand::List(args) => list(link, args).await,
        UsersCommand::Show { user } => show(link, user).await,
        UsersCommand::Create { user, role, password } => {
            let asked = NewUser {
                user: user.clone(),
                password: new_password(*password)?,
                role: role.word().to_owned(),
            };
            if global.dry_run {
                let data = json!({"user": user, "role": role.word()});
                return Ok(dry(&data));
            }
            let made: UserRow = link.post("/v1/users", &asked).await?;
            Ok(Answer::new(
                &made,
                Screen::default().raw(format!("{} is made\n", made.user)),
            ))
        }
        UsersCommand::Passwd { user, password } => {
            let asked = NewPassword {
                password: new_password(*password)?,
            };
            let change = async { link.put(&format!("{}/password", path(user)), &asked).await };
            users
                .change(
                    user,
                    json!({}),
                    "has another password, and is logged out everywhere",
                    change,
                )
                .await
        }
        UsersCommand::Disable { user } => {
            let change = async { link.post(&format!("{}/disable", path(user)), &json!({})).await };
            users
                .change(user, json!({"state": "disabled"}), "is disabled", change)
                .await
        }
        UsersCommand::Enable { user } => {
            let change = async { link.post(&format!("{}/enable", path(user)), &json!({})).await };
            users
                .change(user, json!({"state": "active"}), "is enabled", change)
                .await
        }
        UsersCommand::Delete { user, purge_messages } => {
            if !global.dry_run {
                let texts = if *purge_messages {
                    " and the texts of all its messages"
                } else {
                    ""
                };
                confirm(global, &format!("end the account {user} for ever{texts}"))?;
            }
            let path = format!("{}?purge_messages={purge_messages}", path(user));
            let change = async { link.delete(&path).await };
            users.change(user, json!({"deleted": true}), "is deleted", change).await
        }
        UsersCommand::Role { user, role } => {
            let role = role.word().to_owned();
            let (told, data) = (format!("is {role} now"), json!({"role": role}));
            let change = async { link.put(&format!("{}/role", path(user)), &NewRole { role }).await };
            users.change(user, data, &told, change).await
        }
        UsersCommand::Sessions {
            user, revoke: Some(id), ..
        } => {
            let change = async { link.delete(&format!("{}/sessions/{}", path(user), escaped(id))).await };
            users
                .change(user, json!({"revoked": id}), "is logged out there", change)
                .await
        }
        UsersCommand::Sessions {
            user, revoke_all: true, ..
        } => {
            let change = async { link.delete(&format!("{}/sessions", path(user))).await };
            users
                .change(user, json!({"revoked": "all"}), "is logged out everywhere", change)
                .await
        }
        UsersCommand::Sessions { user, .. } => sessions(link, user).await,
        UsersCommand::Export { user, file } => {
            if global.dry_run {
                let found: UserDetails = link.get(&path(user)).await?;
                return Ok(dry(&json!({"exported": found.row.user})));
            }
            export::run(link, &format!("{}/export", path(user)), user, file).await
        }
    }
}

struct Users<'a> {
    link: &'a Link<'a>,
    global: &'a Global,
}

impl Users<'_> {
    /// Makes a change, or says what would be changed if the account is there.
    async fn change(
        &self,
        user: &str,
        mut data: Value,
        told: &str,
        change: impl Future<Output = Result<(), Failure>>,
    ) -> Result<Answer, Failure> {
        data["user"] = json!(user);
        if self.global.dry_run {
            let _: UserDetails = self.link.get(&path(user)).await?;
            return Ok(dry(&data));
        }
        change.await?;
        Ok(Answer::new(&data, Screen::default().raw(format!("{user} {told}\n"))))
    }
}

fn path(user: &str) -> String {
    format!("/v1/users/{}", escaped(user))
}

/// The part of a path that says which rows of a list.
pub(super) fn asked(args: &ListArgs, after: Option<&str>, have: usize) -> String {
    let left = args.limit.saturating_sub(u32::try_from(have).unwrap_or(u32::MAX));
    let mut asked = format!("?limit={}", left.clamp(1, PAGE));
    for (name, value) in [("match", args.matching.as_deref()), ("after", after)] {
        if let Some(value) = value {
            asked.push_str(&format!("&{name}={}", escaped(value)));
        }
    }
    asked
}

/// With a word about what comes after the rows that are shown.
pub(super) fn with_more(mut answer: Answer, next: Option<&str>) -> Answer {
    answer
        .warnings
        .extend(next.map(|next| format!("there may be more: --after {next}")));
    answer
}

async fn list(link: &Link<'_>, args: &ListArgs) -> Result<Answer, Failure> {
    let mut rows: Vec<UserRow> = Vec::new();
    let mut next = args.after.clone();
    loop {
        let page: UserPage = link
            .get(&format!("/v1/users{}", asked(args, next.as_deref(), rows.len())))
            .await?;
        rows.extend(page.users);
        next = page.next;
        if next.is_none() || rows.len() >= args.limit as usize {
            break;
        }
    }
    let mut grid = Grid::new(&[
        Column::left("USER"),
        Column::left("ROLE"),
        Column::left("STATE"),
        Column::left("BOT-OF").rank(1),
        Column::left("LAST-LOGIN").rank(3),
        Column::right("DEVICES").rank(2),
        Column::right("ROOMS").rank(2),
        Column::left("REGISTERED").wide(),
    ]);
    for row in &rows {
        grid.row(vec![
            Text::new(&row.user),
            Text::new(&row.role),
            state(row),
            Text::or_dash(row.bot_of.as_ref()),
            Text::new(row.last_login),
            Text::new(row.devices),
            Text::new(row.rooms),
            Text::new(row.registered_at),
        ]);
    }
    Ok(with_more(
        Answer::new(&rows, Screen::default().grid(grid)),
        next.as_deref(),
    ))
}

fn state(row: &UserRow) -> Text {
    match (row.state.as_str(), row.banned) {
        (state, false) if state == "active" => Text::new(state),
        (state, false) => Text::new(state).paint(Paint::Bad),
        ("active", true) => Text::new("banned").paint(Paint::Bad),
        (state, true) => Text::new(format!("{state}, banned")).paint(Paint::Bad),
    }
}

async fn show(link: &Link<'_>, user: &str) -> Result<Answer, Failure> {
    let found: UserDetails = link.get(&path(user)).await?;
    let row = &found.row;
    let rooms = found.memberships.iter().map(|at| format!("{} ({})", at.room, at.role));
    let ban = found.ban.as_ref().map(|ban| {
        let until = ban
            .until
            .map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"));
        format!("{until}, ban {}", ban.id)
    });
    let screen = Screen::default().pairs([
        ("user", Text::new(&row.user)),
        ("role", Text::new(&row.role)),
        ("state", state(row)),
        ("banned", Text::or_dash(ban)),
        ("bot of", Text::or_dash(row.bot_of.as_ref())),
        ("registered", Text::new(row.registered_at)),
        ("last login", Text::new(row.last_login)),
        ("devices", Text::new(row.devices)),
        ("text", Text::new(format_bytes(found.text_bytes))),
        ("bots", Text::new(found.bots.join(", "))),
        ("rooms", Text::new(rooms.collect::<Vec<_>>().join(", "))),
    ]);
    Ok(Answer::new(&found, screen))
}

async fn sessions(link: &Link<'_>, user: &str) -> Result<Answer, Failure> {
    let found: Sessions = link.get(&format!("{}/sessions", path(user))).await?;
    let names = |nodes: &[NodeId]| {
        nodes
            .iter()
            .map(|node| format!("n{node}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let online = match names(&found.online_at) {
        nodes if nodes.is_empty() => format!("{} is not connected to any node", found.user),
        nodes => format!("{} is connected to {nodes}", found.user),
    };
    let mut grid = Grid::new(&[
        Column::left("ID"),
        Column::left("NAME"),
        Column::left("LOGGED-IN").rank(1),
        Column::left("LAST-SEEN"),
        Column::left("AT"),
    ]);
    for row in &found.devices {
        grid.row(vec![
            Text::new(&row.id),
            Text::new(&row.name),
            Text::new(row.logged_in_at),
            Text::new(row.last_seen),
            Text::or_dash(Some(names(&row.nodes)).filter(|nodes| !nodes.is_empty())),
        ]);
    }
    Ok(Answer::new(&found, Screen::default().heading(online).grid(grid)))
}
