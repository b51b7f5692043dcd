//! The end of an account.

use std::collections::BTreeSet;

use crate::{DeleteUser, Done, Refusal, State, StateEvent, User, UserId};

use super::account::{proven, speaks_for};
use super::line::Draft;
use super::{Decision, message, room};

pub(super) fn delete(state: &State, command: &DeleteUser) -> Decision {
    let id = speaks_for(state, &command.device)?;
    proven(state.user(id).ok_or(Refusal::UnknownUser)?, &command.proven)?;
    of(state, id, command.purge_messages)
}

/// The end of an account and of all its bots. Whoever goes leaves nothing to somebody who goes too.
pub(super) fn of(state: &State, id: UserId, purge: bool) -> Decision {
    let user = state.user(id).ok_or(Refusal::UnknownUser)?;
    let all: Vec<_> = state.bots_of(id).chain([(id, user)]).collect();
    let going = all.iter().map(|(id, _)| *id).collect();
    let mut draft = Draft::nowhere(state);
    for (id, user) in all {
        end(state, &mut draft, id, user, &going, purge);
    }
    Ok((Done::Deleted, draft.into_events()))
}

/// What it takes for all of a user's devices to be bound to nobody.
pub(super) fn devices_unbound(state: &State, user: UserId) -> impl Iterator<Item = StateEvent> + '_ {
    let devices = state.devices_of(user);
    devices.map(|(device, _)| StateEvent::DeviceUnbound { device })
}

fn end(state: &State, draft: &mut Draft, id: UserId, user: &User, going: &BTreeSet<UserId>, purge: bool) {
    for (room, _) in state.invitations_of(id) {
        draft.fact(StateEvent::InvitationEnded { room, user: id });
    }
    for room in state.rooms_of(id) {
        draft.turn_to(state, room);
        room::go(state, draft, room, (id, user), going);
    }
    for unbound in devices_unbound(state, id) {
        draft.fact(unbound);
    }
    if let Some(dropped) = message::mentions_dropped(state, id) {
        draft.fact(dropped);
    }
    draft.fact(StateEvent::UserDeleted { user: id, purge });
}
