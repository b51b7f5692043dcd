//! Rooms, who is in them, who may come in and who may not.

use std::collections::BTreeMap;

use crate::{Member, RecordKey, RestoreError, RoomId, RoomStanding, State};

use super::super::lines::Lines;
use super::super::table::RoomState;
use super::contradicts;

impl State {
    pub(super) fn index_rooms(&mut self) -> Result<(), RestoreError> {
        // Every line of a room had its number in the order of the log, and some rooms are forgotten.
        // Counted before lines are made, so that a wild count is found here and not by running out of
        // memory.
        let lines = self
            .rooms
            .values()
            .try_fold(0_u64, |sum, state| sum.checked_add(state.room.last_seq.0));
        if lines.is_none_or(|lines| lines > self.clock.next_event.0) {
            return Err(contradicts(RecordKey::Clock));
        }
        let mut rooms = std::mem::take(&mut self.rooms);
        for (id, state) in &mut rooms {
            let from = RecordKey::Room(*id);
            self.named_user(from, state.room.founder)?;
            state.lines = Lines::blank(state.room.first_seq, state.room.last_seq).ok_or(contradicts(from))?;
            let is_taken = match state.room.standing {
                RoomStanding::Deleted => !self.closing.insert(*id),
                RoomStanding::Open | RoomStanding::Archived => {
                    self.found(state.room.founder, &state.room.name);
                    if !state.room.private {
                        self.public_names.insert(state.room.name.clone(), *id);
                    }
                    self.room_names.insert(state.room.name.clone(), *id).is_some()
                }
            };
            if is_taken {
                return Err(contradicts(from));
            }
        }
        self.rooms = rooms;
        Ok(())
    }

    /// Lines must be there: marks are held against them.
    pub(super) fn index_members(&mut self) -> Result<(), RestoreError> {
        let mut counts: BTreeMap<RoomId, u32> = BTreeMap::new();
        let members = std::mem::take(&mut self.members);
        for ((room, user), member) in &members {
            let from = RecordKey::Member(*room, *user);
            self.named_user(from, *user)?;
            let is_active = self.user(*user).is_some_and(crate::User::is_active);
            if !fits(member, self.named_room(from, *room)?) || !is_active {
                return Err(contradicts(from));
            }
            self.index_member(*room, *user, member);
            *counts.entry(*room).or_default() += 1;
        }
        self.members = members;
        // Nobody is in a deleted room.
        let fits = |id: &RoomId, state: &RoomState| {
            let count = counts.get(id).copied().unwrap_or_default();
            state.room.members == count
                && (count == 0 || state.room.standing != RoomStanding::Deleted)
                // A public room may be left behind, and found again.
                && (count > 0 || state.room.standing == RoomStanding::Deleted || !state.room.private)
        };
        match self.rooms.iter().find(|(id, state)| !fits(id, state)) {
            Some((id, _)) => Err(contradicts(RecordKey::Room(*id))),
            None => Ok(()),
        }
    }

    pub(super) fn index_doors(&mut self) -> Result<(), RestoreError> {
        for ((room, user), ban) in &self.bans {
            let from = RecordKey::Ban(*room, *user);
            self.named_user(from, *user)?;
            self.named_user(from, ban.by)?;
            if self.named_room(from, *room)?.room.standing == RoomStanding::Deleted {
                return Err(contradicts(from));
            }
            self.ban_ends.extend(ban.until.map(|until| (until, *room, *user)));
        }
        let restrictions = std::mem::take(&mut self.restrictions);
        for ((room, user), restriction) in &restrictions {
            let from = RecordKey::Restriction(*room, *user);
            self.named_user(from, *user)?;
            let is_closed = self.named_room(from, *room)?.room.standing == RoomStanding::Deleted;
            let is_active = self.user(*user).is_some_and(crate::User::is_active);
            if is_closed || !is_active || self.members.contains_key(&(*room, *user)) {
                return Err(contradicts(from));
            }
            self.index_restriction(*room, *user, *restriction);
        }
        self.restrictions = restrictions;
        for ((room, user), invitation) in &self.invitations {
            let from = RecordKey::Invitation(*room, *user);
            self.named_user(from, *user)?;
            self.named_user(from, invitation.by)?;
            let is_closed = self.named_room(from, *room)?.room.standing == RoomStanding::Deleted;
            let is_active = self.user(*user).is_some_and(crate::User::is_active);
            if is_closed || !is_active || self.members.contains_key(&(*room, *user)) {
                return Err(contradicts(from));
            }
            self.user_invitations.insert((*user, *room));
        }
        Ok(())
    }
}

/// Whether a member's marks are possible. What is past them was counted with the messages.
fn fits(member: &Member, state: &RoomState) -> bool {
    member.joined <= member.read && member.read <= state.room.last_seq
}
