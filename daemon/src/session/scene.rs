//! States for tests: what came of commands, one after the other.

use std::collections::BTreeMap;

use quorate_core::{
    Action, Applied, Body, Command, CreateRoom, DeviceId, DeviceName, Done, Entry, GrantWriter, JoinRoom, LogIndex,
    MessageId, Origin, Outcome, PasswordHash, PostMessage, RegisterUser, RequestNo, RoomName, RoomRef, State,
    Submission, Timestamp, Topic, UserId, UserName, WriterId,
};

#[derive(Default)]
pub(super) struct Scene {
    pub(super) state: State,
    people: BTreeMap<String, Person>,
}

struct Person {
    id: UserId,
    device: DeviceId,
    writer: WriterId,
    request: RequestNo,
}

pub(super) fn user_name(text: &str) -> UserName {
    UserName::parse(text).unwrap()
}

pub(super) fn room_name(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

impl Scene {
    /// With these accounts.
    pub(super) fn of(names: &[&str]) -> Self {
        let mut scene = Self::default();
        names.iter().for_each(|name| scene.register(name));
        scene
    }

    pub(super) fn register(&mut self, name: &str) {
        let number = self.people.len() as u64 + 1;
        let mut device = [0; 32];
        device[..8].copy_from_slice(&number.to_be_bytes());
        let device = DeviceId(device);
        let registered = self.command(Command::RegisterUser(RegisterUser {
            name: user_name(name),
            password: PasswordHash::parse(name).unwrap(),
            device,
            device_name: DeviceName::parse("d").unwrap(),
            attempt: u128::from(number),
            likeness: user_name(name).likeness(),
            invite: None,
        }));
        let granted = self.command(Command::GrantWriter(GrantWriter { device }));
        let (Ok(Done::Registered { user: id }), Ok(Done::Granted { writer })) = (registered.outcome, granted.outcome)
        else {
            panic!("{name} cannot register");
        };
        let request = RequestNo(0);
        let person = Person {
            id,
            device,
            writer,
            request,
        };
        self.people.insert(name.to_owned(), person);
    }

    pub(super) fn command(&mut self, command: Command) -> Applied {
        let index = self.state.hash().index.next();
        let proposed_at = Timestamp(1_000_000 + index.0);
        self.state.apply(LogIndex(index.0), &Entry { proposed_at, command })
    }

    pub(super) fn id(&self, name: &str) -> UserId {
        self.people[name].id
    }

    pub(super) fn device(&self, name: &str) -> DeviceId {
        self.people[name].device
    }

    pub(super) fn act(&mut self, name: &str, action: Action) -> Outcome {
        self.applied(name, action).outcome
    }

    pub(super) fn applied(&mut self, name: &str, action: Action) -> Applied {
        let person = self.people.get_mut(name).unwrap();
        person.request = person.request.next();
        let origin = Origin {
            device: person.device,
            writer: person.writer,
            request: person.request,
        };
        self.command(Command::Submit(Submission { origin, action }))
    }

    /// A room with its owner and other members.
    pub(super) fn room(&mut self, room: &str, private: bool, owner: &str, others: &[&str]) {
        let create = Action::CreateRoom(CreateRoom {
            name: room_name(room),
            private,
            topic: Topic::default(),
        });
        self.act(owner, create).unwrap();
        for other in others {
            let room = room_name(room);
            self.act(other, Action::JoinRoom(JoinRoom { room })).unwrap();
        }
    }

    pub(super) fn post(&mut self, name: &str, room: &str, text: &str) -> Applied {
        let body = Body::parse(text).unwrap();
        let (mentions, calls_room) = body.mentions();
        let id = self.state.hash().index.to_string();
        let post = PostMessage {
            room: RoomRef::Name(room_name(room)),
            id: MessageId::parse(&id).unwrap(),
            body,
            reply_to: None,
            mentions,
            calls_room,
        };
        self.applied(name, Action::PostMessage(post))
    }
}
