//! What the state takes in memory when it is as large as it is meant to be: 100,000 users with a
//! device each, 10,000 rooms, and 1,000,000 messages by 10,000 writers with full windows of
//! receipts. Prints the resident set by stage, first while living through it, then after a restore
//! of the same records. Run it with `--release`; with an argument, everything is divided by it.

#![allow(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "measures the core from outside"
)]

use std::fmt::Debug;
use std::str::FromStr;
use std::time::Instant;

use quorate_core::{
    Action, Command, CreateRoom, DeviceId, Done, Entry, GrantWriter, JoinRoom, LogIndex, Origin, PostMessage,
    RegisterUser, RequestNo, Retention, RoomRef, SetRetention, Span, State, Submission, Timestamp, UserName, WriterId,
};

const USERS: u64 = 100_000;
const ROOMS: u64 = 10_000;
const MESSAGES: u64 = 1_000_000;

fn main() {
    let part = std::env::args().nth(1).and_then(|part| part.parse().ok()).unwrap_or(1);
    tell("nothing");
    let state = live(part);
    measure("a look for chores", || drop(state.chores(state.now(), None)));
    let restored = State::from_records(state.records()).expect("the records of a state make that state");
    tell("the same, and beside it what a restore made of its records");
    measure("a look for chores there", || {
        drop(restored.chores(restored.now(), None));
    });
}

/// A log that is made as it is applied.
struct Log {
    state: State,
    index: LogIndex,
    writers: Vec<(DeviceId, WriterId, RequestNo)>,
}

fn live(part: u64) -> State {
    let mut log = Log {
        state: State::new(),
        index: LogIndex(0),
        writers: Vec::new(),
    };
    for at in 0..USERS / part {
        log.register(at);
    }
    tell("users and devices");
    let rooms = ROOMS / part;
    for at in 0..rooms {
        log.grant(at);
    }
    for at in 0..rooms {
        let name = valid(&format!("room-{at}"));
        let topic = valid("what this room is about");
        let private = at % 4 == 0;
        log.submit(at, Action::CreateRoom(CreateRoom { name, private, topic }));
        let retention = Retention {
            age_max: Some(Span(365 * 24 * 60 * 60 * 1000)),
            messages_max: None,
        };
        let room = valid(&format!("room-{at}"));
        log.submit(at, Action::SetRetention(SetRetention { room, retention }));
    }
    // Each public room has four members.
    for at in 0..rooms {
        for room in (0..rooms)
            .filter(|room| room % 4 != 0)
            .cycle()
            .skip(at as usize)
            .take(3)
        {
            let room = valid(&format!("room-{room}"));
            log.submit(at, Action::JoinRoom(JoinRoom { room }));
        }
    }
    tell("rooms and writers");
    for at in 0..MESSAGES / part {
        let room = RoomRef::Name(valid(&format!("room-{}", at % rooms)));
        let (id, body) = (
            valid(&format!("{at:032x}")),
            valid("a message of a usual length, more or less"),
        );
        let post = PostMessage {
            room,
            id,
            body,
            reply_to: None,
            mentions: Vec::new(),
            calls_room: false,
        };
        log.submit(at % rooms, Action::PostMessage(post));
    }
    tell("messages");
    log.state
}

impl Log {
    fn apply(&mut self, command: Command) -> Done {
        self.index = self.index.next();
        let proposed_at = Timestamp(1_790_000_000_000 + self.index.0);
        let applied = self.state.apply(self.index, &Entry { proposed_at, command });
        applied.outcome.expect("nothing is refused here")
    }

    fn register(&mut self, at: u64) {
        let name: UserName = valid(&format!("user-{at}"));
        self.apply(Command::RegisterUser(RegisterUser {
            likeness: name.likeness(),
            name,
            password: valid(&format!(
                "$argon2id$v=19$m=19456,t=2,p=1${at:022}$PRQVLrE2+ZZaFB0VcUB2lWZjwZQy9HZAtzJjvfJyZ0E"
            )),
            device: device(at),
            device_name: valid("a laptop"),
            attempt: u128::from(at),
            invite: None,
        }));
    }

    fn grant(&mut self, at: u64) {
        let device = device(at);
        let Done::Granted { writer } = self.apply(Command::GrantWriter(GrantWriter { device })) else {
            panic!("a grant comes to a writer")
        };
        self.writers.push((device, writer, RequestNo(0)));
    }

    fn submit(&mut self, at: u64, action: Action) {
        let (device, writer, request) = &mut self.writers[at as usize];
        *request = request.next();
        let origin = Origin {
            device: *device,
            writer: *writer,
            request: *request,
        };
        self.apply(Command::Submit(Submission { origin, action }));
    }
}

fn device(at: u64) -> DeviceId {
    let mut id = [7; 32];
    id[..8].copy_from_slice(&at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    DeviceId(id)
}

fn measure(what: &str, work: impl FnOnce()) {
    let began = Instant::now();
    work();
    println!("{what}: {} µs", began.elapsed().as_micros());
}

/// The resident set, as Linux tells it.
fn tell(stage: &str) {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident: u64 = pages
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    println!("{:4} MiB  {stage}", (resident * 4096) >> 20);
}

fn valid<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("texts of measurements are valid")
}
