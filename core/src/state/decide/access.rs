//! Whether somebody may do anything at all.

use crate::{DeviceId, Lockdown, Refusal, State, UserId};

use super::account::speaks_for;

/// Whom the device speaks for, if they may change anything now.
pub(super) fn acts_for(state: &State, device: &DeviceId) -> Result<UserId, Refusal> {
    let user = speaks_for(state, device)?;
    may_change(state, user)?;
    Ok(user)
}

/// Whether an account may change anything now.
pub(super) fn may_change(state: &State, user: UserId) -> Result<(), Refusal> {
    may_act(state, user)?;
    is_open(state, Lockdown::ReadOnly)
}

/// Whether an account may do anything now.
pub(super) fn may_act(state: &State, user: UserId) -> Result<(), Refusal> {
    state.bar(user).map_or(Ok(()), Err)
}

/// Whether what this lockdown forbids is allowed.
pub(super) fn is_open(state: &State, lockdown: Lockdown) -> Result<(), Refusal> {
    match state.lockdown() < lockdown {
        true => Ok(()),
        false => Err(Refusal::LockedDown),
    }
}
