//! What members do to one another: invite, kick, ban, mute, and say who may do what.

use crate::{
    BANS_PER_ROOM_MAX, BanUser, Bound, Done, INVITATIONS_PER_INVITER_MAX, INVITATIONS_PER_ROOM_MAX,
    INVITATIONS_PER_USER_MAX, InviteUser, KickUser, Member, MuteUser, Refusal, Role, RoomEventKind, RoomId, SetRole,
    Span, State, StateEvent, Timestamp, TransferRoom, UnbanUser, UnmuteUser, User, UserId, UserName,
};

use super::departure::way_given;
use super::line::Draft;
use super::room::{managed, may_write, room_for_one_owned, user, with_role};
use super::{Decision, room_for_one_more};

pub(super) fn invite(state: &State, author: UserId, action: &InviteUser) -> Decision {
    let room = managed(state, author, &action.room)?;
    may_write(state, room, author)?;
    let (target, invited) = state.user_by_name(&action.user).ok_or(Refusal::UnknownUser)?;
    if state.member(room, target).is_some() || state.invitation(room, target).is_some() {
        return Ok((Done::Unchanged, Vec::new()));
    }
    // Who lets them in again is for those to say who may unban.
    if state.ban(room, target).is_some() {
        return Err(Refusal::NotAllowed);
    }
    let of_room = state.invitations(room).count();
    room_for_one_more(of_room, INVITATIONS_PER_ROOM_MAX, Bound::Invitations)?;
    let of_user = state.invitations_of(target);
    let by_author = of_user.filter(|(_, invitation)| invitation.by == author).count();
    room_for_one_more(by_author, INVITATIONS_PER_INVITER_MAX, Bound::Invitations)?;
    let mut draft = Draft::new(state, room);
    if state.invitations_of(target).count() >= INVITATIONS_PER_USER_MAX as usize {
        let oldest = state
            .invitations_of(target)
            .min_by_key(|(room, invitation)| (invitation.at, *room));
        if let Some((room, _)) = oldest {
            draft.fact(StateEvent::InvitationEnded { room, user: target });
        }
    }
    let kind = RoomEventKind::Invited {
        user: target,
        user_name: invited.name.clone(),
    };
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

pub(super) fn kick(state: &State, author: UserId, action: &KickUser) -> Decision {
    let room = with_role(state, author, &action.room, Role::Moderator)?;
    let (target, kicked) = known(state, &action.user)?;
    lower(state, room, author, target)?.ok_or(Refusal::NoSuchMember)?;
    let kind = RoomEventKind::Kicked {
        user: target,
        user_name: kicked.name.clone(),
        reason: action.reason.clone(),
    };
    let mut draft = Draft::new(state, room);
    if let Some(ended) = way_given(state, room, target) {
        draft.fact(ended);
    }
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

/// Keeps out also who is no member. Of a room that has as many bans as it may have, one that has run
/// out gives way.
pub(super) fn ban(state: &State, author: UserId, action: &BanUser) -> Decision {
    let room = with_role(state, author, &action.room, Role::Moderator)?;
    let (target, banned) = known(state, &action.user)?;
    lower(state, room, author, target)?;
    let mut draft = Draft::new(state, room);
    if !state.bans.contains_key(&(room, target)) {
        let full = room_for_one_more(state.bans(room).count(), BANS_PER_ROOM_MAX, Bound::Bans);
        if let Err(refusal) = full {
            let run_out = state.bans(room).find(|(_, ban)| !ban.holds(state.now()));
            let (user, _) = run_out.ok_or(refusal)?;
            draft.fact(StateEvent::BanEnded { room, user });
        }
    }
    if let Some(ended) = way_given(state, room, target) {
        draft.fact(ended);
    }
    let kind = RoomEventKind::Banned {
        user: target,
        user_name: banned.name.clone(),
        until: until(state, action.lasts),
        reason: action.reason.clone(),
    };
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

pub(super) fn unban(state: &State, author: UserId, action: &UnbanUser) -> Decision {
    let room = with_role(state, author, &action.room, Role::Moderator)?;
    // Also somebody who is no more: the ban would stay for ever.
    let found = state.user_record_by_name(&action.user);
    let (target, unbanned) = found.ok_or(Refusal::UnknownUser)?;
    if state.ban(room, target).is_none() {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let kind = RoomEventKind::Unbanned {
        user: target,
        user_name: unbanned.name.clone(),
    };
    written(state, room, author, kind)
}

pub(super) fn mute(state: &State, author: UserId, action: &MuteUser) -> Decision {
    let room = with_role(state, author, &action.room, Role::Moderator)?;
    let (target, muted) = known(state, &action.user)?;
    lower(state, room, author, target)?.ok_or(Refusal::NoSuchMember)?;
    let kind = RoomEventKind::Muted {
        user: target,
        user_name: muted.name.clone(),
        until: until(state, action.lasts),
        reason: action.reason.clone(),
    };
    written(state, room, author, kind)
}

/// Also of somebody who went away silenced and may come back.
pub(super) fn unmute(state: &State, author: UserId, action: &UnmuteUser) -> Decision {
    let room = with_role(state, author, &action.room, Role::Moderator)?;
    let (target, unmuted) = known(state, &action.user)?;
    let member = lower(state, room, author, target)?;
    let muted_until = match (member, state.restriction(room, target)) {
        (Some(member), _) => member.muted_until,
        (None, Some(waiting)) => waiting.muted_until,
        (None, None) => return Err(Refusal::NoSuchMember),
    };
    if muted_until <= state.now() {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let kind = RoomEventKind::Unmuted {
        user: target,
        user_name: unmuted.name.clone(),
    };
    written(state, room, author, kind)
}

pub(super) fn set_role(state: &State, author: UserId, action: &SetRole) -> Decision {
    // Moderators are made and unmade by the owner, and an owner by giving the room away.
    let needed = match action.role {
        Role::Owner => {
            let (room, user) = (action.room.clone(), action.user.clone());
            return transfer(state, author, &TransferRoom { room, user });
        }
        Role::Moderator => Role::Owner,
        Role::Member | Role::ReadOnly => Role::Moderator,
    };
    let room = with_role(state, author, &action.room, needed)?;
    let (target, found) = known(state, &action.user)?;
    let member = lower(state, room, author, target)?;
    let role = match (member, state.restriction(room, target)) {
        (Some(member), _) => member.role,
        // What somebody may do who is not there is kept only as far as that is nothing.
        (None, Some(_)) if action.role == Role::Moderator => return Err(Refusal::NoSuchMember),
        (None, Some(waiting)) if waiting.read_only => Role::ReadOnly,
        (None, Some(_)) => Role::Member,
        (None, None) => return Err(Refusal::NoSuchMember),
    };
    if role == action.role {
        return Ok((Done::Unchanged, Vec::new()));
    }
    written(state, room, author, role_set((target, found), action.role))
}

pub(super) fn transfer(state: &State, author: UserId, action: &TransferRoom) -> Decision {
    let room = with_role(state, author, &action.room, Role::Owner)?;
    // What is not one's own cannot be given away.
    if state
        .member(room, author)
        .is_none_or(|member| member.role != Role::Owner)
    {
        return Err(Refusal::NotAllowed);
    }
    let (target, found) = known(state, &action.user)?;
    lower(state, room, author, target)?.ok_or(Refusal::NoSuchMember)?;
    room_for_one_owned(state, target)?;
    let giver = user(state, author)?;
    let mut draft = Draft::new(state, room);
    draft.line(author, &giver.name, role_set((target, found), Role::Owner));
    let seq = draft.line(author, &giver.name, role_set((author, giver), Role::Moderator));
    Ok((Done::Written { seq }, draft.into_events()))
}

/// A new line in the room that says what was done.
pub(super) fn written(state: &State, room: RoomId, author: UserId, kind: RoomEventKind) -> Decision {
    let mut draft = Draft::new(state, room);
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

fn role_set((id, user): (UserId, &User), role: Role) -> RoomEventKind {
    RoomEventKind::RoleSet {
        user: id,
        user_name: user.name.clone(),
        role,
    }
}

fn known<'a>(state: &'a State, name: &UserName) -> Result<(UserId, &'a User), Refusal> {
    state.user_by_name(name).ok_or(Refusal::UnknownUser)
}

/// The target's membership, if there is one: of somebody who may do less than the author, so never the
/// author's own.
fn lower(state: &State, room: RoomId, author: UserId, target: UserId) -> Result<Option<&Member>, Refusal> {
    let member = state.member(room, target);
    let own = state.role_in(room, author).ok_or(Refusal::NotAMember)?;
    let is_lower = author != target && member.is_none_or(|member| member.role.rank() < own.rank());
    is_lower.then_some(member).ok_or(Refusal::NotAllowed)
}

fn until(state: &State, lasts: Option<Span>) -> Option<Timestamp> {
    lasts.map(|span| Timestamp(state.now().0.saturating_add(span.0)))
}
