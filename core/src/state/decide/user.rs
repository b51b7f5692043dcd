//! What operators do with accounts.

use crate::{
    CreateUser, Done, Event, LogIndex, PurgeUser, Refusal, RevokeDevices, ServerRole, SetServerRole, SetUserPassword,
    Standing, State, StateEvent, User, UserId, UserName,
};

use super::account::{name_is_free, room_for_one_account};
use super::operate::changed;
use super::{Decision, deletion};

/// The success of this very attempt, when its answer was lost.
pub(super) fn created_before(state: &State, operation: &CreateUser) -> Option<Done> {
    let (user, found) = state.user_by_name(&operation.name)?;
    let is_same = found.attempt == operation.attempt && found.owner.is_none();
    is_same.then_some(Done::Registered { user })
}

/// Also where nobody may register: operators decide who comes in.
pub(super) fn create(state: &State, index: LogIndex, operation: &CreateUser) -> Decision {
    name_is_free(state, &operation.name, operation.likeness)?;
    room_for_one_account(state)?;
    let user = UserId(index.0);
    let registered = StateEvent::UserRegistered {
        user,
        name: operation.name.clone(),
        password: operation.password.clone(),
        attempt: operation.attempt,
        likeness: operation.likeness,
        owner: None,
    };
    let role = operation.role;
    let given = (role != ServerRole::User).then_some(StateEvent::ServerRoleSet { user, role });
    let events = [registered].into_iter().chain(given).map(Event::State);
    Ok((Done::Registered { user }, events.collect()))
}

pub(super) fn set_password(state: &State, operation: &SetUserPassword) -> Decision {
    let (user, found) = known(state, &operation.user)?;
    // The same command again, whose answer was lost: devices may be back on the new password already.
    if found.password == operation.password {
        return Ok((Done::Changed, Vec::new()));
    }
    let set = StateEvent::PasswordChanged {
        user,
        password: operation.password.clone(),
    };
    let unbound = deletion::devices_unbound(state, user);
    let events = std::iter::once(set).chain(unbound).map(Event::State);
    Ok((Done::Changed, events.collect()))
}

pub(super) fn disable(state: &State, name: &UserName) -> Decision {
    let (user, found) = known(state, name)?;
    changed(found.standing != Standing::Disabled, StateEvent::UserDisabled { user })
}

pub(super) fn enable(state: &State, name: &UserName) -> Decision {
    let (user, found) = known(state, name)?;
    changed(found.standing == Standing::Disabled, StateEvent::UserEnabled { user })
}

pub(super) fn delete(state: &State, operation: &PurgeUser) -> Decision {
    let (user, _) = known(state, &operation.user)?;
    deletion::of(state, user, operation.purge_messages)
}

pub(super) fn set_role(state: &State, operation: &SetServerRole) -> Decision {
    let (user, _) = known(state, &operation.user)?;
    let role = operation.role;
    changed(
        state.server_role(user) != role,
        StateEvent::ServerRoleSet { user, role },
    )
}

pub(super) fn revoke(state: &State, operation: &RevokeDevices) -> Decision {
    let (user, _) = known(state, &operation.user)?;
    let Some(device) = operation.device else {
        let unbound: Vec<_> = deletion::devices_unbound(state, user).map(Event::State).collect();
        let done = if unbound.is_empty() {
            Done::Unchanged
        } else {
            Done::Unbound
        };
        return Ok((done, unbound));
    };
    match state.device(&device).is_some_and(|found| found.user == user) {
        true => Ok((Done::Unbound, vec![Event::State(StateEvent::DeviceUnbound { device })])),
        false => Err(Refusal::UnknownDevice),
    }
}

/// An account that is there.
pub(super) fn known<'a>(state: &'a State, name: &UserName) -> Result<(UserId, &'a User), Refusal> {
    state.user_by_name(name).ok_or(Refusal::UnknownUser)
}
