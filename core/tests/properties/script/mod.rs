//! Random logs that are likely to mean something: few people, few rooms, many collisions.

mod action;
mod fixed;
mod operation;
mod roster;
mod step;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use proptest::collection;
use proptest::prelude::Strategy;
use quorate_core::{
    Action, Actor, BindDevice, ChangePassword, Command, CreateBot, DeleteBot, DeleteUser, DeviceId, Done, EditMessage,
    Entry, GrantWriter, InviteId, InviteKey, LogIndex, Operate, Operation, Operator, Origin, PasswordHash, React,
    RedactMessage, Refusal, RegisterUser, RequestNo, RevokeInvite, RoomId, RoomName, RoomRef, Seq, SetBotPassword,
    State, Submission, Sweep, Timestamp, UnbindDevice, UserId, UserName, WriterId,
};

pub(crate) use fixed::fixed;
use step::{Number, Step};

/// Entries of the log, in order.
pub(crate) type Log = Vec<(LogIndex, Entry)>;

const USERS: [&str; 6] = ["alice", "bob", "carol", "dave", "erin", "frank"];
const ROOMS: [&str; 4] = ["ops", "dev", "den", "attic"];
const DEVICES: u8 = 6;

/// A log of up to so many entries after a beginning in which three users meet in two rooms.
pub(crate) fn logs(entries_max: usize) -> impl Strategy<Value = Log> {
    collection::vec((step::steps(), step::clocks()), 0..entries_max).prop_map(|steps| {
        let mut writing = Writing::new();
        for step in fixed::beginning() {
            writing.write(&step, 1);
        }
        for (step, ms) in &steps {
            writing.write(step, *ms);
        }
        writing.log
    })
}

fn name(at: usize) -> UserName {
    valid(USERS[at])
}

fn room(at: usize) -> RoomName {
    valid(ROOMS[at])
}

const fn device(id: u8) -> DeviceId {
    DeviceId([id; 32])
}

const fn invite(id: u8) -> InviteKey {
    InviteKey([id; 32])
}

/// Makes steps into entries, with a state beside it that knows the ids.
struct Writing {
    log: Log,
    state: State,
    clock: Timestamp,
    index: LogIndex,
    writers: Vec<(WriterId, DeviceId)>,
    last: BTreeMap<WriterId, RequestNo>,
    rooms: Vec<RoomId>,
}

impl Writing {
    fn new() -> Self {
        Self {
            log: Vec::new(),
            state: State::new(),
            clock: Timestamp(1_000_000),
            // Other entries (memberships, blanks) take indexes too.
            index: LogIndex(3),
            writers: Vec::new(),
            last: BTreeMap::new(),
            rooms: Vec::new(),
        }
    }

    fn write(&mut self, step: &Step, ms: i64) {
        self.clock = Timestamp(self.clock.0.saturating_add_signed(ms));
        let again = Step::Grant {
            device: (self.log.len() % 3) as u8,
        };
        let step = if self.is_mute(step) { &again } else { step };
        let Some(command) = self.command(step) else { return };
        self.index = LogIndex(self.index.0 + 1 + u64::from(ms % 7 == 0));
        let entry = Entry {
            proposed_at: self.clock,
            command,
        };
        let applied = self.state.apply(self.index, &entry);
        match (&entry.command, &applied.outcome) {
            (Command::GrantWriter(command), Ok(Done::Granted { writer })) => {
                self.writers.push((*writer, command.device));
                self.last.insert(*writer, RequestNo(0));
            }
            (Command::Submit(submission), outcome) => {
                let last = self.last.entry(submission.origin.writer).or_default();
                let answered = applied.events.iter().any(is_answer);
                *last = if answered { submission.origin.request } else { *last };
                match outcome {
                    Ok(Done::Created { room, .. } | Done::Posted { room, .. }) => self.rooms.push(*room),
                    // Once is enough.
                    Err(Refusal::WriterExpired | Refusal::NotLoggedIn) => {
                        self.writers.retain(|(writer, _)| *writer != submission.origin.writer);
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        self.log.push((self.index, entry));
    }

    fn command(&self, step: &Step) -> Option<Command> {
        Some(match *step {
            Step::Register {
                user,
                device: on,
                attempt,
                invite: shown,
            } => Command::RegisterUser(RegisterUser {
                likeness: name(user).likeness(),
                name: name(user),
                password: valid("hash"),
                device: device(on),
                device_name: valid(""),
                attempt: u128::from(attempt),
                invite: shown.map(invite),
            }),
            Step::Bind {
                user,
                device: on,
                right,
            } => {
                let user = self.state.user_by_name(&name(user)).map_or(UserId(0), |(id, _)| id);
                Command::BindDevice(BindDevice {
                    user,
                    proven: self.proven(user, right),
                    device: device(on),
                    device_name: valid("again"),
                })
            }
            Step::Unbind { device: from, target } => Command::UnbindDevice(UnbindDevice {
                device: device(from),
                target: device(target),
            }),
            Step::Grant { device: on } => Command::GrantWriter(GrantWriter { device: device(on) }),
            Step::ChangePassword {
                device: on,
                right,
                other,
            } => Command::ChangePassword(ChangePassword {
                device: device(on),
                proven: self.proven(self.speaks_for(on), right),
                password: valid(if other { "other" } else { "hash" }),
            }),
            Step::DeleteUser {
                device: on,
                right,
                purge,
            } => Command::DeleteUser(DeleteUser {
                device: device(on),
                proven: self.proven(self.speaks_for(on), right),
                purge_messages: purge,
            }),
            Step::CreateBot {
                device: on,
                bot,
                attempt,
            } => Command::CreateBot(CreateBot {
                device: device(on),
                name: name(bot),
                likeness: name(bot).likeness(),
                password: valid("token"),
                attempt: u128::from(attempt),
            }),
            Step::SetBotPassword { device: on, bot } => Command::SetBotPassword(SetBotPassword {
                device: device(on),
                bot: name(bot),
                password: valid("new token"),
            }),
            Step::DeleteBot { device: on, bot, purge } => Command::DeleteBot(DeleteBot {
                device: device(on),
                bot: name(bot),
                purge_messages: purge,
            }),
            Step::Chore { at } => Command::Sweep(nth(&self.state.chores(self.clock, None).0, at)?),
            Step::SweepRoom { at } => Command::Sweep(Sweep::Room(nth(&self.rooms, at)?)),
            Step::SweepUser { user } => {
                let user = self.state.user_record_by_name(&name(user));
                Command::Sweep(Sweep::User(user.map_or(UserId(0), |(id, _)| id)))
            }
            Step::RevokeInvite { at } => {
                let invites: Vec<InviteId> = self.state.invites().map(|(id, _)| id).collect();
                let invite = nth(&invites, at).unwrap_or_default();
                operate(Operation::RevokeInvite(RevokeInvite { invite }))
            }
            Step::Operate(Operation::Roster(ref asked)) => {
                operate(Operation::Roster(roster::aimed(&self.state, asked.clone())))
            }
            Step::Operate(ref operation) => operate(operation.clone()),
            Step::Submit {
                writer,
                device: borrowed,
                ref number,
                ref action,
            } => {
                let (writer, own) = nth(&self.writers, writer)?;
                let next = self.last[&writer].next();
                let request = match number {
                    Number::Next => next,
                    Number::Back(by) => RequestNo(next.0.saturating_sub(*by)),
                    Number::Ahead(by) => RequestNo(next.0 + by),
                };
                let device = borrowed.map_or(own, device);
                Command::Submit(Submission {
                    origin: Origin {
                        device,
                        writer,
                        request,
                    },
                    action: self.aimed(action, self.state.device(&device).map(|device| device.user)),
                })
            }
        })
    }

    fn is_mute(&self, step: &Step) -> bool {
        matches!(step, Step::Submit { .. }) && self.writers.is_empty()
    }

    /// What is to be done to a message, mostly to one that is there.
    fn aimed(&self, action: &Action, author: Option<UserId>) -> Action {
        let mut action = action.clone();
        let (room, seq, own) = match &mut action {
            Action::EditMessage(EditMessage { room, seq, .. }) => (room, seq, true),
            Action::RedactMessage(RedactMessage { room, seq, .. }) => (room, seq, false),
            Action::React(React { room, seq, .. }) => (room, seq, false),
            _ => return action,
        };
        let Some(author) = author.filter(|_| !seq.0.is_multiple_of(4)) else {
            return action;
        };
        let users = self.state.users(None).map(|(id, _)| id);
        let of = users.filter(|user| *user == author || !own);
        let own = of.flat_map(|user| self.state.messages_by(user, None, 20));
        let places: Vec<_> = own.map(|own| (own.room, own.seq)).collect();
        let readable = |(room, _): &(RoomId, Seq)| self.state.member(*room, author).is_some();
        let places: Vec<_> = places.into_iter().filter(readable).collect();
        if let Some((at, there)) = nth(&places, seq.0 as usize) {
            let name = self.state.room(at).expect("messages are in rooms").name.clone();
            (*room, *seq) = (RoomRef::Name(name), there);
        }
        action
    }

    fn speaks_for(&self, on: u8) -> UserId {
        self.state.device(&device(on)).map_or(UserId(0), |device| device.user)
    }

    fn proven(&self, user: UserId, right: bool) -> PasswordHash {
        let present = self
            .state
            .user(user)
            .filter(|_| right)
            .map(|user| user.password.clone());
        present.unwrap_or_else(|| valid("hush"))
    }
}

fn operate(operation: Operation) -> Command {
    let by = Operator { uid: 0 };
    let actor = Actor::default();
    Command::Operate(Operate { by, operation, actor })
}

fn nth<T: Copy>(items: &[T], at: usize) -> Option<T> {
    items.get(at.checked_rem(items.len())?).copied()
}

fn is_answer(event: &quorate_core::Event) -> bool {
    matches!(
        event,
        quorate_core::Event::State(quorate_core::StateEvent::Answered { .. })
    )
}

fn valid<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("texts of tests are valid")
}
