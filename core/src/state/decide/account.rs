//! Accounts, and the devices that speak for them.

use crate::{
    BindDevice, Bound, ChangePassword, DEVICES_PER_USER_MAX, DeviceId, Done, Event, Likeness, Lockdown, LogIndex,
    NAMES_MAX, PasswordHash, Refusal, RegisterUser, State, StateEvent, USERS_MAX, UnbindDevice, User, UserId, UserName,
};

use super::access::{acts_for, is_open, may_act};
use super::{Decision, invite, room_for_one_more};

/// The success of this very attempt, when its answer was lost.
pub(super) fn registered_before(state: &State, command: &RegisterUser) -> Option<Done> {
    let (id, user) = state.user_by_name(&command.name)?;
    let same = user.attempt == command.attempt && bound_to(state, &command.device) == Some(id);
    same.then_some(Done::Registered { user: id })
}

pub(super) fn register(state: &State, index: LogIndex, command: &RegisterUser) -> Decision {
    is_open(state, Lockdown::NoRegister)?;
    // The invite first: who has none is not told which names are taken.
    let used = command
        .invite
        .as_ref()
        .map(|key| invite::used(state, key))
        .transpose()?;
    name_is_free(state, &command.name, command.likeness)?;
    room_for_one_account(state)?;
    let user = UserId(index.0);
    let mut events: Vec<_> = used.into_iter().chain(released(state, command.device)).collect();
    events.push(Event::State(StateEvent::UserRegistered {
        user,
        name: command.name.clone(),
        password: command.password.clone(),
        attempt: command.attempt,
        likeness: command.likeness,
        owner: None,
    }));
    events.push(Event::State(StateEvent::DeviceBound {
        user,
        device: command.device,
        name: command.device_name.clone(),
        binding: index,
    }));
    Ok((Done::Registered { user }, events))
}

pub(super) fn bind(state: &State, index: LogIndex, command: &BindDevice) -> Decision {
    let user = state.user(command.user).ok_or(Refusal::UnknownUser)?;
    proven(user, &command.proven)?;
    // Told to none but who knows the password.
    may_act(state, command.user)?;
    let bound = state
        .device(&command.device)
        .filter(|device| device.user == command.user);
    is_open(
        state,
        if bound.is_some() {
            Lockdown::ReadOnly
        } else {
            Lockdown::AuthOnly
        },
    )?;
    let mut events = Vec::new();
    let binding = bound.map_or(index, |device| device.binding);
    if bound.is_none() {
        room_for_one_more(
            state.devices_of(command.user).count(),
            DEVICES_PER_USER_MAX,
            Bound::Devices,
        )?;
        events.extend(released(state, command.device));
    }
    events.push(Event::State(StateEvent::DeviceBound {
        user: command.user,
        device: command.device,
        name: command.device_name.clone(),
        binding,
    }));
    Ok((Done::Bound { user: command.user }, events))
}

/// Also while nothing else may be changed: to take away what a device may do must always be possible.
pub(super) fn unbind(state: &State, command: &UnbindDevice) -> Decision {
    let user = speaks_for(state, &command.device)?;
    match bound_to(state, &command.target) {
        Some(owner) if owner == user => Ok((Done::Unbound, released(state, command.target).into_iter().collect())),
        _ => Err(Refusal::UnknownDevice),
    }
}

pub(super) fn change_password(state: &State, command: &ChangePassword) -> Decision {
    let id = acts_for(state, &command.device)?;
    let user = state.user(id).ok_or(Refusal::UnknownUser)?;
    // The same command again, whose answer was lost: the hash that it was proven against is gone.
    if user.password == command.password {
        return Ok((Done::Changed, Vec::new()));
    }
    proven(user, &command.proven)?;
    let changed = StateEvent::PasswordChanged {
        user: id,
        password: command.password.clone(),
    };
    Ok((Done::Changed, vec![Event::State(changed)]))
}

/// Whom the device speaks for.
pub(super) fn speaks_for(state: &State, device: &DeviceId) -> Result<UserId, Refusal> {
    bound_to(state, device).ok_or(Refusal::NotLoggedIn)
}

/// Whether the password that was proven is the account's. An account that is no more has none, and
/// who tries is not told so.
pub(super) fn proven(user: &User, hash: &PasswordHash) -> Result<(), Refusal> {
    match user.is_active() && user.password == *hash {
        true => Ok(()),
        false => Err(Refusal::WrongPassword),
    }
}

/// Whether a new account may have this name. Names in plain ASCII are nobody's trick on one another.
pub(super) fn name_is_free(state: &State, name: &UserName, likeness: Likeness) -> Result<(), Refusal> {
    if name.is_reserved() {
        return Err(Refusal::ReservedName);
    }
    if state.user_record_by_name(name).is_some() {
        return Err(Refusal::NameTaken);
    }
    let is_plain = |name: &UserName| name.as_str().is_ascii();
    let mut alike = state.look_alikes(likeness);
    match alike.any(|other| !is_plain(name) || !is_plain(&other.name)) {
        true => Err(Refusal::NameLooksTaken),
        false => Ok(()),
    }
}

/// One more account in the cluster, and one more name that is never given again.
pub(super) fn room_for_one_account(state: &State) -> Result<(), Refusal> {
    room_for_one_more(state.users_count(), USERS_MAX, Bound::Users)?;
    room_for_one_more(state.names_count(), NAMES_MAX, Bound::Names)
}

/// What it takes for the device to be bound to nobody: nothing, if it is not bound. Its writers stay
/// behind, with no binding to write under, and expire a few at a time.
fn released(state: &State, device: DeviceId) -> Option<Event> {
    let unbound = Event::State(StateEvent::DeviceUnbound { device });
    state.device(&device).map(|_| unbound)
}

fn bound_to(state: &State, device: &DeviceId) -> Option<UserId> {
    state.device(device).map(|device| device.user)
}
