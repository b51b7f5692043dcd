//! Facts become state. Nothing here can fail: an event was decided on this very state, so what it
//! names exists; were that ever untrue, going on would make nodes differ, so it ends the process.

use std::collections::VecDeque;

use crate::{
    Device, DeviceId, Event, Member, Outcome, Placed, RECEIPT_WINDOW, RequestNo, Role, Room, RoomEvent, RoomEventKind,
    RoomId, Seq, State, StateEvent, User, UserId, Writer, WriterId,
};

use super::table::{Lines, MessageKey, RoomState, WriterState};

const DECIDED: &str = "the event was decided on this state";

impl State {
    pub(super) fn evolve(&mut self, event: &Event) {
        match event {
            Event::State(event) => self.evolve_state(event),
            Event::Room(event) => self.evolve_room(event),
        }
    }

    fn evolve_state(&mut self, event: &StateEvent) {
        let now = self.clock.now;
        match event {
            StateEvent::ClockAdvanced { now } => self.clock.now = *now,
            StateEvent::UserRegistered {
                user,
                name,
                password,
                attempt,
            } => {
                self.user_names.insert(name.clone(), *user);
                let (name, password) = (name.clone(), password.clone());
                self.users.insert(
                    *user,
                    User {
                        name,
                        password,
                        registered_at: now,
                        attempt: *attempt,
                    },
                );
            }
            StateEvent::DeviceBound { user, device, name } => {
                self.user_devices.insert((*user, *device));
                let bound = Device {
                    user: *user,
                    name: name.clone(),
                    bound_at: now,
                };
                // A login on a device that is bound already may rename it, and it stays as old as it is.
                self.devices
                    .entry(*device)
                    .and_modify(|device| device.name = name.clone())
                    .or_insert(bound);
            }
            StateEvent::DeviceUnbound { device } => self.unbind(*device),
            StateEvent::WriterGranted { writer, device } => {
                let granted = Writer {
                    device: *device,
                    last: RequestNo(0),
                    used_at: now,
                };
                self.writers.insert(
                    *writer,
                    WriterState {
                        writer: granted,
                        receipts: VecDeque::new(),
                    },
                );
                self.idle.insert((now, *writer));
                self.device_writers.insert((*device, now, *writer));
            }
            StateEvent::WriterExpired { writer, .. } => self.expire(*writer),
            StateEvent::Answered {
                writer,
                request,
                outcome,
            } => self.answer(*writer, *request, outcome),
            StateEvent::RoomCreated {
                room,
                name,
                private,
                topic,
            } => {
                self.room_names.insert(name.clone(), *room);
                let created = Room {
                    name: name.clone(),
                    private: *private,
                    topic: topic.clone(),
                    created_at: now,
                    last_seq: Seq(0),
                    members: 0,
                    messages: 0,
                };
                self.rooms.insert(
                    *room,
                    RoomState {
                        room: created,
                        lines: Lines::default(),
                    },
                );
            }
            StateEvent::ReadMarked { room, user, upto } => self.mark(*room, *user, *upto),
        }
    }

    fn evolve_room(&mut self, event: &RoomEvent) {
        let RoomState { room, lines } = self.rooms.get_mut(&event.room).expect(DECIDED);
        let first = room.last_seq == Seq(0);
        self.clock.next_event = event.no.next();
        room.last_seq = event.seq;
        lines.push(matches!(event.kind, RoomEventKind::Message { .. }).then_some(event.author));
        match &event.kind {
            RoomEventKind::Message { id, .. } => {
                room.messages += 1;
                let member = self.members.get_mut(&(event.room, event.author)).expect(DECIDED);
                member.own_past_mark += 1;
                let placed = Placed {
                    room: event.room,
                    seq: event.seq,
                    at: event.at,
                };
                self.messages.insert(MessageKey::new(event.author, id.digest()), placed);
            }
            RoomEventKind::Joined => {
                room.members += 1;
                let role = if first && !room.name.is_direct() {
                    Role::Owner
                } else {
                    Role::Member
                };
                let member = Member {
                    role,
                    joined: event.seq,
                    read: event.seq,
                    seen: room.messages,
                    own_past_mark: 0,
                };
                self.members.insert((event.room, event.author), member);
                self.user_rooms.insert((event.author, event.room));
            }
            RoomEventKind::Left => {
                room.members -= 1;
                self.members.remove(&(event.room, event.author));
                self.user_rooms.remove(&(event.author, event.room));
            }
            RoomEventKind::TopicSet { topic } => room.topic = topic.clone(),
        }
    }

    fn unbind(&mut self, device: DeviceId) {
        let bound = self.devices.remove(&device).expect(DECIDED);
        self.user_devices.remove(&(bound.user, device));
    }

    fn expire(&mut self, writer: WriterId) {
        let expired = self.writers.remove(&writer).expect(DECIDED).writer;
        self.idle.remove(&(expired.used_at, writer));
        self.device_writers.remove(&(expired.device, expired.used_at, writer));
    }

    fn answer(&mut self, id: WriterId, request: RequestNo, outcome: &Outcome) {
        let now = self.clock.now;
        let WriterState { writer, receipts } = self.writers.get_mut(&id).expect(DECIDED);
        self.idle.remove(&(writer.used_at, id));
        self.device_writers.remove(&(writer.device, writer.used_at, id));
        writer.last = request;
        writer.used_at = now;
        self.idle.insert((now, id));
        self.device_writers.insert((writer.device, now, id));
        if receipts.len() as u64 == RECEIPT_WINDOW {
            receipts.pop_front();
        }
        receipts.push_back(outcome.clone());
    }

    fn mark(&mut self, room: RoomId, user: UserId, upto: Seq) {
        let lines = &self.rooms.get(&room).expect(DECIDED).lines;
        let member = self.members.get_mut(&(room, user)).expect(DECIDED);
        let (all, own) = lines.messages(member.read, upto, user);
        member.read = upto;
        member.seen += all;
        member.own_past_mark -= own;
    }
}
