//! Who goes from a room, and what goes with them: what they leave behind is theirs no more.

use std::collections::BTreeSet;

use crate::{Member, Refusal, Role, RoomEventKind, RoomId, State, StateEvent, User, UserId};

use super::super::limits::RESTRICTIONS_PER_ROOM_MAX;
use super::Decision;
use super::line::Draft;
use super::sweep::{Budget, forgotten_at_once};

/// Users who go by one entry, from one room or from all that they are in.
pub(super) struct Departure {
    going: BTreeSet<UserId>,
    /// Their accounts end: nothing of them waits anywhere.
    for_ever: bool,
    /// Rooms that ended because nobody stays.
    ended: BTreeSet<RoomId>,
    budget: Budget,
}

impl Departure {
    /// Of a member who may come back.
    pub(super) fn of(user: UserId) -> Self {
        Self::new(BTreeSet::from([user]), false)
    }

    /// Of accounts that end. Their invitations and what waits for them must have ended before.
    pub(super) fn for_ever(going: BTreeSet<UserId>) -> Self {
        Self::new(going, true)
    }

    fn new(going: BTreeSet<UserId>, for_ever: bool) -> Self {
        Self {
            going,
            for_ever,
            ended: BTreeSet::new(),
            budget: Budget::of_entry(),
        }
    }

    /// The end of a membership by the member's own wish. A room whose owner goes gets another one:
    /// whoever has been there the longest of those who may do the most, and does not go as well. A
    /// room where nobody stays ends, without a line: nobody could read it. But a public one in which
    /// something was said waits for whoever comes next.
    pub(super) fn leave(&mut self, state: &State, draft: &mut Draft, room: RoomId, who: (UserId, &User)) {
        let (id, user) = who;
        if self.ended.contains(&room) {
            return;
        }
        if self.is_left_empty(state, room) && !is_found_again(state, room) {
            self.ended.insert(room);
            let going = if self.for_ever { Some(&self.going) } else { None };
            end(state, draft, room, going, &mut self.budget);
            return;
        }
        draft.turn_to(state, room);
        if let Some(ended) = way_given(state, room, id).filter(|_| !self.for_ever) {
            draft.fact(ended);
        }
        draft.line(id, &user.name, RoomEventKind::Left);
        if self.for_ever && is_silenced(state, room, id) {
            draft.fact(StateEvent::RestrictionEnded { room, user: id });
        }
        if let Some((heir, found)) = self.heir(state, room, id) {
            let kind = RoomEventKind::RoleSet {
                user: heir,
                user_name: found.name.clone(),
                role: Role::Owner,
            };
            draft.line(id, &user.name, kind);
        }
    }

    fn is_left_empty(&self, state: &State, room: RoomId) -> bool {
        let count = state.room(room).map_or(0, |room| room.members as usize);
        count <= self.going.len() && state.members(room).all(|(user, _)| self.going.contains(&user))
    }

    fn heir<'a>(&self, state: &'a State, room: RoomId, owner: UserId) -> Option<(UserId, &'a User)> {
        if state.member(room, owner)?.role != Role::Owner {
            return None;
        }
        let heir = state.by_seniority(room).find(|user| !self.going.contains(user))?;
        (state.member(room, heir)?.role != Role::Owner).then_some((heir, state.user(heir)?))
    }
}

/// Whether anybody may come into a room that was left empty, and has something to read there.
fn is_found_again(state: &State, room: RoomId) -> bool {
    state.room(room).is_some_and(|room| !room.private && room.messages > 0)
}

/// The end of a room by its owner's wish.
pub(super) fn end_of(state: &State, room: RoomId) -> Vec<crate::Event> {
    let mut draft = Draft::new(state, room);
    end(state, &mut draft, room, None, &mut Budget::of_entry());
    draft.into_events()
}

/// Nobody is in it from here on. What was said goes at once where it is little, so that who makes
/// rooms and ends them again is never ahead of the sweeps; else it goes by sweeps.
fn end(state: &State, draft: &mut Draft, room: RoomId, gone: Option<&BTreeSet<UserId>>, budget: &mut Budget) {
    let is_there = |user: &UserId| gone.is_none_or(|gone| !gone.contains(user));
    for (user, _) in state.members(room) {
        draft.fact(StateEvent::MemberRemoved { room, user });
    }
    for (user, _) in state.invitations(room).filter(|(user, _)| is_there(user)) {
        draft.fact(StateEvent::InvitationEnded { room, user });
    }
    for (user, _) in state.bans(room) {
        draft.fact(StateEvent::BanEnded { room, user });
    }
    for (user, _) in state.restrictions(room).filter(|(user, _)| is_there(user)) {
        draft.fact(StateEvent::RestrictionEnded { room, user });
    }
    draft.fact(StateEvent::RoomDeleted { room });
    for event in forgotten_at_once(state, room, budget) {
        draft.fact(event);
    }
}

/// What gives way where a member goes from a room for whom something is to wait there, and where as
/// much waits as may: something that has run out.
pub(super) fn way_given(state: &State, room: RoomId, user: UserId) -> Option<StateEvent> {
    let is_full = || state.restrictions(room).count() >= RESTRICTIONS_PER_ROOM_MAX as usize;
    if !is_silenced(state, room, user) || !is_full() {
        return None;
    }
    let (user, _) = state
        .restrictions(room)
        .find(|(_, waiting)| !waiting.holds(state.now()))?;
    Some(StateEvent::RestrictionEnded { room, user })
}

/// Whether a member may not write for what they are or did themselves.
fn is_silenced(state: &State, room: RoomId, user: UserId) -> bool {
    let is = |member: &Member| member.role == Role::ReadOnly || member.muted_until > state.now();
    state.member(room, user).is_some_and(is)
}

/// Whether the other one of a direct room is no more, so that who is left may leave it: it can be
/// left by nobody else, who could then neither be written to nor come back.
pub(super) fn may_leave(state: &State, room: RoomId) -> Result<(), Refusal> {
    let found = state.room(room).ok_or(Refusal::UnknownRoom)?;
    match found.name.parties() {
        Some((one, other)) if one == other || found.members > 1 => Err(Refusal::NotAllowed),
        _ => Ok(()),
    }
}

/// A member goes from a room, and may come back.
pub(super) fn leave(state: &State, room: RoomId, who: (UserId, &User)) -> Decision {
    may_leave(state, room)?;
    let mut draft = Draft::new(state, room);
    Departure::of(who.0).leave(state, &mut draft, room, who);
    Ok((crate::Done::Left { room }, draft.into_events()))
}
