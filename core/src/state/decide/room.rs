//! Rooms and who is in them.

use crate::{
    Bound, CreateRoom, Done, JoinRoom, LeaveRoom, LogIndex, MEMBERS_PER_ROOM_MAX, ROOMS_MAX, ROOMS_PER_USER_MAX,
    Refusal, RoomEventKind, RoomId, RoomName, RoomRef, SetTopic, State, StateEvent, User, UserId,
};

use super::line::Draft;
use super::{Decision, room_for_one_more};

pub(super) fn create(state: &State, index: LogIndex, author: UserId, action: &CreateRoom) -> Decision {
    if action.name.is_direct() {
        return Err(Refusal::ReservedName);
    }
    if state.room_by_name(&action.name).is_some() {
        return Err(Refusal::RoomExists);
    }
    room_for_one_room(state)?;
    room_for_one_membership(state, author)?;
    let (room, name) = (RoomId(index.0), action.name.clone());
    let mut draft = Draft::new(state, room);
    draft.fact(StateEvent::RoomCreated {
        room,
        name: name.clone(),
        private: action.private,
        topic: action.topic.clone(),
    });
    draft.line(author, &user(state, author)?.name, RoomEventKind::Joined);
    Ok((Done::Created { room, name }, draft.into_events()))
}

pub(super) fn join(state: &State, author: UserId, action: &JoinRoom) -> Decision {
    let id = visible(state, author, &action.room)?;
    if state.member(id, author).is_some() {
        return Ok((Done::Joined { room: id }, Vec::new()));
    }
    let room = state.room(id).ok_or(Refusal::UnknownRoom)?;
    room_for_one_more(room.members as usize, MEMBERS_PER_ROOM_MAX, Bound::MembersOfRoom)?;
    room_for_one_membership(state, author)?;
    let mut draft = Draft::new(state, id);
    draft.line(author, &user(state, author)?.name, RoomEventKind::Joined);
    Ok((Done::Joined { room: id }, draft.into_events()))
}

pub(super) fn leave(state: &State, author: UserId, action: &LeaveRoom) -> Decision {
    let id = readable(state, author, &action.room)?;
    // Who left it could neither be written to nor come back.
    if action.room.is_direct() {
        return Err(Refusal::NotAllowed);
    }
    let mut draft = Draft::new(state, id);
    draft.line(author, &user(state, author)?.name, RoomEventKind::Left);
    Ok((Done::Left { room: id }, draft.into_events()))
}

pub(super) fn set_topic(state: &State, author: UserId, action: &SetTopic) -> Decision {
    let id = readable(state, author, &action.room)?;
    let mut draft = Draft::new(state, id);
    let kind = RoomEventKind::TopicSet {
        topic: action.topic.clone(),
    };
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::TopicSet { seq }, draft.into_events()))
}

/// One more room in the cluster.
pub(super) fn room_for_one_room(state: &State) -> Result<(), Refusal> {
    room_for_one_more(state.rooms_count(), ROOMS_MAX, Bound::Rooms)
}

/// One more room that the user is in.
pub(super) fn room_for_one_membership(state: &State, user: UserId) -> Result<(), Refusal> {
    room_for_one_more(state.rooms_of(user).count(), ROOMS_PER_USER_MAX, Bound::RoomsOfUser)
}

/// The account of an author.
pub(super) fn user(state: &State, id: UserId) -> Result<&User, Refusal> {
    state.user(id).ok_or(Refusal::UnknownUser)
}

fn visible(state: &State, viewer: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    state.visible_room(viewer, &RoomRef::Name(name.clone()))
}

fn readable(state: &State, viewer: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    state.readable_room(viewer, &RoomRef::Name(name.clone()))
}
