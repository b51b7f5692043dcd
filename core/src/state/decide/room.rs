//! Rooms and who is in them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::{
    ArchiveRoom, Bound, CreateRoom, DeleteRoom, Done, Event, JoinRoom, LeaveRoom, LogIndex, MEMBERS_PER_ROOM_MAX,
    ROOMS_MAX, ROOMS_PER_USER_MAX, Refusal, Role, RoomEventKind, RoomId, RoomName, RoomRef, RoomStanding, SetRetention,
    SetTopic, State, StateEvent, User, UserId, UserName,
};

use super::line::Draft;
use super::moderation::written;
use super::{Decision, operate, room_for_one_more};

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
    // Who left it could neither be written to nor come back.
    if action.room.is_direct() {
        return Err(Refusal::NotAllowed);
    }
    let mut draft = Draft::new(state, id);
    go(
        state,
        &mut draft,
        id,
        (author, user(state, author)?),
        &BTreeSet::from([author]),
    );
    Ok((Done::Left { room: id }, draft.into_events()))
}

/// The end of a membership by the member's own wish. A room whose last owner goes gets another one:
/// whoever has been there the longest of those who may do the most, and does not go as well.
pub(super) fn go(state: &State, draft: &mut Draft, room: RoomId, who: (UserId, &User), going: &BTreeSet<UserId>) {
    let (id, user) = who;
    draft.line(id, &user.name, RoomEventKind::Left);
    if let Some((heir, name)) = heir(state, room, id, going) {
        let kind = RoomEventKind::RoleSet {
            user: heir,
            user_name: name.clone(),
            role: Role::Owner,
        };
        draft.line(id, &user.name, kind);
    }
}

fn heir<'a>(state: &'a State, room: RoomId, owner: UserId, going: &BTreeSet<UserId>) -> Option<(UserId, &'a UserName)> {
    if state.member(room, owner)?.role != Role::Owner {
        return None;
    }
    let others = state.members(room).filter(|(id, _)| !going.contains(id));
    let (heir, member) = others.max_by_key(|(_, member)| (member.role.rank(), Reverse(member.joined)))?;
    (member.role != Role::Owner).then_some((heir, &state.user(heir)?.name))
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

/// Nobody is in it from here on; what was said goes a little at a time, by sweeps.
pub(super) fn delete(state: &State, author: UserId, action: &DeleteRoom) -> Decision {
    let room = with_role(state, author, &action.room, Role::Owner)?;
    let members = state
        .members(room)
        .map(|(user, _)| StateEvent::MemberRemoved { room, user });
    let invitations = state
        .invitations(room)
        .map(|(user, _)| StateEvent::InvitationEnded { room, user });
    let bans = state.bans(room).map(|(user, _)| StateEvent::BanEnded { room, user });
    let restrictions = state
        .restrictions(room)
        .map(|user| StateEvent::RestrictionEnded { room, user });
    let events = members
        .chain(invitations)
        .chain(bans)
        .chain(restrictions)
        .chain([StateEvent::RoomDeleted { room }]);
    Ok((Done::Deleted, events.map(Event::State).collect()))
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
    let id = managed(state, user, name)?;
    let member = state.member(id, user).ok_or(Refusal::NotAMember)?;
    match member.role.rank() >= role.rank() {
        true => Ok(id),
        false => Err(Refusal::NotAllowed),
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
        // It cannot be left, so who is missing is deleted.
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

/// One more room that the user is in.
pub(super) fn room_for_one_membership(state: &State, user: UserId) -> Result<(), Refusal> {
    room_for_one_more(state.rooms_of(user).count(), ROOMS_PER_USER_MAX, Bound::RoomsOfUser)
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
