//! What operators ask, each into the audit log: also what they are refused.
//! What operators ask: invites, how long is remembered, how much is kept, which nodes there are.

use crate::{
    Done, Event, LogIndex, Operate, Operation, Outcome, RETENTION_AGE_MIN, Refusal, Retention, RoomId, RoomName,
    SetQuota, State, StateEvent,
};

use super::{Decision, audit, ban, invite, place, roster, settle, user};

/// The outcome of an operation that was done before and leaves everything as it is.
pub(super) fn done_before(state: &State, command: &Operate) -> Option<Done> {
    match &command.operation {
        Operation::CreateInvite(operation) => invite::created_before(state, operation),
        Operation::CreateUser(operation) => user::created_before(state, operation),
        Operation::Roster(operation) => roster::done_before(state, operation),
        _ => None,
    }
}

pub(super) fn operate(state: &State, index: LogIndex, command: &Operate) -> (Outcome, Vec<Event>) {
    let (outcome, mut events) = settle(act(state, index, command));
    events.push(Event::State(audit::audited(state, command, &outcome)));
    (outcome, events)
}

fn act(state: &State, index: LogIndex, command: &Operate) -> Decision {
    match &command.operation {
        Operation::CreateInvite(operation) => invite::create(state, index, command.by, operation),
        Operation::RevokeInvite(operation) => invite::revoke(state, *operation),
        Operation::SetServerRetention(retention) => set_retention(None, state.settings().retention, *retention),
        Operation::SetRoomRetention { room, retention } => set_room_retention(state, room, *retention),
        Operation::SetQuota(operation) => set_quota(state, operation),
        Operation::CreateUser(operation) => user::create(state, index, operation),
        Operation::SetUserPassword(operation) => user::set_password(state, operation),
        Operation::DisableUser(name) => user::disable(state, name),
        Operation::EnableUser(name) => user::enable(state, name),
        Operation::DeleteUser(operation) => user::delete(state, operation),
        Operation::SetServerRole(operation) => user::set_role(state, operation),
        Operation::RevokeDevices(operation) => user::revoke(state, operation),
        Operation::CreateRoom(operation) => place::create(state, index, operation),
        Operation::ArchiveRoom(operation) => place::archive(state, operation),
        Operation::DeleteRoom(operation) => place::delete(state, operation),
        Operation::SetRoomOwner(operation) => place::set_owner(state, operation),
        Operation::AddBan(operation) => ban::add(state, index, command.by, operation),
        Operation::LiftBan(id) => ban::lift(state, *id),
        Operation::SetLockdown(lockdown) => ban::lock_down(state, *lockdown),
        Operation::Note { .. } => Ok((Done::Changed, Vec::new())),
        Operation::Roster(operation) => roster::operate(state, index, command.by, operation),
    }
}

/// How long a room, or without one the cluster, remembers from now on.
pub(super) fn set_retention(room: Option<RoomId>, before: Retention, retention: Retention) -> Decision {
    let age_min = RETENTION_AGE_MIN.as_millis();
    let too_short = retention.age_max.is_some_and(|age| u128::from(age.0) < age_min);
    // A message that is gone before anybody may have read it was never posted.
    if too_short || retention.messages_max == Some(0) {
        return Err(Refusal::NotAllowed);
    }
    changed(before != retention, StateEvent::RetentionSet { room, retention })
}

fn set_room_retention(state: &State, name: &RoomName, retention: Retention) -> Decision {
    let (id, room) = state.room_by_name(name).ok_or(Refusal::UnknownRoom)?;
    if name.is_direct() {
        return Err(Refusal::NotAllowed);
    }
    set_retention(Some(id), room.retention, retention)
}

fn set_quota(state: &State, operation: &SetQuota) -> Decision {
    let quota = operation.quota;
    let Some(name) = &operation.user else {
        let differs = state.settings().quota != quota.unwrap_or_default();
        return changed(differs, StateEvent::QuotaSet { user: None, quota });
    };
    let (user, found) = state.user_by_name(name).ok_or(Refusal::UnknownUser)?;
    changed(
        found.quota != quota,
        StateEvent::QuotaSet {
            user: Some(user),
            quota,
        },
    )
}

pub(super) fn changed(differs: bool, event: StateEvent) -> Decision {
    Ok(match differs {
        true => (Done::Changed, vec![Event::State(event)]),
        false => (Done::Unchanged, Vec::new()),
    })
}
