//! The people of a story and the state they talk to.
//!
//! `alice` is the user on the device called `alice`, `alice@phone` the same user on another device,
//! and what follows a `/` names a writer, so that `alice@phone/2` is a second outbox there. A writer
//! is granted when it is first used. Each of them counts its own requests; `request=N` says another
//! number, and `asks again for N` sends again what was sent under it.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::str::FromStr;

use quorate_core::{
    Action, Applied, BindDevice, Command, CreateRoom, DeviceId, Done, Entry, Event, GrantWriter, JoinRoom, LeaveRoom,
    LogIndex, MarkRead, Origin, Outcome, PasswordHash, PostMessage, Refusal, RegisterUser, RequestNo, Role, RoomEvent,
    RoomEventKind, RoomRef, Seq, SetTopic, State, Submission, Timestamp, UnbindDevice, UserId, WriterId,
};

use crate::line::Line;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(crate) struct World {
    state: State,
    index: LogIndex,
    clock: Timestamp,
    writers: BTreeMap<String, (WriterId, RequestNo)>,
    sent: BTreeMap<(String, RequestNo), Submission>,
    history: Vec<RoomEvent>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            state: State::new(),
            index: LogIndex(0),
            clock: Timestamp(0),
            writers: BTreeMap::new(),
            sent: BTreeMap::new(),
            history: Vec::new(),
        }
    }

    /// Does what the line says and tells what came of it.
    pub(crate) fn act(&mut self, line: &Line) -> String {
        let words: Vec<&str> = line.words.iter().map(String::as_str).collect();
        match *words.as_slice() {
            ["clocks", "say", "day", day] => {
                self.clock = Timestamp(number(day) * DAY_MS);
                String::new()
            }
            ["clocks", "say", ms] => {
                self.clock = Timestamp(number(ms));
                String::new()
            }
            ["log", "time"] => self.state.now().to_string(),
            [who, "registers"] => self.register(who, user(who), line),
            [who, "registers", "as", name] => self.register(who, name, line),
            [who, "logs", "in"] => self.log_in(who, user(who), line),
            [who, "logs", "in", "as", name] => self.log_in(who, name, line),
            [who, "logs", "out"] => self.unbind(who, who),
            [who, "unbinds", target] => self.unbind(who, target),
            [who, "gets", "a", "writer"] => {
                self.writers.remove(who);
                self.writer(who)
                    .map_or_else(|refusal| refused(&refusal), |_| "granted".to_owned())
            }
            [who, "gets", count, "rooms"] => self.many_rooms(who, number(count)),
            [who, "posts", count, "messages", "to", room] => self.many_messages(who, number(count), room),
            [who, "binds", count, "devices"] => self.many_devices(who, number(count)),
            [who, "gets", count, "writers"] => self.many_writers(who, number(count)),
            [who, "asks", "again", "for", request] => self.ask_again(who, RequestNo(number(request))),
            [who, "sees", room] => place(self.state.visible_room(self.id(who), &room_ref(room))),
            [who, "may", "read", room] => place(self.state.readable_room(self.id(who), &room_ref(room))),
            ["unread", "of", who, "in", room] => self.unread(who, room),
            ["members", "of", room] => self.members(room),
            ["history", "of", room] => self.history(room),
            [who, ref action @ ..] => {
                let action = action_of(action, line).unwrap_or_else(|| panic!("nobody can {:?}", line.words));
                self.submit(who, line, action)
            }
            [] => panic!("a line says something"),
        }
    }

    fn apply(&mut self, command: Command) -> Applied {
        self.index = self.index.next();
        let applied = self.state.apply(
            self.index,
            &Entry {
                proposed_at: self.clock,
                command,
            },
        );
        self.history
            .extend(applied.events.iter().filter_map(|event| match event {
                Event::Room(event) => Some(event.clone()),
                Event::State(_) => None,
            }));
        applied
    }

    fn register(&mut self, who: &str, name: &str, line: &Line) -> String {
        let command = RegisterUser {
            name: valid(name),
            password: password(line),
            device: device(who),
            device_name: valid("a device"),
            attempt: u128::from(line.number("attempt").unwrap_or_default()),
        };
        told(&self.apply(Command::RegisterUser(command)))
    }

    fn log_in(&mut self, who: &str, name: &str, line: &Line) -> String {
        let user = self
            .state
            .user_by_name(&valid(name))
            .map_or(UserId(u64::MAX), |(id, _)| id);
        let device_name = valid("a device");
        let command = BindDevice {
            user,
            proven: password(line),
            device: device(who),
            device_name,
        };
        told(&self.apply(Command::BindDevice(command)))
    }

    fn unbind(&mut self, who: &str, target: &str) -> String {
        told(&self.apply(Command::UnbindDevice(UnbindDevice {
            device: device(who),
            target: device(target),
        })))
    }

    fn writer(&mut self, who: &str) -> Result<(WriterId, RequestNo), Refusal> {
        if let Some(known) = self.writers.get(who) {
            return Ok(*known);
        }
        let Done::Granted { writer } = self
            .apply(Command::GrantWriter(GrantWriter { device: device(who) }))
            .outcome?
        else {
            panic!("a grant comes to a writer")
        };
        self.writers.insert(who.to_owned(), (writer, RequestNo(1)));
        Ok((writer, RequestNo(1)))
    }

    fn submit(&mut self, who: &str, line: &Line, action: Action) -> String {
        let (writer, next) = match self.writer(who) {
            Ok(found) => found,
            Err(refusal) => return refused(&refusal),
        };
        let request = line.number("request").map_or(next, RequestNo);
        // `by=` sends through somebody else's writer.
        let writer = line.options.get("by").map_or(writer, |other| self.writers[other].0);
        let submission = Submission {
            origin: Origin {
                device: device(who),
                writer,
                request,
            },
            action,
        };
        let applied = self.apply(Command::Submit(submission.clone()));
        let stored = !matches!(
            applied.outcome,
            Err(Refusal::Gap { .. } | Refusal::ReceiptGone | Refusal::WriterExpired | Refusal::NotLoggedIn)
        );
        if stored && request == next {
            self.writers.insert(who.to_owned(), (writer, next.next()));
            self.sent.insert((who.to_owned(), request), submission);
        }
        told(&applied)
    }

    fn ask_again(&mut self, who: &str, request: RequestNo) -> String {
        let submission = self.sent[&(who.to_owned(), request)].clone();
        let applied = self.apply(Command::Submit(submission));
        let happened = applied.events.iter().any(|event| matches!(event, Event::Room(_)));
        assert!(!happened, "a request that was sent again was done again");
        told(&applied)
    }

    fn many_rooms(&mut self, who: &str, count: u64) -> String {
        let create = |at| line(&format!("{who} creates filler-{at}"));
        (0..count)
            .map(|at| self.act(&create(at)))
            .last()
            .expect("more than none")
    }

    fn many_messages(&mut self, who: &str, count: u64, room: &str) -> String {
        let post = |at| line(&format!("{who} posts \"filler {at}\" to {room}"));
        (0..count).map(|at| self.act(&post(at))).last().expect("more than none")
    }

    fn many_devices(&mut self, who: &str, count: u64) -> String {
        (0..count)
            .map(|at| self.log_in(&format!("{who}@{at}"), user(who), &line("as usual")))
            .last()
            .expect("more than none")
    }

    fn many_writers(&mut self, who: &str, count: u64) -> String {
        let grant = |world: &mut Self, at| world.writer(&format!("{who}/filler-{at}"));
        let refusal = (0..count).find_map(|at| grant(self, at).err());
        refusal.map_or("granted".to_owned(), |refusal| refused(&refusal))
    }

    fn id(&self, who: &str) -> UserId {
        self.state.user_by_name(&valid(user(who))).expect("the user exists").0
    }

    fn unread(&self, who: &str, room: &str) -> String {
        let (room, _) = self.state.room_by_name(&valid(room)).expect("the room exists");
        self.state
            .unread(room, self.id(who))
            .map_or("not a member".to_owned(), |count| count.to_string())
    }

    fn members(&self, room: &str) -> String {
        let (room, _) = self.state.room_by_name(&valid(room)).expect("the room exists");
        let names = self.state.members(room).map(|(id, member)| {
            let owner = if member.role == Role::Owner { "*" } else { "" };
            format!("{}{owner}", self.state.user(id).expect("a member is a user").name)
        });
        let names = names.collect::<Vec<_>>().join(" ");
        if names.is_empty() { "nobody".to_owned() } else { names }
    }

    fn history(&self, room: &str) -> String {
        let (room, _) = self.state.room_by_name(&valid(room)).expect("the room exists");
        let lines = self.history.iter().filter(|event| event.room == room).map(|event| {
            let said = match &event.kind {
                RoomEventKind::Message { body, .. } => body.to_string(),
                RoomEventKind::Joined => "joined".to_owned(),
                RoomEventKind::Left => "left".to_owned(),
                RoomEventKind::TopicSet { topic } => format!("topic {topic}"),
            };
            format!("{} {} {said}", event.seq, event.author_name)
        });
        lines.collect::<Vec<_>>().join(", ")
    }
}

fn action_of(words: &[&str], line: &Line) -> Option<Action> {
    Some(match *words {
        ["creates", name] => create(name, false),
        ["creates", "private", name] => create(name, true),
        ["joins", room] => Action::JoinRoom(JoinRoom { room: valid(room) }),
        ["leaves", room] => Action::LeaveRoom(LeaveRoom { room: valid(room) }),
        ["posts", body, "to", room] => Action::PostMessage(PostMessage {
            room: room_ref(room),
            id: valid(line.options.get("id").map_or(body, String::as_str)),
            body: valid(body),
            reply_to: line.number("reply").map(Seq),
        }),
        ["sets", "the", "topic", "of", room, "to", topic] => Action::SetTopic(SetTopic {
            room: valid(room),
            topic: valid(topic),
        }),
        ["reads", room, "up", "to", seq] => Action::MarkRead(MarkRead {
            room: room_ref(room),
            upto: Seq(number(seq)),
        }),
        _ => return None,
    })
}

fn create(name: &str, private: bool) -> Action {
    Action::CreateRoom(CreateRoom {
        name: valid(name),
        private,
        topic: valid(""),
    })
}

fn told(applied: &Applied) -> String {
    told_outcome(&applied.outcome)
}

fn told_outcome(outcome: &Outcome) -> String {
    match outcome {
        Ok(Done::Registered { .. }) => "registered".to_owned(),
        Ok(Done::Bound { .. }) => "bound".to_owned(),
        Ok(Done::Unbound) => "unbound".to_owned(),
        Ok(Done::Granted { .. }) => "granted".to_owned(),
        Ok(Done::Created { .. }) => "created".to_owned(),
        Ok(Done::Joined { .. }) => "joined".to_owned(),
        Ok(Done::Left { .. }) => "left".to_owned(),
        Ok(Done::Posted { name, seq, .. }) => format!("seq {seq} in {name}"),
        Ok(Done::TopicSet { seq }) => format!("seq {seq}"),
        Ok(Done::Marked { upto }) => format!("marked {upto}"),
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Gap { expected } => format!("refused gap, expected {expected}"),
        other => format!("refused {}", other.code()),
    }
}

fn place<T>(found: Result<T, Refusal>) -> String {
    found.map_or_else(|refusal| refused(&refusal), |_| "yes".to_owned())
}

fn user(who: &str) -> &str {
    who.split(['@', '/']).next().unwrap_or(who)
}

fn device(who: &str) -> DeviceId {
    let name = who.split('/').next().unwrap_or(who);
    let mut id = [0; 32];
    id[..name.len()].copy_from_slice(name.as_bytes());
    DeviceId(id)
}

fn room_ref(text: &str) -> RoomRef {
    match text.strip_prefix('@') {
        Some(user) if !user.contains('+') => RoomRef::Direct(valid(user)),
        _ => RoomRef::Name(valid(text)),
    }
}

fn password(line: &Line) -> PasswordHash {
    valid(line.options.get("password").map_or("secret", String::as_str))
}

fn number(text: &str) -> u64 {
    text.parse().expect("a number")
}

fn valid<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("texts of tests are valid")
}

fn line(text: &str) -> Line {
    Line::parse(text).expect("the line says something")
}
