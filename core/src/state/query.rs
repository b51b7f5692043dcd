//! What others may ask of the state, under a short read lock. Nothing here walks more than it gives.

use std::ops::Bound::{Excluded, Included, Unbounded};

use crate::{
    Device, DeviceId, EventNo, Member, Refusal, Room, RoomId, RoomName, RoomRef, State, StateHash, Timestamp, User,
    UserId, UserName,
};

const DEVICES: (DeviceId, DeviceId) = (DeviceId([0; 32]), DeviceId([u8::MAX; 32]));

impl State {
    /// Log time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now
    }

    /// The chain over all events, and the last entry applied.
    #[must_use]
    pub fn hash(&self) -> StateHash {
        self.clock.hash
    }

    /// The number that the next room event will have.
    #[must_use]
    pub fn next_event(&self) -> EventNo {
        self.clock.next_event
    }

    /// An account by its id.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&User> {
        self.users.get(&id)
    }

    /// An account by its name.
    #[must_use]
    pub fn user_by_name(&self, name: &UserName) -> Option<(UserId, &User)> {
        let id = *self.user_names.get(name)?;
        Some((id, self.users.get(&id)?))
    }

    /// All accounts whose names come after this one (or all), by name.
    pub fn users<'a>(&'a self, after: Option<&UserName>) -> impl Iterator<Item = (UserId, &'a User)> + use<'a> {
        let from = after.map_or(Unbounded, |name| Excluded(name.clone()));
        self.user_names
            .range((from, Unbounded))
            .filter_map(|(_, id)| Some((*id, self.users.get(id)?)))
    }

    /// How many accounts there are.
    #[must_use]
    pub fn users_count(&self) -> usize {
        self.users.len()
    }

    /// A bound device.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&Device> {
        self.devices.get(id)
    }

    /// The devices that speak for a user, by id.
    pub fn devices_of(&self, user: UserId) -> impl Iterator<Item = (DeviceId, &Device)> + '_ {
        self.user_devices
            .range((user, DEVICES.0)..=(user, DEVICES.1))
            .filter_map(|(_, id)| Some((*id, self.devices.get(id)?)))
    }

    /// A room by its id, whoever may see it.
    #[must_use]
    pub fn room(&self, id: RoomId) -> Option<&Room> {
        self.rooms.get(&id).map(|state| &state.room)
    }

    /// A room by its name, whoever may see it.
    #[must_use]
    pub fn room_by_name(&self, name: &RoomName) -> Option<(RoomId, &Room)> {
        let id = *self.room_names.get(name)?;
        Some((id, self.room(id)?))
    }

    /// All rooms, whoever may see them, by name.
    pub fn rooms(&self) -> impl Iterator<Item = (RoomId, &Room)> + '_ {
        self.rooms_after(None)
    }

    /// All rooms whose names come after this one (or all), whoever may see them, by name.
    pub fn rooms_after<'a>(&'a self, after: Option<&RoomName>) -> impl Iterator<Item = (RoomId, &'a Room)> + use<'a> {
        let from = after.map_or(Unbounded, |name| Excluded(name.clone()));
        self.room_names
            .range((from, Unbounded))
            .filter_map(|(_, id)| Some((*id, self.room(*id)?)))
    }

    /// How many rooms there are, private and direct ones among them.
    #[must_use]
    pub fn rooms_count(&self) -> usize {
        self.rooms.len()
    }

    /// The room that the viewer means, if they may know that it exists.
    ///
    /// # Errors
    /// [`Refusal::UnknownRoom`] for a room that does not exist, for a stranger to a private or
    /// direct room, and for a direct room that has not begun; [`Refusal::UnknownUser`] for a direct
    /// room with nobody.
    pub fn visible_room(&self, viewer: UserId, room: &RoomRef) -> Result<RoomId, Refusal> {
        let (id, room) = match room {
            RoomRef::Name(name) => self.room_by_name(name),
            RoomRef::Direct(name) => {
                let (_, other) = self.user_by_name(name).ok_or(Refusal::UnknownUser)?;
                let viewer = self.user(viewer).ok_or(Refusal::UnknownUser)?;
                self.room_by_name(&RoomName::direct(&viewer.name, &other.name))
            }
        }
        .ok_or(Refusal::UnknownRoom)?;
        if room.private && self.member(id, viewer).is_none() {
            return Err(Refusal::UnknownRoom);
        }
        Ok(id)
    }

    /// The room that the viewer means, if they may read it.
    ///
    /// # Errors
    /// As [`State::visible_room`], and [`Refusal::NotAMember`] for a room that they know of only.
    pub fn readable_room(&self, viewer: UserId, room: &RoomRef) -> Result<RoomId, Refusal> {
        let id = self.visible_room(viewer, room)?;
        self.member(id, viewer).map(|_| id).ok_or(Refusal::NotAMember)
    }

    /// A membership.
    #[must_use]
    pub fn member(&self, room: RoomId, user: UserId) -> Option<&Member> {
        self.members.get(&(room, user))
    }

    /// The members of a room, by id.
    pub fn members(&self, room: RoomId) -> impl Iterator<Item = (UserId, &Member)> + '_ {
        self.members
            .range((Included((room, UserId(0))), Included((room, UserId(u64::MAX)))))
            .map(|((_, user), member)| (*user, member))
    }

    /// The rooms that a user is in, by id.
    pub fn rooms_of(&self, user: UserId) -> impl Iterator<Item = RoomId> + '_ {
        self.user_rooms
            .range((user, RoomId(0))..=(user, RoomId(u64::MAX)))
            .map(|(_, room)| *room)
    }

    /// How many messages of others lie past a member's mark; none for somebody who is no member.
    #[must_use]
    pub fn unread(&self, room: RoomId, user: UserId) -> Option<u64> {
        let member = self.member(room, user)?;
        Some(self.room(room)?.messages - member.seen - member.own_past_mark)
    }
}
