//! What the leader should propose now.

use std::ops::Bound::{Excluded, Unbounded};

use crate::{InviteId, RoomId, RoomStanding, State, Sweep, Timestamp, UserId};

use super::super::decide::is_overdue;
use super::super::limits::{CHORE_LOOKS_MAX, CHORES_MAX};

impl State {
    /// The sweeps that have something to do at this time, at most `CHORES_MAX`, as far as they are
    /// found among the `CHORE_LOOKS_MAX` rooms after this one (or from the first); and after which
    /// room to go on, until all were looked at. One look takes about a tenth of a microsecond. What
    /// is not about the bounds of a room is told each time: deleted rooms first, since they take the
    /// places of others.
    #[must_use]
    pub fn chores(&self, now: Timestamp, after: Option<RoomId>) -> (Vec<Sweep>, Option<RoomId>) {
        let now = now.max(self.now());
        let is_closing = !self.closing.is_empty();
        let is_over = self.invites_over(now).next().is_some()
            || self.bans_over(now).next().is_some()
            || self.restrictions_over(now).next().is_some()
            || self.server_bans_over(now).next().is_some();
        let closing = is_closing.then_some(Sweep::Closing);
        let expired = is_over.then_some(Sweep::Expired);
        let mut chores: Vec<_> = closing.into_iter().chain(expired).collect();
        let purging = self.purging.iter().map(|user| Sweep::User(*user));
        // The rooms have more than half of it.
        chores.extend(purging.take(CHORES_MAX / 4));
        let next = self.overdue(now, after, &mut chores);
        (chores, next)
    }

    /// Adds rooms over their bounds; the last one looked at, where others may come behind it.
    fn overdue(&self, now: Timestamp, after: Option<RoomId>, chores: &mut Vec<Sweep>) -> Option<RoomId> {
        let all = self.settings().retention;
        let from = after.map_or(Unbounded, Excluded);
        for (looks, (id, found)) in self.rooms.range((from, Unbounded)).enumerate() {
            let room = &found.room;
            if room.standing != RoomStanding::Deleted && is_overdue(found, room.retention.or(all), now) {
                chores.push(Sweep::Room(*id));
            }
            if looks + 1 >= CHORE_LOOKS_MAX || chores.len() >= CHORES_MAX {
                return Some(*id);
            }
        }
        None
    }

    /// Invites that have run out, by id.
    pub(in crate::state) fn invites_over(&self, now: Timestamp) -> impl Iterator<Item = InviteId> + '_ {
        let over = self.invites.iter().filter(move |(_, invite)| invite.expires_at <= now);
        over.map(|(id, _)| *id)
    }

    /// Bans that have run out, those first that did so first.
    pub(in crate::state) fn bans_over(&self, now: Timestamp) -> impl Iterator<Item = (RoomId, UserId)> + '_ {
        let over = self.ban_ends.range(..=(now, RoomId(u64::MAX), UserId(u64::MAX)));
        over.map(|(_, room, user)| (*room, *user))
    }

    /// Silences of people who are not there that have run out, those first that did so first.
    pub(in crate::state) fn restrictions_over(&self, now: Timestamp) -> impl Iterator<Item = (RoomId, UserId)> + '_ {
        let until = (now, RoomId(u64::MAX), UserId(u64::MAX));
        let over = self.restriction_ends.range(..=until);
        over.map(|(_, room, user)| (*room, *user))
    }
}
