//! What is in memory: the records, and the indexes that follow from them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    Ban, Call, Clock, Device, DeviceId, EventNo, Invitation, Invite, InviteId, InviteKey, Likeness, Member, Outcome,
    RECEIPT_WINDOW, Reaction, ReceiptSlot, RequestNo, Restriction, Room, RoomId, RoomName, Seq, Settings, Timestamp,
    User, UserId, UserName, Writer, WriterId,
};

use super::lines::Lines;

/// Everything that decisions need. See the module for what is decided how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(super) clock: Clock,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) writers: BTreeMap<WriterId, WriterState>,
    pub(super) rooms: BTreeMap<RoomId, RoomState>,
    pub(super) members: BTreeMap<(RoomId, UserId), Member>,
    /// The edits of messages that have any.
    pub(super) edits: BTreeMap<(RoomId, Seq), Vec<Seq>>,
    pub(super) reactions: BTreeMap<(RoomId, Seq, UserId, u64), Reaction>,
    pub(super) bans: BTreeMap<(RoomId, UserId), Ban>,
    pub(super) restrictions: BTreeMap<(RoomId, UserId), Restriction>,
    pub(super) invitations: BTreeMap<(RoomId, UserId), Invitation>,
    pub(super) mentions: BTreeMap<(UserId, RoomId, Seq), EventNo>,
    pub(super) calls: BTreeMap<(RoomId, Seq), Call>,
    pub(super) invites: BTreeMap<InviteId, Invite>,
    /// None while nothing was ever set.
    pub(super) settings: Option<Settings>,

    // Indexes: each follows from the above, and is made again by a restore.
    pub(super) user_names: BTreeMap<UserName, UserId>,
    pub(super) room_names: BTreeMap<RoomName, RoomId>,
    pub(super) user_devices: BTreeSet<(UserId, DeviceId)>,
    pub(super) user_rooms: BTreeSet<(UserId, RoomId)>,
    pub(super) user_invitations: BTreeSet<(UserId, RoomId)>,
    /// The messages that have their texts, by author.
    pub(super) messages: BTreeSet<MessageKey>,
    /// The messages whose texts are gone while their lines are kept, by author.
    pub(super) withdrawn: BTreeSet<MessageKey>,
    /// What the present texts of a user's messages come to, in bytes; nobody who has none.
    pub(super) text_bytes: BTreeMap<UserId, u64>,
    pub(super) likenesses: BTreeSet<(Likeness, UserId)>,
    /// Bots by their owners.
    pub(super) bots: BTreeSet<(UserId, UserId)>,
    /// Deleted users whose texts are still to go.
    pub(super) purging: BTreeSet<UserId>,
    /// Deleted rooms whose lines are still to go.
    pub(super) closing: BTreeSet<RoomId>,
    /// Bans that run out, the next one first.
    pub(super) ban_ends: BTreeSet<(Timestamp, RoomId, UserId)>,
    pub(super) invite_keys: BTreeMap<InviteKey, InviteId>,
    /// Writers whose device is bound no more, or anew.
    pub(super) orphans: BTreeSet<WriterId>,
    /// All writers, the longest idle first.
    pub(super) idle: BTreeSet<(Timestamp, WriterId)>,
    /// The writers of each device, the longest idle first.
    pub(super) device_writers: BTreeSet<(DeviceId, Timestamp, WriterId)>,
}

impl State {
    /// Keeps a user out of a room, in place of what kept them out before.
    pub(super) fn put_ban(&mut self, room: RoomId, user: UserId, ban: Ban) {
        self.take_ban(room, user);
        self.ban_ends.extend(ban.until.map(|until| (until, room, user)));
        self.bans.insert((room, user), ban);
    }

    /// Keeps a user out no longer.
    pub(super) fn take_ban(&mut self, room: RoomId, user: UserId) {
        let ended = self.bans.remove(&(room, user)).and_then(|ban| ban.until);
        if let Some(until) = ended {
            self.ban_ends.remove(&(until, room, user));
        }
    }
}

/// A writer with its receipts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WriterState {
    pub(super) writer: Writer,
    /// The outcomes of the last requests, oldest first. They have no gaps, so the newest one is
    /// that of `writer.last` and each knows its number by its place.
    pub(super) receipts: VecDeque<Outcome>,
}

impl WriterState {
    /// The number of the oldest request whose outcome is kept; past `last` when there is none.
    pub(super) fn oldest(&self) -> RequestNo {
        RequestNo(self.writer.last.0 - self.receipts.len() as u64).next()
    }

    /// The stored outcome of a request, if it is still kept.
    pub(super) fn outcome(&self, request: RequestNo) -> Option<&Outcome> {
        let place = request.0.checked_sub(self.oldest().0)?;
        self.receipts.get(usize::try_from(place).ok()?)
    }

    /// What the slot holds: the newest request of that number modulo the window.
    pub(super) fn in_slot(&self, slot: ReceiptSlot) -> Option<(RequestNo, &Outcome)> {
        let last = self.writer.last.0;
        let back = (last % RECEIPT_WINDOW + RECEIPT_WINDOW).checked_sub(u64::from(slot.0))? % RECEIPT_WINDOW;
        let request = RequestNo(last.checked_sub(back)?);
        Some((request, self.outcome(request)?))
    }
}

/// A room with its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoomState {
    pub(super) room: Room,
    pub(super) lines: Lines,
}

/// Where an author's message stands, found by half of its id's digest; the line has all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageKey {
    pub(super) author: UserId,
    pub(super) high: u64,
    pub(super) room: RoomId,
    pub(super) seq: Seq,
}

impl MessageKey {
    pub(super) const fn new(author: UserId, digest: u128, room: RoomId, seq: Seq) -> Self {
        Self {
            author,
            high: (digest >> 64) as u64,
            room,
            seq,
        }
    }
}

impl ReceiptSlot {
    /// Where the receipt of this request is kept.
    #[must_use]
    pub const fn of(request: RequestNo) -> Self {
        Self((request.0 % RECEIPT_WINDOW) as u8)
    }

    /// All slots of a window, ascending.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..RECEIPT_WINDOW).map(|slot| Self(slot as u8))
    }
}
