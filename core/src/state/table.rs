//! What is in memory: the records, and the indexes that follow from them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    AuditHead, Ban, BanId, Call, Clock, Device, DeviceId, Edits, EventNo, Invitation, Invite, InviteId, InviteKey,
    JoinToken, Likeness, Lockdown, Member, Network, Node, NodeId, Outcome, RECEIPT_WINDOW, Reaction, ReceiptSlot,
    RequestNo, Restriction, Role, Room, RoomId, RoomName, Roster, Seq, ServerBan, ServerRole, Settings, Timestamp,
    TokenId, User, UserId, UserName, Writer, WriterId,
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
    pub(super) edits: BTreeMap<(RoomId, Seq), Edits>,
    pub(super) reactions: BTreeMap<(RoomId, Seq, UserId, u64), Reaction>,
    pub(super) bans: BTreeMap<(RoomId, UserId), Ban>,
    pub(super) restrictions: BTreeMap<(RoomId, UserId), Restriction>,
    pub(super) invitations: BTreeMap<(RoomId, UserId), Invitation>,
    pub(super) mentions: BTreeMap<(UserId, RoomId, Seq), EventNo>,
    pub(super) calls: BTreeMap<(RoomId, Seq), Call>,
    pub(super) invites: BTreeMap<InviteId, Invite>,
    /// None while nothing was ever set.
    pub(super) settings: Option<Settings>,
    /// Nobody who may do no more than any user.
    pub(super) server_roles: BTreeMap<UserId, ServerRole>,
    pub(super) server_bans: BTreeMap<BanId, ServerBan>,
    pub(super) lockdown: Lockdown,
    /// None before the first entry.
    pub(super) audit: Option<AuditHead>,
    /// None until a leader has written the founders down.
    pub(super) roster: Option<Roster>,
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) join_tokens: BTreeMap<TokenId, JoinToken>,

    // Indexes: each follows from the above, and is made again by a restore.
    pub(super) user_names: BTreeMap<UserName, UserId>,
    pub(super) room_names: BTreeMap<RoomName, RoomId>,
    /// Those of them that anybody may know of, so that a list of these never walks over the others.
    pub(super) public_names: BTreeMap<RoomName, RoomId>,
    pub(super) user_devices: BTreeSet<(UserId, DeviceId)>,
    pub(super) user_rooms: BTreeSet<(UserId, RoomId)>,
    /// How many rooms a user is in and owns; nobody who is in none.
    pub(super) places: BTreeMap<UserId, Places>,
    /// The members of named rooms, in each those first who may do the most, and of these the
    /// longest-standing.
    pub(super) seniority: BTreeSet<(RoomId, Seniority, UserId)>,
    /// How many named rooms there are that a user made; nobody who made none.
    pub(super) founded: BTreeMap<UserId, u32>,
    pub(super) user_invitations: BTreeSet<(UserId, RoomId)>,
    pub(super) user_restrictions: BTreeSet<(UserId, RoomId)>,
    /// Restrictions that run out, the next one first.
    pub(super) restriction_ends: BTreeSet<(Timestamp, RoomId, UserId)>,
    /// The messages that have their texts, by author.
    pub(super) messages: BTreeSet<MessageKey>,
    /// The messages whose texts are gone while their lines are kept, by author.
    pub(super) withdrawn: BTreeSet<MessageKey>,
    /// What is kept of the texts of a user's messages, in bytes; nobody of whom nothing is.
    pub(super) text_bytes: BTreeMap<UserId, u64>,
    /// Each user's mentions in the order of the log: the first is the one that gives way. Nobody who
    /// has none.
    pub(super) mentioned: BTreeMap<UserId, BTreeMap<EventNo, (RoomId, Seq)>>,
    pub(super) likenesses: BTreeSet<(Likeness, UserId)>,
    /// Accounts that are not deleted.
    pub(super) active_users: usize,
    /// Bots by their owners.
    pub(super) bots: BTreeSet<(UserId, UserId)>,
    /// How many bots a user has ever made, with those that are no more; nobody who made none.
    pub(super) bots_made: BTreeMap<UserId, u32>,
    /// Deleted users whose texts are still to go.
    pub(super) purging: BTreeSet<UserId>,
    /// Deleted rooms whose lines are still to go.
    pub(super) closing: BTreeSet<RoomId>,
    /// Bans that run out, the next one first.
    pub(super) ban_ends: BTreeSet<(Timestamp, RoomId, UserId)>,
    pub(super) invite_keys: BTreeMap<InviteKey, InviteId>,
    pub(super) user_bans: BTreeMap<UserId, BanId>,
    pub(super) network_bans: BTreeMap<Network, BanId>,
    /// Bans from the cluster that run out, the next one first.
    pub(super) server_ban_ends: BTreeSet<(Timestamp, BanId)>,
    pub(super) node_keys: BTreeMap<DeviceId, NodeId>,
    /// Writers whose device is bound no more, or anew.
    pub(super) orphans: BTreeSet<WriterId>,
    /// All writers, the longest idle first.
    pub(super) idle: BTreeSet<(Timestamp, WriterId)>,
    /// The writers on each device, orphans among them.
    pub(super) device_writers: BTreeSet<(DeviceId, WriterId)>,
    /// The writers of each user, the longest idle first; orphans are nobody's.
    pub(super) user_writers: BTreeSet<(UserId, Timestamp, WriterId)>,
}

impl State {
    /// Keeps a user out of a room, in place of what kept them out before.
    pub(super) fn put_ban(&mut self, room: RoomId, user: UserId, ban: Ban) {
        self.take_ban(room, user);
        self.ban_ends.extend(ban.until.map(|until| (until, room, user)));
        self.bans.insert((room, user), ban);
    }

    /// Remembers that a message names a user.
    pub(super) fn put_mention(&mut self, user: UserId, place: (RoomId, Seq), no: EventNo) {
        self.mentions.insert((user, place.0, place.1), no);
        self.mentioned.entry(user).or_default().insert(no, place);
    }

    /// Forgets that a message named a user.
    pub(super) fn take_mention(&mut self, user: UserId, place: (RoomId, Seq)) {
        let Some(no) = self.mentions.remove(&(user, place.0, place.1)) else {
            return;
        };
        if let Some(all) = self.mentioned.get_mut(&user) {
            all.remove(&no);
            if all.is_empty() {
                self.mentioned.remove(&user);
            }
        }
    }

    /// Keeps a user out no longer.
    pub(super) fn take_ban(&mut self, room: RoomId, user: UserId) {
        let ended = self.bans.remove(&(room, user)).and_then(|ban| ban.until);
        if let Some(until) = ended {
            self.ban_ends.remove(&(until, room, user));
        }
    }

    /// What waits for a user in a room, in place of what waited there before.
    pub(super) fn put_restriction(&mut self, room: RoomId, user: UserId, restriction: Restriction) {
        self.take_restriction(room, user);
        self.restrictions.insert((room, user), restriction);
        self.index_restriction(room, user, restriction);
    }

    /// Nothing waits for a user in a room any more; gives what did.
    pub(super) fn take_restriction(&mut self, room: RoomId, user: UserId) -> Option<Restriction> {
        let taken = self.restrictions.remove(&(room, user))?;
        self.user_restrictions.remove(&(user, room));
        if let Some(until) = taken.until() {
            self.restriction_ends.remove(&(until, room, user));
        }
        Some(taken)
    }

    /// In the indexes, what waits for a user in a room.
    pub(super) fn index_restriction(&mut self, room: RoomId, user: UserId, restriction: Restriction) {
        self.user_restrictions.insert((user, room));
        let until = restriction.until();
        self.restriction_ends.extend(until.map(|until| (until, room, user)));
    }

    /// A user is in a room.
    pub(super) fn put_member(&mut self, room: RoomId, user: UserId, member: Member) {
        self.members.insert((room, user), member);
        self.index_member(room, user, &member);
    }

    /// A user is in a room no more.
    pub(super) fn take_member(&mut self, room: RoomId, user: UserId) -> Option<Member> {
        let taken = self.members.remove(&(room, user))?;
        self.unindex_member(room, user, &taken);
        Some(taken)
    }

    /// In the indexes, a member of a room that is there.
    pub(super) fn index_member(&mut self, room: RoomId, user: UserId, member: &Member) {
        let is_direct = self.is_direct(room);
        self.user_rooms.insert((user, room));
        let places = self.places.entry(user).or_default();
        if is_direct {
            places.direct += 1;
        } else {
            places.named += 1;
            places.owned += u32::from(member.role == Role::Owner);
            self.seniority.insert((room, Seniority::of(member), user));
        }
    }

    /// Out of the indexes again, by what the member was when put there.
    pub(super) fn unindex_member(&mut self, room: RoomId, user: UserId, member: &Member) {
        let is_direct = self.is_direct(room);
        self.user_rooms.remove(&(user, room));
        let Some(places) = self.places.get_mut(&user) else {
            return;
        };
        if is_direct {
            places.direct -= 1;
        } else {
            places.named -= 1;
            places.owned -= u32::from(member.role == Role::Owner);
            self.seniority.remove(&(room, Seniority::of(member), user));
        }
        if *places == Places::default() {
            self.places.remove(&user);
        }
    }

    fn is_direct(&self, room: RoomId) -> bool {
        self.rooms.get(&room).is_some_and(|found| found.room.name.is_direct())
    }
}

/// How many rooms a user is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) named: u32,
    pub(super) direct: u32,
    /// Of the named ones.
    pub(super) owned: u32,
}

/// Who comes before whom as the heir of a room: the higher role in the upper two bits, the earlier
/// join in the others. No room has that many lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seniority(u64);

impl Seniority {
    const JOINED_BITS: u32 = 62;

    pub(super) const fn of(member: &Member) -> Self {
        let behind = Role::Owner.rank() - member.role.rank();
        Self((behind as u64) << Self::JOINED_BITS | (member.joined.0 & ((1 << Self::JOINED_BITS) - 1)))
    }

    pub(super) const FIRST: Self = Self(0);
    pub(super) const LAST: Self = Self(u64::MAX);
}

impl Restriction {
    /// When it runs out, if it does so by itself.
    pub(super) fn until(&self) -> Option<Timestamp> {
        (!self.read_only && self.muted_until < Timestamp(u64::MAX)).then_some(self.muted_until)
    }

    /// Whether it keeps somebody from writing at that log time.
    pub(super) fn holds(&self, now: Timestamp) -> bool {
        self.read_only || self.muted_until > now
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
