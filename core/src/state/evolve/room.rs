//! Rooms, and who is in them.

use crate::{
    Ban, Invitation, Member, Restriction, Retention, Role, Room, RoomEvent, RoomEventKind, RoomId, RoomName,
    RoomStanding, Seq, State, StateEvent, Timestamp, UserId,
};

use super::super::limits::RESTRICTIONS_PER_ROOM_MAX;
use super::super::lines::Lines;
use super::super::table::RoomState;
use super::DECIDED;

impl State {
    pub(super) fn evolve_place(&mut self, event: &StateEvent) {
        let now = self.clock.now;
        match event {
            StateEvent::RoomCreated {
                room,
                name,
                private,
                topic,
                founder,
            } => {
                self.found(*founder, name);
                self.room_names.insert(name.clone(), *room);
                if !private {
                    self.public_names.insert(name.clone(), *room);
                }
                let created = Room {
                    name: name.clone(),
                    private: *private,
                    topic: topic.clone(),
                    created_at: now,
                    last_seq: Seq(0),
                    members: 0,
                    messages: 0,
                    first_seq: Seq(1),
                    retention: Retention::default(),
                    standing: RoomStanding::Open,
                    founder: *founder,
                };
                self.rooms.insert(
                    *room,
                    RoomState {
                        room: created,
                        lines: Lines::new(),
                    },
                );
            }
            StateEvent::RetentionSet { room: None, retention } => {
                self.settings.get_or_insert_default().retention = *retention;
            }
            StateEvent::RetentionSet {
                room: Some(room),
                retention,
            } => self.rooms.get_mut(room).expect(DECIDED).room.retention = *retention,
            StateEvent::MemberRemoved { room, user } => self.remove_member(*room, *user),
            StateEvent::InvitationEnded { room, user } => self.end_invitation(*room, *user),
            StateEvent::BanEnded { room, user } => self.take_ban(*room, *user),
            StateEvent::RestrictionEnded { room, user } => drop(self.take_restriction(*room, *user)),
            StateEvent::RoomDeleted { room: id } => {
                let room = &mut self.rooms.get_mut(id).expect(DECIDED).room;
                room.standing = RoomStanding::Deleted;
                self.room_names.remove(&room.name);
                self.public_names.remove(&room.name);
                let (founder, name) = (room.founder, room.name.clone());
                self.closing.insert(*id);
                self.unfound(founder, &name);
            }
            StateEvent::RoomForgotten { room } => {
                self.rooms.remove(room);
                self.closing.remove(room);
            }
            _ => {}
        }
    }

    pub(super) fn evolve_membership(&mut self, event: &RoomEvent) {
        let id = event.room;
        let room = &mut self.rooms.get_mut(&id).expect(DECIDED).room;
        match &event.kind {
            RoomEventKind::Joined => self.add_member(id, event.author, event.seq),
            RoomEventKind::Left => self.part(id, event.author),
            RoomEventKind::TopicSet { topic } => room.topic = topic.clone(),
            RoomEventKind::Archived => room.standing = RoomStanding::Archived,
            RoomEventKind::Unarchived => room.standing = RoomStanding::Open,
            RoomEventKind::Invited { user, .. } => {
                let (by, at) = (event.author, event.at);
                self.invitations.insert((id, *user), Invitation { by, at });
                self.user_invitations.insert((*user, id));
            }
            RoomEventKind::Kicked { user, .. } => self.part(id, *user),
            RoomEventKind::Banned { user, until, .. } => {
                if self.members.contains_key(&(id, *user)) {
                    self.part(id, *user);
                }
                self.end_invitation(id, *user);
                let (by, at, until) = (event.author, event.at, *until);
                self.put_ban(id, *user, Ban { by, at, until });
            }
            RoomEventKind::Unbanned { user, .. } => self.take_ban(id, *user),
            RoomEventKind::Muted { user, until, .. } => {
                self.known_member(id, *user).muted_until = until.unwrap_or(Timestamp(u64::MAX));
            }
            RoomEventKind::Unmuted { user, .. } => {
                self.ease(id, *user, |waiting| waiting.muted_until = Timestamp(0));
                if let Some(member) = self.members.get_mut(&(id, *user)) {
                    member.muted_until = Timestamp(0);
                }
            }
            RoomEventKind::RoleSet { user, role, .. } => {
                self.ease(id, *user, |waiting| waiting.read_only = *role == Role::ReadOnly);
                if let Some(mut member) = self.take_member(id, *user) {
                    member.role = *role;
                    self.put_member(id, *user, member);
                }
            }
            _ => {}
        }
    }

    pub(in crate::state) fn found(&mut self, founder: UserId, name: &RoomName) {
        if !name.is_direct() {
            *self.founded.entry(founder).or_default() += 1;
        }
    }

    fn unfound(&mut self, founder: UserId, name: &RoomName) {
        if name.is_direct() {
            return;
        }
        let count = self.founded.get_mut(&founder).expect(DECIDED);
        *count -= 1;
        if *count == 0 {
            self.founded.remove(&founder);
        }
    }

    /// The first member of a named room owns it: who made it, or who finds it empty.
    fn add_member(&mut self, id: RoomId, user: UserId, joined: Seq) {
        let room = &mut self.rooms.get_mut(&id).expect(DECIDED).room;
        let is_first = room.members == 0 && !room.name.is_direct();
        room.members += 1;
        let waiting = self.take_restriction(id, user);
        let role = match waiting {
            _ if is_first => Role::Owner,
            Some(Restriction { read_only: true, .. }) => Role::ReadOnly,
            _ => Role::Member,
        };
        let member = Member {
            role,
            joined,
            read: joined,
            own_past_mark: 0,
            muted_until: waiting.map_or(Timestamp(0), |waiting| waiting.muted_until),
        };
        self.put_member(id, user, member);
        self.end_invitation(id, user);
    }

    fn remove_member(&mut self, id: RoomId, user: UserId) {
        self.rooms.get_mut(&id).expect(DECIDED).room.members -= 1;
        self.take_member(id, user).expect(DECIDED);
    }

    /// The end of a membership in a room that goes on: what kept the member from writing waits there.
    fn part(&mut self, id: RoomId, user: UserId) {
        let Member { role, muted_until, .. } = *self.known_member(id, user);
        self.remove_member(id, user);
        let restriction = Restriction {
            read_only: role == Role::ReadOnly,
            muted_until,
        };
        if restriction.holds(self.clock.now) && self.restrictions(id).count() < RESTRICTIONS_PER_ROOM_MAX as usize {
            self.put_restriction(id, user, restriction);
        }
    }

    /// Changes what waits for somebody; what keeps nobody from writing waits no longer.
    fn ease(&mut self, id: RoomId, user: UserId, change: impl FnOnce(&mut Restriction)) {
        let Some(mut waiting) = self.take_restriction(id, user) else {
            return;
        };
        change(&mut waiting);
        if waiting.holds(self.clock.now) {
            self.put_restriction(id, user, waiting);
        }
    }

    fn end_invitation(&mut self, id: RoomId, user: UserId) {
        self.invitations.remove(&(id, user));
        self.user_invitations.remove(&(user, id));
    }

    fn known_member(&mut self, id: RoomId, user: UserId) -> &mut Member {
        self.members.get_mut(&(id, user)).expect(DECIDED)
    }
}
