//! Random logs that are likely to mean something: few people, few rooms, many collisions.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use proptest::prelude::{Just, Strategy, any};
use proptest::{collection, option, prop_oneof};
use quorate_core::{
    Action, BindDevice, Command, CreateRoom, DeviceId, Done, Entry, GrantWriter, JoinRoom, LeaveRoom, LogIndex,
    MarkRead, Origin, PostMessage, RegisterUser, RequestNo, RoomName, RoomRef, Seq, SetTopic, State, Submission,
    Timestamp, UnbindDevice, UserId, UserName, WriterId,
};

/// Entries of the log, in order.
pub(crate) type Log = Vec<(LogIndex, Entry)>;

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];
const ROOMS: [&str; 4] = ["ops", "dev", "den", "attic"];
const DEVICES: u8 = 6;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A log of up to so many entries after a beginning in which three users meet in two rooms.
pub(crate) fn logs(entries_max: usize) -> impl Strategy<Value = Log> {
    collection::vec((steps(), clocks()), 0..entries_max).prop_map(|steps| {
        let mut writing = Writing::new();
        for step in beginning() {
            writing.write(&step, 1);
        }
        for (step, ms) in &steps {
            writing.write(step, *ms);
        }
        writing.log
    })
}

/// The beginning and a little more, the same for ever.
pub(crate) fn fixed() -> Log {
    let post = |place, id: &str| {
        let (id, body) = (valid(id), valid("Grüße\nλ"));
        Action::PostMessage(PostMessage {
            room: place,
            id,
            body,
            reply_to: Some(Seq(1)),
        })
    };
    let submit = |writer, action| Step::Submit {
        writer,
        device: None,
        number: Number::Next,
        action,
    };
    let mut writing = Writing::new();
    let more = [
        submit(0, post(RoomRef::Name(room(0)), "a")),
        submit(1, post(RoomRef::Name(room(1)), "b")),
        submit(
            2,
            Action::MarkRead(MarkRead {
                room: RoomRef::Name(room(0)),
                upto: Seq(4),
            }),
        ),
        Step::Unbind { device: 1, target: 1 },
    ];
    for step in beginning().iter().chain(&more) {
        writing.write(step, 1);
    }
    writing.log
}

/// What is tried, before it is known what ids there are.
#[derive(Clone, Debug)]
enum Step {
    Register {
        user: usize,
        device: u8,
        attempt: u8,
    },
    Bind {
        user: usize,
        device: u8,
        right: bool,
    },
    Unbind {
        device: u8,
        target: u8,
    },
    Grant {
        device: u8,
    },
    Submit {
        writer: usize,
        device: Option<u8>,
        number: Number,
        action: Action,
    },
}

#[derive(Clone, Debug)]
enum Number {
    Next,
    Back(u64),
    Ahead(u64),
}

fn beginning() -> Vec<Step> {
    let submit = |writer, action| Step::Submit {
        writer,
        device: None,
        number: Number::Next,
        action,
    };
    let person = |at| {
        [
            Step::Register {
                user: at,
                device: at as u8,
                attempt: 0,
            },
            Step::Grant { device: at as u8 },
        ]
    };
    let mut steps: Vec<Step> = (0..3).flat_map(person).collect();
    steps.push(submit(0, create(0, false)));
    steps.push(submit(1, create(2, true)));
    steps.extend((1..3).map(|at| submit(at, Action::JoinRoom(JoinRoom { room: room(0) }))));
    steps
}

fn steps() -> impl Strategy<Value = Step> {
    let user = || 0..USERS.len();
    let device = || 0..DEVICES;
    let number = prop_oneof![
        12 => Just(Number::Next),
        2 => (0..70_u64).prop_map(Number::Back),
        1 => (1..4_u64).prop_map(Number::Ahead),
    ];
    let borrowed = prop_oneof![12 => Just(None), 1 => device().prop_map(Some)];
    prop_oneof![
        2 => (user(), device(), 0..2_u8).prop_map(|(user, device, attempt)| Step::Register { user, device, attempt }),
        2 => (user(), device(), any::<bool>()).prop_map(|(user, device, right)| Step::Bind { user, device, right }),
        1 => (device(), device()).prop_map(|(device, target)| Step::Unbind { device, target }),
        2 => device().prop_map(|device| Step::Grant { device }),
        30 => (any::<usize>(), borrowed, number, actions())
            .prop_map(|(writer, device, number, action)| Step::Submit { writer, device, number, action }),
    ]
}

fn actions() -> impl Strategy<Value = Action> {
    let named = || prop_oneof![8 => (0..ROOMS.len()).prop_map(room), 1 => direct_names()];
    let place = || prop_oneof![4 => named().prop_map(RoomRef::Name), 1 => users().prop_map(RoomRef::Direct)];
    let replies = option::weighted(PROBABLY_NOT, (0..12_u64).prop_map(Seq));
    prop_oneof![
        2 => (0..ROOMS.len(), any::<bool>()).prop_map(|(at, private)| create(at, private)),
        3 => named().prop_map(|room| Action::JoinRoom(JoinRoom { room })),
        1 => named().prop_map(|room| Action::LeaveRoom(LeaveRoom { room })),
        1 => named().prop_map(|room| Action::SetTopic(SetTopic { room, topic: valid("t") })),
        3 => (place(), 0..20_u64).prop_map(|(room, upto)| Action::MarkRead(MarkRead { room, upto: Seq(upto) })),
        10 => (place(), 0..200_u8, replies).prop_map(|(room, id, reply_to)| Action::PostMessage(PostMessage {
            room,
            id: valid(&format!("m{id}")),
            body: valid(&format!("body of {id}")),
            reply_to,
        })),
    ]
}

/// proptest's own type for a probability.
#[allow(clippy::disallowed_types, reason = "of the test's dice; the core sees none of it")]
const PROBABLY_NOT: f64 = 0.2;

/// Milliseconds that pass before an entry: mostly few, at times backwards, at times weeks.
fn clocks() -> impl Strategy<Value = i64> {
    prop_oneof![20 => 0..1000_i64, 3 => -5000..0_i64, 1 => (10..40_i64).prop_map(|days| days * DAY_MS)]
}

fn users() -> impl Strategy<Value = UserName> {
    (0..USERS.len()).prop_map(|at| valid(USERS[at]))
}

fn direct_names() -> impl Strategy<Value = RoomName> {
    (users(), users()).prop_map(|(one, other)| RoomName::direct(&one, &other))
}

fn create(at: usize, private: bool) -> Action {
    Action::CreateRoom(CreateRoom {
        name: room(at),
        private,
        topic: valid(""),
    })
}

fn room(at: usize) -> RoomName {
    valid(ROOMS[at])
}

const fn device(id: u8) -> DeviceId {
    DeviceId([id; 32])
}

/// Makes steps into entries, with a state beside it that knows the ids.
struct Writing {
    log: Log,
    state: State,
    clock: Timestamp,
    index: LogIndex,
    writers: Vec<(WriterId, DeviceId)>,
    last: BTreeMap<WriterId, RequestNo>,
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
        }
    }

    fn write(&mut self, step: &Step, ms: i64) {
        let Some(command) = self.command(step) else { return };
        self.clock = Timestamp(self.clock.0.saturating_add_signed(ms));
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
            (Command::Submit(submission), _) => {
                let last = self.last.entry(submission.origin.writer).or_default();
                let answered = applied.events.iter().any(is_answer);
                *last = if answered { submission.origin.request } else { *last };
            }
            _ => {}
        }
        self.log.push((self.index, entry));
    }

    fn command(&self, step: &Step) -> Option<Command> {
        Some(match step {
            Step::Register {
                user,
                device: on,
                attempt,
            } => Command::RegisterUser(RegisterUser {
                name: valid(USERS[*user]),
                password: valid("hash"),
                device: device(*on),
                device_name: valid(""),
                attempt: u128::from(*attempt),
            }),
            Step::Bind {
                user,
                device: on,
                right,
            } => Command::BindDevice(BindDevice {
                user: self
                    .state
                    .user_by_name(&valid(USERS[*user]))
                    .map_or(UserId(0), |(id, _)| id),
                proven: valid(if *right { "hash" } else { "hush" }),
                device: device(*on),
                device_name: valid("again"),
            }),
            Step::Unbind { device: from, target } => Command::UnbindDevice(UnbindDevice {
                device: device(*from),
                target: device(*target),
            }),
            Step::Grant { device: on } => Command::GrantWriter(GrantWriter { device: device(*on) }),
            Step::Submit {
                writer,
                device: borrowed,
                number,
                action,
            } => {
                let (writer, own) = *self.writers.get(writer.checked_rem(self.writers.len())?)?;
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
                    action: action.clone(),
                })
            }
        })
    }
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
