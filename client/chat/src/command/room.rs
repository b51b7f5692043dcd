//! Rooms and who is in them.

use quorate_client::{Client, OutboxKind, RequestError, Retention, RoomName, RoomRef, Seq, UserName};
use serde_json::json;

use super::{ask, once, open};
use crate::cli::{Cli, CreateArgs, KickArgs, Limit, MemberArgs, RetentionArgs, RoomCommand};
use crate::exit::Exit;
use crate::{json as forms, output, text, time};

pub(super) async fn run(cli: &Cli, command: &RoomCommand) -> Result<(), Exit> {
    if let RoomCommand::DeleteRoom { room, yes: false } = command {
        let what = format!("the room {room} ends, with all that was said in it");
        ask::confirm(&what, room.as_str()).await?;
    }
    let outbox = match command {
        // Nothing to keep, and no time to finish what others left.
        RoomCommand::Rooms { .. } | RoomCommand::Bans { .. } | RoomCommand::Members { .. } => OutboxKind::Memory,
        _ => OutboxKind::Durable,
    };
    let client = open(cli, outbox)?;
    once(&client, async |client| {
        Box::pin(ask_for(client, command, cli.json)).await
    })
    .await
}

async fn ask_for(client: &Client, command: &RoomCommand, json: bool) -> Result<(), Exit> {
    match command {
        RoomCommand::Rooms { all } => list(client, *all, json).await,
        RoomCommand::Create(args) => create(client, args, json).await,
        RoomCommand::Join { room } => {
            client.join(room).await?;
            output::either(json, &json!({"room": room.as_str()}), &format!("joined {room}"))
        }
        RoomCommand::Leave { room } => {
            client.leave(room).await?;
            output::either(json, &json!({"room": room.as_str()}), &format!("left {room}"))
        }
        RoomCommand::Invite(whom) => {
            let line = client.invite(&whom.room, &whom.user).await;
            member(&whom.room, &whom.user, "is invited to", line, json)
        }
        RoomCommand::Kick(KickArgs { whom, reason }) => {
            let line = client.kick(&whom.room, &whom.user, reason.clone()).await;
            member(&whom.room, &whom.user, "is no member any more of", line, json)
        }
        RoomCommand::Ban(MemberArgs { whom, lasting, reason }) => {
            let line = client.ban(&whom.room, &whom.user, *lasting, reason.clone()).await;
            member(&whom.room, &whom.user, "is banned from", line, json)
        }
        RoomCommand::Unban(whom) => {
            let line = client.unban(&whom.room, &whom.user).await;
            member(&whom.room, &whom.user, "is not banned from", line, json)
        }
        RoomCommand::Mute(MemberArgs { whom, lasting, reason }) => {
            let line = client.mute(&whom.room, &whom.user, *lasting, reason.clone()).await;
            member(&whom.room, &whom.user, "is muted in", line, json)
        }
        RoomCommand::Unmute(whom) => {
            let line = client.unmute(&whom.room, &whom.user).await;
            member(&whom.room, &whom.user, "is not muted in", line, json)
        }
        RoomCommand::Role { whom, role } => {
            let role = (*role).into();
            let line = client.set_role(&whom.room, &whom.user, role).await;
            let what = format!("is {} of", forms::role(role));
            member(&whom.room, &whom.user, &what, line, json)
        }
        RoomCommand::Transfer(whom) => {
            let line = client.transfer(&whom.room, &whom.user).await;
            member(&whom.room, &whom.user, "owns", line, json)
        }
        RoomCommand::Bans { room } => bans(client, room, json).await,
        RoomCommand::Archive { room } => done(room, "is archived", client.archive(room, true).await, json),
        RoomCommand::Unarchive { room } => done(room, "is open", client.archive(room, false).await, json),
        RoomCommand::DeleteRoom { room, .. } => done(room, "is deleted", client.delete_room(room).await, json),
        RoomCommand::Retention(args) => retention(client, args, json).await,
        RoomCommand::Members { room } => members(client, room, json).await,
        RoomCommand::Topic { room, topic } => {
            let seq = client.set_topic(room, topic.clone()).await?;
            output::either(json, &json!({"room": room.as_str(), "seq": seq.0}), &seq.to_string())
        }
    }
}

/// What was done to somebody; without a line it was so before.
fn member(
    room: &RoomName,
    user: &UserName,
    what: &str,
    line: Result<Option<Seq>, RequestError>,
    json: bool,
) -> Result<(), Exit> {
    let line = line?;
    let object = json!({"room": room.as_str(), "user": user.as_str(), "seq": line.map(|seq| seq.0)});
    let before = if line.is_none() { " already" } else { "" };
    output::either(json, &object, &format!("{user} {what} {room}{before}"))
}

/// The same for the room as a whole. A deleted room has no line any more that could say so.
fn done(room: &RoomName, what: &str, line: Result<Option<Seq>, RequestError>, json: bool) -> Result<(), Exit> {
    let object = json!({"room": room.as_str(), "seq": line?.map(|seq| seq.0)});
    output::either(json, &object, &format!("{room} {what}"))
}

async fn list(client: &Client, all: bool, json: bool) -> Result<(), Exit> {
    let rows = client.rooms(all).await?;
    let rows = rows.iter().map(|row| {
        let role = match (row.role, row.invited) {
            (Some(role), _) => forms::role(role),
            (None, true) => "invited",
            (None, false) => "-",
        };
        let marks = match (row.private, row.archived) {
            (true, true) => "private, archived",
            (true, false) => "private",
            (false, true) => "archived",
            (false, false) => "",
        };
        let cells = [
            row.name.to_string(),
            role.to_owned(),
            row.members.to_string(),
            row.last.to_string(),
            marks.to_owned(),
            text::plain_line(row.topic.as_str()),
        ];
        (forms::room(row), cells.into())
    });
    output::rows(json, rows.collect())
}

async fn create(client: &Client, args: &CreateArgs, json: bool) -> Result<(), Exit> {
    let room = &args.room;
    client.create_room(room, args.private, args.topic.clone()).await?;
    output::either(json, &json!({"room": room.as_str()}), &format!("created {room}"))
}

async fn members(client: &Client, room: &RoomRef, json: bool) -> Result<(), Exit> {
    let rows = client.members(room).await?;
    let rows = rows.iter().map(|row| {
        let cells = [
            row.user.to_string(),
            forms::role(row.role).to_owned(),
            forms::presence(row.presence).to_owned(),
            if row.muted { "muted" } else { "" }.to_owned(),
        ];
        (forms::member(row), cells.into())
    });
    output::rows(json, rows.collect())
}

async fn bans(client: &Client, room: &RoomName, json: bool) -> Result<(), Exit> {
    let rows = client.bans(room).await?;
    let rows = rows.iter().map(|row| {
        let until = row.until.filter(|until| time::is_in_calendar(*until));
        let until = until.map_or("for ever".to_owned(), |until| {
            format!("until {}", time::show_short(until))
        });
        (
            forms::ban(row),
            vec![row.user.to_string(), until, format!("by {}", row.by)],
        )
    });
    output::rows(json, rows.collect())
}

async fn retention(client: &Client, args: &RetentionArgs, json: bool) -> Result<(), Exit> {
    let room = &args.room;
    let before = client.room(&RoomRef::Name(room.clone())).await?.retention;
    let retention = Retention {
        age_max: args.max_age.map_or(before.age_max, Limit::bound),
        messages_max: args.max_count.map_or(before.messages_max, Limit::bound),
    };
    if retention != before {
        client.set_retention(room, retention).await?;
    }
    let mut object = forms::retention(retention);
    object["room"] = json!(room.as_str());
    let age = retention.age_max.map_or("off".to_owned(), time::show_span);
    let count = retention.messages_max.map_or("off".to_owned(), |max| max.to_string());
    output::either(json, &object, &format!("max-age {age}\nmax-count {count}"))
}
