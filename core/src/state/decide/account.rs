//! Accounts, and the devices that speak for them.

use crate::{
    BindDevice, Bound, DEVICES_PER_USER_MAX, DeviceId, Done, Event, LogIndex, Refusal, RegisterUser, State, StateEvent,
    USERS_MAX, UnbindDevice, UserId,
};

use super::{Decision, room_for_one_more, writer};

/// The success of this very attempt, when its answer was lost.
pub(super) fn registered_before(state: &State, command: &RegisterUser) -> Option<Done> {
    let (id, user) = state.user_by_name(&command.name)?;
    let same = user.attempt == command.attempt && bound_to(state, &command.device) == Some(id);
    same.then_some(Done::Registered { user: id })
}

pub(super) fn register(state: &State, index: LogIndex, command: &RegisterUser) -> Decision {
    if state.user_by_name(&command.name).is_some() {
        return Err(Refusal::NameTaken);
    }
    room_for_one_more(state.users_count(), USERS_MAX, Bound::Users)?;
    let user = UserId(index.0);
    let mut events = release(state, command.device);
    events.push(Event::State(StateEvent::UserRegistered {
        user,
        name: command.name.clone(),
        password: command.password.clone(),
        attempt: command.attempt,
    }));
    events.push(Event::State(StateEvent::DeviceBound {
        user,
        device: command.device,
        name: command.device_name.clone(),
    }));
    Ok((Done::Registered { user }, events))
}

pub(super) fn bind(state: &State, command: &BindDevice) -> Decision {
    let user = state.user(command.user).ok_or(Refusal::UnknownUser)?;
    if user.password != command.proven {
        return Err(Refusal::WrongPassword);
    }
    let mut events = Vec::new();
    if bound_to(state, &command.device) != Some(command.user) {
        room_for_one_more(
            state.devices_of(command.user).count(),
            DEVICES_PER_USER_MAX,
            Bound::Devices,
        )?;
        events = release(state, command.device);
    }
    events.push(Event::State(StateEvent::DeviceBound {
        user: command.user,
        device: command.device,
        name: command.device_name.clone(),
    }));
    Ok((Done::Bound { user: command.user }, events))
}

pub(super) fn unbind(state: &State, command: &UnbindDevice) -> Decision {
    let user = speaks_for(state, &command.device)?;
    match bound_to(state, &command.target) {
        Some(owner) if owner == user => Ok((Done::Unbound, release(state, command.target))),
        _ => Err(Refusal::UnknownDevice),
    }
}

/// Whom the device speaks for.
pub(super) fn speaks_for(state: &State, device: &DeviceId) -> Result<UserId, Refusal> {
    bound_to(state, device).ok_or(Refusal::NotLoggedIn)
}

fn bound_to(state: &State, device: &DeviceId) -> Option<UserId> {
    state.device(device).map(|device| device.user)
}

/// What it takes for the device to be bound to nobody: its writers go first, each by an event of
/// its own that names its receipts, so that a store need not look for them.
fn release(state: &State, device: DeviceId) -> Vec<Event> {
    if state.device(&device).is_none() {
        return Vec::new();
    }
    let mut events: Vec<_> = writer::of_device(state, device)
        .map(|id| writer::expired(state, id))
        .collect();
    events.push(Event::State(StateEvent::DeviceUnbound { device }));
    events
}
