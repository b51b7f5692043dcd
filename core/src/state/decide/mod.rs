//! What a command comes to. Everything here reads the state and changes nothing.

mod access;
mod account;
mod audit;
mod ban;
mod bot;
mod deletion;
mod departure;
mod edit;
mod invite;
mod line;
mod message;
mod moderation;
mod operate;
mod place;
mod room;
mod roster;
mod submission;
mod sweep;
mod user;
mod writer;

pub(super) use sweep::is_overdue;

use crate::{Command, Done, Event, LogIndex, Outcome, Refusal, State, StateEvent, Timestamp};

/// What was decided: done, with what follows from it; or refused, and nothing follows.
type Decision = Result<(Done, Vec<Event>), Refusal>;

/// The outcome of a command that was done before and leaves everything as it is.
pub(super) fn answered_before(state: &State, now: Timestamp, command: &Command) -> Option<Outcome> {
    match command {
        Command::RegisterUser(command) => account::registered_before(state, command).map(Ok),
        Command::CreateBot(command) => bot::created_before(state, command).map(Ok),
        Command::Operate(command) => operate::done_before(state, command).map(Ok),
        Command::Submit(submission) => submission::answered_before(state, now, &submission.origin).cloned(),
        _ => None,
    }
}

/// What time asks for, whatever the command is.
pub(super) fn housekeeping(state: &State, now: Timestamp) -> Vec<Event> {
    let advanced = (now > state.now()).then_some(Event::State(StateEvent::ClockAdvanced { now }));
    advanced.into_iter().chain(writer::expiries(state, now)).collect()
}

/// What the command comes to at the state's own time.
pub(super) fn decide(state: &State, index: LogIndex, command: &Command) -> (Outcome, Vec<Event>) {
    let decision = match command {
        Command::RegisterUser(command) => account::register(state, index, command),
        Command::BindDevice(command) => account::bind(state, index, command),
        Command::UnbindDevice(command) => account::unbind(state, command),
        Command::GrantWriter(command) => writer::grant(state, index, command),
        Command::Submit(submission) => return submission::decide(state, index, submission),
        Command::ChangePassword(command) => account::change_password(state, command),
        Command::DeleteUser(command) => deletion::delete(state, command),
        Command::CreateBot(command) => bot::create(state, index, command),
        Command::SetBotPassword(command) => bot::set_password(state, command),
        Command::DeleteBot(command) => bot::delete(state, command),
        Command::Sweep(command) => sweep::sweep(state, *command),
        Command::Operate(command) => return operate::operate(state, index, command),
    };
    settle(decision)
}

fn settle(decision: Decision) -> (Outcome, Vec<Event>) {
    match decision {
        Ok((done, events)) => (Ok(done), events),
        Err(refusal) => (Err(refusal), Vec::new()),
    }
}

/// Refuses one more where there are `count` already.
fn room_for_one_more(count: usize, max: u32, what: crate::Bound) -> Result<(), Refusal> {
    match count < max as usize {
        true => Ok(()),
        false => Err(Refusal::TooMany { what, max }),
    }
}
