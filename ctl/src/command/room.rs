//! `chatctl rooms`: rooms, from the operators' side.

use quorate_adminapi::{Archived, Lasting, NewOwner, NewRoom, RoomMember, RoomPage, RoomRow, format_duration};
use serde_json::{Value, json};

use super::user::{asked, with_more};
use super::{dry, export, rule};
use crate::cli::{Global, ListArgs, RoomsCommand};
use crate::confirm::confirm;
use crate::failure::Failure;
use crate::link::{Link, escaped};
use crate::output::Answer;
use crate::screen::{Column, Grid, Screen, Text, grouped};

pub(super) async fn run(link: &Link<'_>, global: &Global, command: &RoomsCommand) -> Result<Answer, Failure> {
    let rooms = Rooms { link, global };
    match command {
        RoomsCommand::List(args) => list(link, args).await,
        RoomsCommand::Show { room } => show(link, room).await,
        RoomsCommand::Create {
            room,
            owner,
            private,
            topic,
        } => {
            let asked = NewRoom {
                room: room.clone(),
                owner: owner.clone(),
                private: *private,
                topic: topic.clone(),
            };
            if global.dry_run {
                return Ok(dry(&asked));
            }
            let made: RoomRow = link.post("/v1/rooms", &asked).await?;
            let owns = made.owner.as_deref().unwrap_or("nobody");
            let told = format!("{} is made, and {owns} owns it\n", made.room);
            let mut answer = Answer::new(&made, Screen::default().raw(told));
            if owner.is_none() {
                let who = format!(
                    "{owns} was chosen to own it: chatctl rooms set-owner {} USER",
                    made.room
                );
                answer.notes.push(who);
            }
            Ok(answer)
        }
        RoomsCommand::Archive { room, undo } => {
            let archived = !undo;
            let told = if archived {
                "is closed for writing"
            } else {
                "is open again"
            };
            let change = async {
                link.put(&format!("{}/archived", path(room)), &Archived { archived })
                    .await
            };
            rooms.change(room, json!({"archived": archived}), told, change).await
        }
        RoomsCommand::Delete { room } => {
            if !global.dry_run {
                confirm(global, &format!("end the room {room} with all that was said there"))?;
            }
            let change = async { link.delete(&path(room)).await };
            rooms.change(room, json!({"deleted": true}), "is deleted", change).await
        }
        RoomsCommand::Members { room } => members(link, room).await,
        RoomsCommand::SetOwner { room, user } => {
            let (owner, told) = (NewOwner { user: user.clone() }, format!("belongs to {user}"));
            let change = async { link.put(&format!("{}/owner", path(room)), &owner).await };
            rooms.change(room, json!({"owner": user}), &told, change).await
        }
        RoomsCommand::Retention { room, rule } => rule::retention(link, Some(room), *rule, global.dry_run).await,
        RoomsCommand::Export { room, file } => {
            if global.dry_run {
                let found: RoomRow = link.get(&path(room)).await?;
                return Ok(dry(&json!({"exported": found.room})));
            }
            export::run(link, &format!("{}/export", path(room)), room, file).await
        }
    }
}

struct Rooms<'a> {
    link: &'a Link<'a>,
    global: &'a Global,
}

impl Rooms<'_> {
    /// Makes a change, or says what would be changed if the room is there.
    async fn change(
        &self,
        room: &str,
        mut data: Value,
        told: &str,
        change: impl Future<Output = Result<(), Failure>>,
    ) -> Result<Answer, Failure> {
        data["room"] = json!(room);
        if self.global.dry_run {
            let _: RoomRow = self.link.get(&path(room)).await?;
            return Ok(dry(&data));
        }
        change.await?;
        Ok(Answer::new(&data, Screen::default().raw(format!("{room} {told}\n"))))
    }
}

fn path(room: &str) -> String {
    format!("/v1/rooms/{}", escaped(room))
}

async fn list(link: &Link<'_>, args: &ListArgs) -> Result<Answer, Failure> {
    let mut rows: Vec<RoomRow> = Vec::new();
    let mut next = args.after.clone();
    loop {
        let page: RoomPage = link
            .get(&format!("/v1/rooms{}", asked(args, next.as_deref(), rows.len())))
            .await?;
        rows.extend(page.rooms);
        next = page.next;
        if next.is_none() || rows.len() >= args.limit as usize {
            break;
        }
    }
    let mut grid = Grid::new(&[
        Column::left("ROOM"),
        Column::left("OWNER"),
        Column::left("KIND"),
        Column::right("MEMBERS"),
        Column::right("MESSAGES").rank(2),
        Column::right("LAST-SEQ").rank(1),
        Column::left("CREATED").wide(),
        Column::left("TOPIC").wide(),
    ]);
    for row in &rows {
        grid.row(vec![
            Text::new(&row.room),
            Text::or_dash(row.owner.as_ref()),
            Text::new(kind(row)),
            Text::new(row.members),
            Text::new(grouped(row.messages)),
            Text::new(row.last_seq),
            Text::new(row.created_at),
            Text::new(&row.topic),
        ]);
    }
    Ok(with_more(
        Answer::new(&rows, Screen::default().grid(grid)),
        next.as_deref(),
    ))
}

fn kind(row: &RoomRow) -> &'static str {
    match (row.private, row.archived) {
        (false, false) => "public",
        (true, false) => "private",
        (false, true) => "public, archived",
        (true, true) => "private, archived",
    }
}

async fn show(link: &Link<'_>, room: &str) -> Result<Answer, Failure> {
    let row: RoomRow = link.get(&path(room)).await?;
    let off = || "off".to_owned();
    let age = row
        .retention
        .max_age
        .map_or_else(off, |Lasting(age)| format_duration(age));
    let screen = Screen::default().pairs([
        ("room", Text::new(&row.room)),
        ("topic", Text::new(&row.topic)),
        ("kind", Text::new(kind(&row))),
        ("owner", Text::or_dash(row.owner.as_ref())),
        ("members", Text::new(row.members)),
        ("messages", Text::new(grouped(row.messages))),
        ("lines", Text::new(format!("{} to {}", row.first_seq, row.last_seq))),
        ("created", Text::new(row.created_at)),
        ("max age", Text::new(age)),
        (
            "max count",
            Text::new(row.retention.max_count.map_or_else(off, grouped)),
        ),
    ]);
    Ok(Answer::new(&row, screen))
}

async fn members(link: &Link<'_>, room: &str) -> Result<Answer, Failure> {
    let rows: Vec<RoomMember> = link.get(&format!("{}/members", path(room))).await?;
    let mut grid = Grid::new(&[Column::left("USER"), Column::left("ROLE"), Column::left("MUTED")]);
    for row in &rows {
        let muted = if row.muted { "yes" } else { "no" };
        grid.row(vec![Text::new(&row.user), Text::new(&row.role), Text::new(muted)]);
    }
    Ok(Answer::new(&rows, Screen::default().grid(grid)))
}
