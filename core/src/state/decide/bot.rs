//! Bots: accounts that belong to a person.

use crate::{
    BOTS_EVER_PER_USER_MAX, BOTS_PER_USER_MAX, Bound, CreateBot, DeleteBot, Done, Event, Lockdown, LogIndex, Refusal,
    SetBotPassword, State, StateEvent, User, UserId, UserName,
};

use super::access::{acts_for, is_open};
use super::account::{name_is_free, room_for_one_account, speaks_for};
use super::{Decision, deletion, room_for_one_more};

/// The success of this very attempt, when its answer was lost.
pub(super) fn created_before(state: &State, command: &CreateBot) -> Option<Done> {
    let owner = speaks_for(state, &command.device).ok()?;
    let (id, bot) = state.user_by_name(&command.name)?;
    let same = bot.attempt == command.attempt && bot.owner == Some(owner);
    same.then_some(Done::Registered { user: id })
}

pub(super) fn create(state: &State, index: LogIndex, command: &CreateBot) -> Decision {
    let owner = acts_for(state, &command.device)?;
    is_open(state, Lockdown::NoRegister)?;
    // A bot that made bots would hide from its person what that is answerable for.
    if state.user(owner).is_none_or(|user| user.owner.is_some()) {
        return Err(Refusal::NotAllowed);
    }
    name_is_free(state, &command.name, command.likeness)?;
    room_for_one_more(state.bots_of(owner).count(), BOTS_PER_USER_MAX, Bound::Bots)?;
    // Who makes bots and ends them again uses up names, which stay theirs.
    let made = state.bots_made_by(owner) as usize;
    room_for_one_more(made, BOTS_EVER_PER_USER_MAX, Bound::BotsEver)?;
    room_for_one_account(state)?;
    let user = UserId(index.0);
    let registered = StateEvent::UserRegistered {
        user,
        name: command.name.clone(),
        password: command.password.clone(),
        attempt: command.attempt,
        likeness: command.likeness,
        owner: Some(owner),
    };
    Ok((Done::Registered { user }, vec![Event::State(registered)]))
}

pub(super) fn set_password(state: &State, command: &SetBotPassword) -> Decision {
    let (user, bot) = own(state, acts_for(state, &command.device)?, &command.bot)?;
    if !bot.is_active() {
        return Err(Refusal::UnknownUser);
    }
    // The same command again, whose answer was lost: the bot may be back on the new token already.
    if bot.password == command.password {
        return Ok((Done::Changed, Vec::new()));
    }
    let changed = StateEvent::PasswordChanged {
        user,
        password: command.password.clone(),
    };
    let unbound = deletion::devices_unbound(state, user);
    Ok((
        Done::Changed,
        std::iter::once(changed).chain(unbound).map(Event::State).collect(),
    ))
}

pub(super) fn delete(state: &State, command: &DeleteBot) -> Decision {
    let (id, bot) = own(state, acts_for(state, &command.device)?, &command.bot)?;
    match bot.is_active() {
        true => deletion::of(state, id, command.purge_messages),
        // The same command again, whose answer was lost.
        false => Ok((Done::Deleted, Vec::new())),
    }
}

/// A bot of the owner's, also one that is no more.
fn own<'a>(state: &'a State, owner: UserId, name: &UserName) -> Result<(UserId, &'a User), Refusal> {
    state
        .user_record_by_name(name)
        .filter(|(_, bot)| bot.owner == Some(owner))
        .ok_or(Refusal::UnknownUser)
}
