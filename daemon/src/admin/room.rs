//! Rooms: listed, made, closed, given away, ended, taken along. Direct rooms are nobody's to manage.

use std::cmp::Reverse;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, put};
use axum::{Json, Router};
use quorate_adminapi::{Archived, NewOwner, NewRoom, RoomMember, RoomPage, RoomRow, code};
use quorate_core::{
    ArchiveRoom, CreateRoomFor, DeleteRoom, Done, Operation, Refusal, Room, RoomId, RoomName, RoomStanding,
    State as Chat, Topic, TransferRoom, UserName,
};

use super::reply::Refused;
use super::rule::{Asked, By, Told, at, odd, operator, room_name, to_rule, told, user_name};
use super::source::{Exported, Source};
use super::user::{Listed, NAMES_LOOKED_MAX, lines, name_of, put_through, role_word};

pub(super) fn routes<S: Source>() -> Router<Arc<S>> {
    Router::new()
        .route("/v1/rooms", get(list::<S>).post(create::<S>))
        .route("/v1/rooms/{room}", get(show::<S>).delete(end::<S>))
        .route("/v1/rooms/{room}/archived", put(archive::<S>))
        .route("/v1/rooms/{room}/members", get(members::<S>))
        .route("/v1/rooms/{room}/owner", put(set_owner::<S>))
        .route("/v1/rooms/{room}/export", get(export::<S>))
}

async fn list<S: Source>(State(source): State<Arc<S>>, params: Listed) -> Told<RoomPage> {
    let Query(ask) = params?;
    let (glob, after) = (ask.glob()?, ask.after.as_deref().map(room_name).transpose()?);
    let page = source.look(|state| {
        let mut page = RoomPage::default();
        for (looked, (id, room)) in state.named_rooms_after(after.as_ref()).enumerate() {
            if looked >= NAMES_LOOKED_MAX || page.rooms.len() >= ask.rows_max() {
                return page;
            }
            page.next = Some(room.name.to_string());
            if glob.as_ref().is_none_or(|glob| glob.matches(room.name.as_str())) {
                page.rooms.push(row(state, id, room));
            }
        }
        page.next = None;
        page
    });
    Ok(Json(page))
}

async fn show<S: Source>(State(source): State<Arc<S>>, Path(room): Path<String>) -> Told<RoomRow> {
    let name = room_name(&room)?;
    let found = source.look(|state| named(state, &name).map(|(id, room)| row(state, id, room)));
    found.map(Json).ok_or_else(|| told(&Refusal::UnknownRoom))
}

fn row(state: &Chat, id: RoomId, room: &Room) -> RoomRow {
    RoomRow {
        room: room.name.to_string(),
        topic: room.topic.to_string(),
        private: room.private,
        archived: room.standing == RoomStanding::Archived,
        owner: state.owner(id).map(|owner| name_of(state, owner)),
        members: room.members,
        messages: room.messages,
        first_seq: room.first_seq.0,
        last_seq: room.last_seq.0,
        created_at: at(room.created_at),
        retention: to_rule(room.retention),
    }
}

async fn create<S: Source>(State(source): State<Arc<S>>, by: By, asked: Asked<NewRoom>) -> Told<RoomRow> {
    let Json(NewRoom {
        room,
        owner,
        private,
        topic,
    }) = asked?;
    let topic = Topic::parse(&topic).map_err(|error| Refused::new(code::BAD_REQUEST, format!("the topic: {error}")))?;
    let owner = match owner {
        Some(owner) => user_name(&owner)?,
        None => source.look(default_owner).ok_or_else(|| {
            Refused::new(code::UNKNOWN_USER, "there is no account that could own it").hint("chatctl users create U")
        })?,
    };
    let operation = Operation::CreateRoom(CreateRoomFor {
        owner,
        name: room_name(&room)?,
        private,
        topic,
    });
    match source.operate(operator(by), operation).await? {
        Done::Created { room, .. } => {
            let made = source.look(|state| Some(row(state, room, state.room(room)?)));
            made.map(Json).ok_or_else(|| told(&Refusal::UnknownRoom))
        }
        other => Err(odd(&other)),
    }
}

/// A room has an owner from its first event on: where none is named, the oldest account of those that may do most.
fn default_owner(state: &Chat) -> Option<UserName> {
    let people = state.users(None).filter(|(_, user)| user.owner.is_none());
    let (_, owner) = people.max_by_key(|(id, _)| (state.server_role(*id), Reverse(*id)))?;
    Some(owner.name.clone())
}

async fn end<S: Source>(State(source): State<Arc<S>>, by: By, Path(room): Path<String>) -> Told<()> {
    let room = room_name(&room)?;
    put_through(&*source, by, Operation::DeleteRoom(DeleteRoom { room })).await
}

async fn archive<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(room): Path<String>,
    asked: Asked<Archived>,
) -> Told<()> {
    let Json(Archived { archived }) = asked?;
    let room = room_name(&room)?;
    put_through(&*source, by, Operation::ArchiveRoom(ArchiveRoom { room, archived })).await
}

async fn members<S: Source>(State(source): State<Arc<S>>, Path(room): Path<String>) -> Told<Vec<RoomMember>> {
    let name = room_name(&room)?;
    let found = source.look(|state| {
        let (id, _) = named(state, &name)?;
        let members = state.members(id).map(|(user, member)| RoomMember {
            user: name_of(state, user),
            role: role_word(member.role).to_owned(),
            muted: member.muted_until > state.now(),
        });
        // All of them: the core bounds how many there are.
        let mut members: Vec<_> = members.collect();
        members.sort_unstable_by(|one, other| one.user.cmp(&other.user));
        Some(members)
    });
    found.map(Json).ok_or_else(|| told(&Refusal::UnknownRoom))
}

async fn set_owner<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(room): Path<String>,
    asked: Asked<NewOwner>,
) -> Told<()> {
    let Json(NewOwner { user }) = asked?;
    let (room, user) = (room_name(&room)?, user_name(&user)?);
    put_through(&*source, by, Operation::SetRoomOwner(TransferRoom { room, user })).await
}

async fn export<S: Source>(
    State(source): State<Arc<S>>,
    by: By,
    Path(room): Path<String>,
) -> Result<Response, Refused> {
    let name = room_name(&room)?;
    source
        .look(|state| named(state, &name).map(drop))
        .ok_or_else(|| told(&Refusal::UnknownRoom))?;
    // Written down before anything is read: what was said in a private room leaves it.
    source.note(operator(by), "rooms.export", name.as_str()).await?;
    Ok(lines(source.export(Exported::Room(name)).await?))
}

/// A room with a name of its own.
fn named<'a>(state: &'a Chat, name: &RoomName) -> Option<(RoomId, &'a Room)> {
    state.room_by_name(name).filter(|(_, room)| !room.name.is_direct())
}
