//! Who stays out of the cluster, and what nobody may do for now.

use crate::{
    AddBan, BanId, BanName, BanSubject, Bound, Done, Event, Lockdown, LogIndex, Operator, Refusal, SERVER_BANS_MAX,
    State, StateEvent, Timestamp,
};

use super::operate::changed;
use super::{Decision, room_for_one_more};

pub(super) fn add(state: &State, index: LogIndex, by: Operator, operation: &AddBan) -> Decision {
    let subject = match &operation.subject {
        BanName::User(name) => BanSubject::User(state.user_by_name(name).ok_or(Refusal::UnknownUser)?.0),
        BanName::Network(network) => BanSubject::Network(*network),
    };
    let mut replaced = state.ban_of(&subject);
    if replaced.is_none() {
        let full = room_for_one_more(state.server_bans.len(), SERVER_BANS_MAX, Bound::ServerBans);
        if let Err(refusal) = full {
            replaced = Some(state.server_bans_over(state.now()).next().ok_or(refusal)?);
        }
    }
    let ban = BanId(index.0);
    let until = operation
        .lasts
        .map(|span| Timestamp(state.now().0.saturating_add(span.0)));
    let ended = replaced.map(|ban| StateEvent::ServerBanEnded { ban });
    let added = StateEvent::ServerBanAdded {
        ban,
        subject,
        by,
        until,
        reason: operation.reason.clone(),
    };
    let events = ended.into_iter().chain([added]).map(Event::State);
    Ok((Done::BanAdded { ban, until }, events.collect()))
}

pub(super) fn lift(state: &State, ban: BanId) -> Decision {
    if state.server_bans.contains_key(&ban) {
        return Ok((Done::Changed, vec![Event::State(StateEvent::ServerBanEnded { ban })]));
    }
    Err(Refusal::UnknownBan)
}

pub(super) fn lock_down(state: &State, lockdown: Lockdown) -> Decision {
    changed(state.lockdown() != lockdown, StateEvent::LockdownSet { lockdown })
}
