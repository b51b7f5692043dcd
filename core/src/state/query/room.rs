//! Rooms, who is in them, and who may be.

use std::ops::Bound::{Excluded, Included, Unbounded};

use crate::{
    Ban, Invitation, Member, Refusal, Restriction, Role, Room, RoomId, RoomName, RoomRef, State, Timestamp, UserId,
};

use super::super::table::{Places, Seniority};

impl State {
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
        self.room_names.values().filter_map(|id| Some((*id, self.room(*id)?)))
    }

    /// The rooms with names of their own that come after this one (or all), by name, whoever may see them. Direct
    /// rooms, which may be many more, are not looked at.
    pub fn named_rooms_after<'a>(
        &'a self,
        after: Option<&RoomName>,
    ) -> impl Iterator<Item = (RoomId, &'a Room)> + use<'a> {
        let (direct, behind) = RoomName::around_direct();
        let from = |name: Option<RoomName>| name.map_or(Unbounded, Excluded);
        let is_before = after.is_none_or(|after| *after < direct);
        let first = is_before.then(|| self.room_names.range((from(after.cloned()), Excluded(direct))));
        let second = from(Some(after.filter(|after| **after > behind).cloned().unwrap_or(behind)));
        let second = self.room_names.range((second, Unbounded));
        first
            .into_iter()
            .flatten()
            .chain(second)
            .filter_map(|(_, id)| Some((*id, self.room(*id)?)))
    }

    /// The owner of a room, if anybody is there.
    #[must_use]
    pub fn owner(&self, room: RoomId) -> Option<UserId> {
        let first = self.by_seniority(room).next()?;
        (self.member(room, first)?.role == Role::Owner).then_some(first)
    }

    /// The rooms that anybody may know of whose names come after this one (or all), by name.
    pub fn public_rooms_after<'a>(
        &'a self,
        after: Option<&RoomName>,
    ) -> impl Iterator<Item = (RoomId, &'a Room)> + use<'a> {
        let from = after.map_or(Unbounded, |name| Excluded(name.clone()));
        self.public_names
            .range((from, Unbounded))
            .filter_map(|(_, id)| Some((*id, self.room(*id)?)))
    }

    /// How many rooms there are: private and direct ones, and deleted ones that have lines left.
    #[must_use]
    pub fn rooms_count(&self) -> usize {
        self.rooms.len()
    }

    /// The room that the viewer means, if they may know that it exists.
    ///
    /// # Errors
    /// [`Refusal::UnknownRoom`] for a room that does not exist, for a stranger to a private or
    /// direct room, and for a direct room that has not begun; [`Refusal::UnknownUser`] for a direct
    /// room with nobody. Who is invited is no stranger.
    pub fn visible_room(&self, viewer: UserId, room: &RoomRef) -> Result<RoomId, Refusal> {
        let (id, room) = match room {
            RoomRef::Name(name) => self.room_by_name(name),
            RoomRef::Direct(name) => {
                // What was said with somebody who is no more may still be read.
                let (_, other) = self.user_record_by_name(name).ok_or(Refusal::UnknownUser)?;
                let viewer = self.user(viewer).ok_or(Refusal::UnknownUser)?;
                let room = self.room_by_name(&RoomName::direct(&viewer.name, &other.name));
                if room.is_none() && !other.is_active() {
                    return Err(Refusal::UnknownUser);
                }
                room
            }
        }
        .ok_or(Refusal::UnknownRoom)?;
        let is_known = !room.private || self.member(id, viewer).is_some() || self.invitation(id, viewer).is_some();
        is_known.then_some(id).ok_or(Refusal::UnknownRoom)
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

    /// How many named rooms there are that a user made, whoever owns them now.
    #[must_use]
    pub fn rooms_founded_by(&self, user: UserId) -> usize {
        self.founded.get(&user).copied().unwrap_or_default() as usize
    }

    /// Who is kept out of a room, by id; some bans may have run out.
    pub fn bans(&self, room: RoomId) -> impl Iterator<Item = (UserId, &Ban)> + '_ {
        self.bans
            .range((room, UserId(0))..=(room, UserId(u64::MAX)))
            .map(|((_, user), ban)| (*user, ban))
    }

    /// Who left a room while they might not write there, by id.
    pub(in crate::state) fn restrictions(&self, room: RoomId) -> impl Iterator<Item = (UserId, &Restriction)> + '_ {
        self.restrictions
            .range((room, UserId(0))..=(room, UserId(u64::MAX)))
            .map(|((_, user), restriction)| (*user, restriction))
    }

    /// The rooms that somebody left while they might not write there, by id.
    pub(in crate::state) fn restrictions_of(&self, user: UserId) -> impl Iterator<Item = RoomId> + '_ {
        self.user_restrictions
            .range((user, RoomId(0))..=(user, RoomId(u64::MAX)))
            .map(|(_, room)| *room)
    }

    /// What waits for a user in a room and keeps them from writing now.
    pub(in crate::state) fn restriction(&self, room: RoomId, user: UserId) -> Option<&Restriction> {
        let found = self.restrictions.get(&(room, user));
        found.filter(|restriction| restriction.holds(self.now()))
    }

    /// The ban that keeps a user out of a room now.
    #[must_use]
    pub fn ban(&self, room: RoomId, user: UserId) -> Option<&Ban> {
        self.bans.get(&(room, user)).filter(|ban| ban.holds(self.now()))
    }

    /// What lets a user join a room, in case that is not a member yet.
    #[must_use]
    pub fn invitation(&self, room: RoomId, user: UserId) -> Option<&Invitation> {
        self.invitations.get(&(room, user))
    }

    /// Who may join a room by an invitation, by id.
    pub fn invitations(&self, room: RoomId) -> impl Iterator<Item = (UserId, &Invitation)> + '_ {
        self.invitations
            .range((room, UserId(0))..=(room, UserId(u64::MAX)))
            .map(|((_, user), invitation)| (*user, invitation))
    }

    /// The rooms that a user may join by an invitation, by id.
    pub fn invitations_of(&self, user: UserId) -> impl Iterator<Item = (RoomId, &Invitation)> + '_ {
        self.user_invitations
            .range((user, RoomId(0))..=(user, RoomId(u64::MAX)))
            .filter_map(move |(_, room)| Some((*room, self.invitation(*room, user)?)))
    }

    /// How many rooms a user owns.
    #[must_use]
    pub fn rooms_owned_by(&self, user: UserId) -> usize {
        self.places_of(user).owned as usize
    }

    /// How many rooms a user is in, counted by kind.
    pub(in crate::state) fn places_of(&self, user: UserId) -> Places {
        self.places.get(&user).copied().unwrap_or_default()
    }

    /// The members of a named room, those first who may do the most, and of these the
    /// longest-standing.
    pub(in crate::state) fn by_seniority(&self, room: RoomId) -> impl Iterator<Item = UserId> + '_ {
        let first = (room, Seniority::FIRST, UserId(0));
        let last = (room, Seniority::LAST, UserId(u64::MAX));
        self.seniority.range(first..=last).map(|(_, _, user)| *user)
    }
}

impl Ban {
    /// Whether it keeps somebody out at that log time.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

impl Role {
    /// How far it reaches: who has more of it may deal with who has less.
    #[must_use]
    pub const fn rank(self) -> u8 {
        match self {
            Self::ReadOnly => 0,
            Self::Member => 1,
            Self::Moderator => 2,
            Self::Owner => 3,
        }
    }
}
