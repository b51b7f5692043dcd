//! Rooms and who is in them.

use crate::{
    ArchiveRoom, Bound, CreateRoom, DIRECT_ROOMS_PER_USER_MAX, DeleteRoom, Done, Event, JoinRoom, LeaveRoom, LogIndex,
    MEMBERS_PER_ROOM_MAX, ROOMS_MAX, ROOMS_PER_USER_MAX, Refusal, Role, RoomEventKind, RoomId, RoomName, RoomRef,
    RoomStanding, SetRetention, SetTopic, State, StateEvent, User, UserId,
};

use super::line::Draft;
use super::moderation::written;
use super::{Decision, departure, operate, room_for_one_more};

pub(super) fn create(state: &State, index: LogIndex, author: UserId, action: &CreateRoom) -> Decision {
    if action.name.is_direct() {
        return Err(Refusal::ReservedName);
    }
    if state.room_by_name(&action.name).is_some() {
        return Err(Refusal::RoomExists);
    }
    room_for_one_room(state)?;
    room_for_one_membership(state, author)?;
    room_for_one_owned(state, author)?;
    // Those too that the author left behind: else one could take all rooms of the cluster.
    room_for_one_more(state.rooms_founded_by(author), ROOMS_PER_USER_MAX, Bound::RoomsOwned)?;
    let (room, name) = (RoomId(index.0), action.name.clone());
    let mut draft = Draft::new(state, room);
    draft.fact(StateEvent::RoomCreated {
        room,
        name: name.clone(),
        private: action.private,
        topic: action.topic.clone(),
        founder: author,
    });
    draft.line(author, &user(state, author)?.name, RoomEventKind::Joined);
    Ok((Done::Created { room, name }, draft.into_events()))
}

pub(super) fn join(state: &State, author: UserId, action: &JoinRoom) -> Decision {
    let id = visible(state, author, &action.room)?;
    if state.member(id, author).is_some() {
        return Ok((Done::Joined { room: id }, Vec::new()));
    }
    // A private room that one knows of is one that one is invited to, and nobody invites the banned.
    if state.ban(id, author).is_some() {
        return Err(Refusal::Banned);
    }
    let room = state.room(id).ok_or(Refusal::UnknownRoom)?;
    room_for_one_more(room.members as usize, MEMBERS_PER_ROOM_MAX, Bound::MembersOfRoom)?;
    room_for_one_membership(state, author)?;
    let mut draft = Draft::new(state, id);
    draft.line(author, &user(state, author)?.name, RoomEventKind::Joined);
    Ok((Done::Joined { room: id }, draft.into_events()))
}

pub(super) fn leave(state: &State, author: UserId, action: &LeaveRoom) -> Decision {
    let id = visible(state, author, &action.room)?;
    if state.member(id, author).is_none() {
        state.invitation(id, author).ok_or(Refusal::NotAMember)?;
        let declined = StateEvent::InvitationEnded { room: id, user: author };
        return Ok((Done::Left { room: id }, vec![Event::State(declined)]));
    }
    departure::leave(state, id, (author, user(state, author)?))
}

pub(super) fn set_topic(state: &State, author: UserId, action: &SetTopic) -> Decision {
    let id = managed(state, author, &action.room)?;
    may_write(state, id, author)?;
    let mut draft = Draft::new(state, id);
    let kind = RoomEventKind::TopicSet {
        topic: action.topic.clone(),
    };
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::TopicSet { seq }, draft.into_events()))
}

pub(super) fn archive(state: &State, author: UserId, action: &ArchiveRoom) -> Decision {
    let id = with_role(state, author, &action.room, Role::Owner)?;
    let room = state.room(id).ok_or(Refusal::UnknownRoom)?;
    if action.archived == (room.standing == RoomStanding::Archived) {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let kind = match action.archived {
        true => RoomEventKind::Archived,
        false => RoomEventKind::Unarchived,
    };
    written(state, id, author, kind)
}

pub(super) fn delete(state: &State, author: UserId, action: &DeleteRoom) -> Decision {
    let room = with_role(state, author, &action.room, Role::Owner)?;
    Ok((Done::Deleted, departure::end_of(state, room)))
}

pub(super) fn set_retention(state: &State, author: UserId, action: &SetRetention) -> Decision {
    let id = with_role(state, author, &action.room, Role::Owner)?;
    let room = state.room(id).ok_or(Refusal::UnknownRoom)?;
    operate::set_retention(Some(id), room.retention, action.retention)
}

/// A room with a name of its own that the user is in: direct rooms are managed by nobody.
pub(super) fn managed(state: &State, user: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    let id = state.readable_room(user, &RoomRef::Name(name.clone()))?;
    match name.is_direct() {
        true => Err(Refusal::NotAllowed),
        false => Ok(id),
    }
}

/// The same, for those who may do as much there as this role, or more.
pub(super) fn with_role(state: &State, user: UserId, name: &RoomName, role: Role) -> Result<RoomId, Refusal> {
    let id = overseen(state, user, name)?;
    let own = state.role_in(id, user).ok_or(Refusal::NotAMember)?;
    match own.rank() >= role.rank() {
        true => Ok(id),
        false => Err(Refusal::NotAllowed),
    }
}

/// A room with a name of its own that the user is in, or may do something in without being there.
fn overseen(state: &State, user: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    match managed(state, user, name) {
        Err(Refusal::NotAMember) => {
            let id = visible(state, user, name)?;
            state.role_in(id, user).map(|_| id).ok_or(Refusal::NotAMember)
        }
        other => other,
    }
}

/// Whether a user may write in a room: one rule for posts, edits, reactions, topics and invitations.
///
/// A direct room ends as a place to write in when one of its two is deleted, and nobody is silenced
/// there.
pub(super) fn may_write(state: &State, room: RoomId, user: UserId) -> Result<(), Refusal> {
    let found = state.room(room).ok_or(Refusal::UnknownRoom)?;
    let member = state.member(room, user).ok_or(Refusal::NotAMember)?;
    if let Some((one, other)) = found.name.parties() {
        // Only who is left by somebody deleted may leave it, so who is missing is deleted.
        let parties = if one == other { 1 } else { 2 };
        return if found.members < parties {
            Err(Refusal::UnknownUser)
        } else {
            Ok(())
        };
    }
    if member.role == Role::ReadOnly {
        return Err(Refusal::NotAllowed);
    }
    if member.muted_until > state.now() {
        return Err(Refusal::Muted);
    }
    match found.standing {
        RoomStanding::Open => Ok(()),
        RoomStanding::Archived => Err(Refusal::Archived),
        RoomStanding::Deleted => Err(Refusal::UnknownRoom),
    }
}

/// One more room in the cluster.
pub(super) fn room_for_one_room(state: &State) -> Result<(), Refusal> {
    room_for_one_more(state.rooms_count(), ROOMS_MAX, Bound::Rooms)
}

/// One more named room that the user is in.
pub(super) fn room_for_one_membership(state: &State, user: UserId) -> Result<(), Refusal> {
    let count = state.places_of(user).named;
    room_for_one_more(count as usize, ROOMS_PER_USER_MAX, Bound::RoomsOfUser)
}

/// One more direct room that the user is in. Counted apart: others begin them.
pub(super) fn room_for_one_direct(state: &State, user: UserId) -> Result<(), Refusal> {
    let count = state.places_of(user).direct;
    room_for_one_more(count as usize, DIRECT_ROOMS_PER_USER_MAX, Bound::DirectRooms)
}

/// One more room that the user owns.
pub(super) fn room_for_one_owned(state: &State, user: UserId) -> Result<(), Refusal> {
    match state.quota(user).rooms_max {
        Some(max) => room_for_one_more(state.rooms_owned_by(user), max, Bound::RoomsOwned),
        None => Ok(()),
    }
}

/// The account of an author.
pub(super) fn user(state: &State, id: UserId) -> Result<&User, Refusal> {
    state.user(id).ok_or(Refusal::UnknownUser)
}

fn visible(state: &State, viewer: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    state.visible_room(viewer, &RoomRef::Name(name.clone()))
}
