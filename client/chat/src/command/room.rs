//! Rooms.

use quorate_client::{Client, Seq, Topic};
use serde_json::json;

use super::{room_name, room_ref};
use crate::exit::Exit;
use crate::{json as forms, output};

pub(super) async fn list(client: &Client, all: bool, json: bool) -> Result<(), Exit> {
    let rows = client.rooms(all).await?;
    let rows = rows.iter().map(|row| {
        let role = row.role.map_or("-", forms::role);
        let cells = [
            row.name.to_string(),
            role.to_owned(),
            row.members.to_string(),
            row.last.to_string(),
            row.topic.to_string(),
        ];
        (forms::room(row), cells.into())
    });
    output::rows(json, rows.collect())
}

pub(super) async fn create(client: &Client, room: &str, private: bool, topic: &str, json: bool) -> Result<(), Exit> {
    let room = room_name(room)?;
    client.create_room(&room, private, parse_topic(topic)?).await?;
    output::either(json, &json!({"room": room.as_str()}), &format!("created {room}"))
}

pub(super) async fn join(client: &Client, room: &str, json: bool) -> Result<(), Exit> {
    let room = room_name(room)?;
    client.join(&room).await?;
    output::either(json, &json!({"room": room.as_str()}), &format!("joined {room}"))
}

pub(super) async fn leave(client: &Client, room: &str, json: bool) -> Result<(), Exit> {
    let room = room_name(room)?;
    client.leave(&room).await?;
    output::either(json, &json!({"room": room.as_str()}), &format!("left {room}"))
}

pub(super) async fn members(client: &Client, room: &str, json: bool) -> Result<(), Exit> {
    let rows = client.members(&room_ref(room)?).await?;
    let rows = rows.iter().map(|row| {
        (
            forms::member(row),
            vec![row.user.to_string(), forms::role(row.role).to_owned()],
        )
    });
    output::rows(json, rows.collect())
}

pub(super) async fn topic(client: &Client, room: &str, topic: &str, json: bool) -> Result<(), Exit> {
    let seq = client.set_topic(&room_name(room)?, parse_topic(topic)?).await?;
    output::either(json, &json!({"seq": seq.0}), &seq.to_string())
}

pub(super) async fn unread(client: &Client, json: bool) -> Result<(), Exit> {
    let rows = client.unread().await?;
    // People want to see what is unread, programs all rooms.
    let shown = rows.iter().filter(|row| json || row.unread > 0);
    let rows = shown.map(|row| (forms::unread(row), vec![row.room.to_string(), row.unread.to_string()]));
    output::rows(json, rows.collect())
}

pub(super) async fn read(client: &Client, room: &str, upto: Option<u64>, json: bool) -> Result<(), Exit> {
    let room = room_ref(room)?;
    let upto = match upto {
        Some(upto) => Seq(upto),
        None => client.room(&room).await?.last,
    };
    let upto = client.mark_read(&room, upto).await?;
    output::either(json, &json!({"last_read": upto.0}), &upto.to_string())
}

fn parse_topic(text: &str) -> Result<Topic, Exit> {
    Topic::parse(text).map_err(|error| Exit::usage(format!("the topic: {error}")))
}
