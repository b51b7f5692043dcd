//! Invites to the cluster: made and ended by operators, used up by registrations.

use crate::{
    Bound, CreateInvite, Done, Event, INVITE_USES_MAX, INVITES_MAX, InviteId, InviteKey, LogIndex, Operator, Refusal,
    RevokeInvite, State, StateEvent, Timestamp,
};

use super::{Decision, room_for_one_more};

/// The invite that was made with this key.
pub(super) fn created_before(state: &State, command: &CreateInvite) -> Option<Done> {
    let (invite, found) = state.invite_by_key(&command.key)?;
    Some(Done::InviteCreated {
        invite,
        expires_at: found.expires_at,
    })
}

pub(super) fn create(state: &State, index: LogIndex, by: Operator, command: &CreateInvite) -> Decision {
    if !(1..=INVITE_USES_MAX).contains(&command.uses) {
        return Err(Refusal::TooMany {
            what: Bound::Invites,
            max: INVITE_USES_MAX,
        });
    }
    room_for_one_more(state.invites.len(), INVITES_MAX, Bound::Invites)?;
    let invite = InviteId(index.0);
    let expires_at = Timestamp(state.now().0.saturating_add(command.lasts.0));
    let created = StateEvent::InviteCreated {
        invite,
        key: command.key,
        expires_at,
        uses: command.uses,
        by,
    };
    Ok((Done::InviteCreated { invite, expires_at }, vec![Event::State(created)]))
}

pub(super) fn revoke(state: &State, command: RevokeInvite) -> Decision {
    let invite = command.invite;
    if state.invites.contains_key(&invite) {
        return Ok((Done::Changed, vec![Event::State(StateEvent::InviteEnded { invite })]));
    }
    Err(Refusal::UnknownInvite)
}

/// One use of the invite that this key shows, if it is good.
pub(super) fn used(state: &State, key: &InviteKey) -> Result<Event, Refusal> {
    let (invite, found) = state
        .invite_by_key(key)
        .filter(|(_, invite)| invite.is_good(state.now()))
        .ok_or(Refusal::UnknownInvite)?;
    Ok(Event::State(match found.uses_left {
        1 => StateEvent::InviteEnded { invite },
        _ => StateEvent::InviteUsed { invite },
    }))
}
