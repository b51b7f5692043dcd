//! What the leader should propose now.

use crate::{InviteId, RoomId, RoomStanding, State, Sweep, Timestamp, UserId};

use super::super::decide::is_over;
use super::super::limits::CHORES_MAX;
use super::super::table::RoomState;

impl State {
    /// The sweeps that have something to do at this time, at most [`CHORES_MAX`]. Goes through the
    /// rooms once, with one look at each: about a tenth of a microsecond a room.
    #[must_use]
    pub fn chores(&self, now: Timestamp) -> Vec<Sweep> {
        let now = now.max(self.now());
        let expired = self.invites_over(now).next().is_some() || self.bans_over(now).next().is_some();
        let expired = expired.then_some(Sweep::Expired);
        let purging = self.purging.iter().map(|user| Sweep::User(*user));
        let closing = self.closing.iter().map(|room| Sweep::Room(*room));
        // A quarter each, and what is left for rooms that are over their bounds.
        let quarter = CHORES_MAX / 4;
        let mut chores: Vec<_> = expired.into_iter().chain(purging.take(quarter)).collect();
        chores.extend(closing.take(quarter));
        let overdue = self.overdue(now);
        // Where there are more than go in, each time begins at another one: none waits for ever
        // behind rooms that are always over.
        let from = usize::try_from(now.0).unwrap_or_default().checked_rem(overdue.len());
        let turned = overdue
            .iter()
            .cycle()
            .skip(from.unwrap_or_default())
            .take(overdue.len());
        chores.extend(turned.take(CHORES_MAX - chores.len()).map(|room| Sweep::Room(*room)));
        chores
    }

    fn overdue(&self, now: Timestamp) -> Vec<RoomId> {
        let all = self.settings().retention;
        let rooms = self.rooms.iter().filter(|(_, RoomState { room, lines })| {
            let bounds = room.retention.or(all);
            // Most rooms are asked no further: their lines lie all over the memory.
            let may_be = bounds.age_max.is_some() || bounds.messages_max.is_some_and(|max| room.messages > max);
            may_be
                && room.standing != RoomStanding::Deleted
                && lines
                    .head()
                    .is_some_and(|(_, oldest)| is_over(bounds, room.messages, now, &oldest))
        });
        rooms.map(|(id, _)| *id).collect()
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
}
