//! What operators do with rooms. Direct rooms are managed by nobody, so not by them either.

use crate::{
    ArchiveRoom, Bound, CreateRoom, CreateRoomFor, DeleteRoom, Done, LogIndex, MEMBERS_PER_ROOM_MAX, Refusal, Role,
    Room, RoomEventKind, RoomId, RoomName, RoomStanding, State, TransferRoom, User, UserId, UserName,
};

use super::line::Draft;
use super::room::{room_for_one_membership, room_for_one_owned};
use super::user::known;
use super::{Decision, departure, room, room_for_one_more};

pub(super) fn create(state: &State, index: LogIndex, operation: &CreateRoomFor) -> Decision {
    let (owner, _) = known(state, &operation.owner)?;
    let action = CreateRoom {
        name: operation.name.clone(),
        private: operation.private,
        topic: operation.topic.clone(),
    };
    room::create(state, index, owner, &action)
}

pub(super) fn archive(state: &State, operation: &ArchiveRoom) -> Decision {
    let (id, found) = named(state, &operation.room)?;
    if operation.archived == (found.standing == RoomStanding::Archived) {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let kind = match operation.archived {
        true => RoomEventKind::Archived,
        false => RoomEventKind::Unarchived,
    };
    let mut draft = Draft::new(state, id);
    let seq = draft.line(UserId::OPERATOR, &UserName::operator(), kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

pub(super) fn delete(state: &State, operation: &DeleteRoom) -> Decision {
    let (id, _) = named(state, &operation.room)?;
    Ok((Done::Deleted, departure::end_of(state, id)))
}

/// Who owned it before becomes a moderator, as when they give it away themselves.
pub(super) fn set_owner(state: &State, operation: &TransferRoom) -> Decision {
    let (id, found) = named(state, &operation.room)?;
    let (target, user) = known(state, &operation.user)?;
    let member = state.member(id, target);
    if member.is_some_and(|member| member.role == Role::Owner) {
        return Ok((Done::Unchanged, Vec::new()));
    }
    room_for_one_owned(state, target)?;
    let mut draft = Draft::new(state, id);
    let mut last = None;
    if member.is_none() {
        if state.ban(id, target).is_some() {
            return Err(Refusal::Banned);
        }
        room_for_one_more(found.members as usize, MEMBERS_PER_ROOM_MAX, Bound::MembersOfRoom)?;
        room_for_one_membership(state, target)?;
        last = Some(draft.line(target, &user.name, RoomEventKind::Joined));
    }
    // Whoever comes first into a room owns it without a word.
    if member.is_some() || found.members > 0 {
        let made = |id, user: &User, role| RoomEventKind::RoleSet {
            user: id,
            user_name: user.name.clone(),
            role,
        };
        let by = (UserId::OPERATOR, UserName::operator());
        let owner = state.owner(id);
        if let Some((owner, before)) = owner.and_then(|owner| Some((owner, state.user(owner)?))) {
            draft.line(by.0, &by.1, made(owner, before, Role::Moderator));
        }
        last = Some(draft.line(by.0, &by.1, made(target, user, Role::Owner)));
    }
    let seq = last.unwrap_or(found.last_seq);
    Ok((Done::Written { seq }, draft.into_events()))
}

fn named<'a>(state: &'a State, name: &RoomName) -> Result<(RoomId, &'a Room), Refusal> {
    if name.is_direct() {
        return Err(Refusal::NotAllowed);
    }
    state.room_by_name(name).ok_or(Refusal::UnknownRoom)
}
