//! The end of an account.

use crate::{BanSubject, DeleteUser, Done, Refusal, ServerRole, State, StateEvent, UserId};

use super::access::acts_for;
use super::account::proven;
use super::departure::Departure;
use super::line::Draft;
use super::{Decision, message};

pub(super) fn delete(state: &State, command: &DeleteUser) -> Decision {
    let id = acts_for(state, &command.device)?;
    proven(state.user(id).ok_or(Refusal::UnknownUser)?, &command.proven)?;
    of(state, id, command.purge_messages)
}

/// The end of an account and of all its bots. Whoever goes leaves nothing to somebody who goes too.
pub(super) fn of(state: &State, id: UserId, purge: bool) -> Decision {
    let user = state.user(id).ok_or(Refusal::UnknownUser)?;
    let all: Vec<_> = state.bots_of(id).chain([(id, user)]).collect();
    let going = all.iter().map(|(id, _)| *id).collect();
    let mut draft = Draft::nowhere(state);
    // Of all of them before any goes: a room that ends has nothing of theirs left to end.
    for (id, _) in &all {
        waits_no_more(state, &mut draft, *id);
    }
    let mut departure = Departure::for_ever(going);
    for (id, user) in all {
        for room in state.rooms_of(id) {
            departure.leave(state, &mut draft, room, (id, user));
        }
        end(state, &mut draft, id, purge);
    }
    Ok((Done::Deleted, draft.into_events()))
}

/// What it takes for all of a user's devices to be bound to nobody.
pub(super) fn devices_unbound(state: &State, user: UserId) -> impl Iterator<Item = StateEvent> + '_ {
    let devices = state.devices_of(user);
    devices.map(|(device, _)| StateEvent::DeviceUnbound { device })
}

/// Whatever waits somewhere for somebody to come.
fn waits_no_more(state: &State, draft: &mut Draft, user: UserId) {
    for (room, _) in state.invitations_of(user) {
        draft.fact(StateEvent::InvitationEnded { room, user });
    }
    for room in state.restrictions_of(user) {
        draft.fact(StateEvent::RestrictionEnded { room, user });
    }
}

fn end(state: &State, draft: &mut Draft, id: UserId, purge: bool) {
    for unbound in devices_unbound(state, id) {
        draft.fact(unbound);
    }
    if let Some(dropped) = message::mentions_dropped(state, id) {
        draft.fact(dropped);
    }
    if let Some(ban) = state.ban_of(&BanSubject::User(id)) {
        draft.fact(StateEvent::ServerBanEnded { ban });
    }
    let role = ServerRole::User;
    if state.server_role(id) != role {
        draft.fact(StateEvent::ServerRoleSet { user: id, role });
    }
    draft.fact(StateEvent::UserDeleted { user: id, purge });
}
