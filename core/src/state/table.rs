//! What is in memory: the records, and the indexes that follow from them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    Clock, Device, DeviceId, Member, Outcome, Placed, RECEIPT_WINDOW, ReceiptSlot, RequestNo, Room, RoomId, RoomName,
    Seq, Timestamp, User, UserId, UserName, Writer, WriterId,
};

/// Everything that decisions need. See the module for what is decided how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    pub(super) clock: Clock,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) devices: BTreeMap<DeviceId, Device>,
    pub(super) writers: BTreeMap<WriterId, WriterState>,
    pub(super) rooms: BTreeMap<RoomId, RoomState>,
    pub(super) members: BTreeMap<(RoomId, UserId), Member>,
    pub(super) messages: BTreeMap<MessageKey, Placed>,

    // Indexes: each follows from the above, and is made again by a restore.
    pub(super) user_names: BTreeMap<UserName, UserId>,
    pub(super) room_names: BTreeMap<RoomName, RoomId>,
    pub(super) user_devices: BTreeSet<(UserId, DeviceId)>,
    pub(super) user_rooms: BTreeSet<(UserId, RoomId)>,
    /// All writers, the longest idle first.
    pub(super) idle: BTreeSet<(Timestamp, WriterId)>,
    /// The writers of each device, the longest idle first.
    pub(super) device_writers: BTreeSet<(DeviceId, Timestamp, WriterId)>,
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

/// A room with the authors of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoomState {
    pub(super) room: Room,
    pub(super) lines: Lines,
}

/// Who posted each line of a room, from seq 1 on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines(Vec<UserId>);

/// Stands for the author of a line that is no message. No entry of the log has this index.
const NO_MESSAGE: UserId = UserId(u64::MAX);

impl Lines {
    /// So many lines, none of them a message yet.
    pub(super) fn blank(last: Seq) -> Option<Self> {
        Some(Self(vec![NO_MESSAGE; usize::try_from(last.0).ok()?]))
    }

    /// The next line is a message of this author, or something else.
    pub(super) fn push(&mut self, author: Option<UserId>) {
        self.0.push(author.unwrap_or(NO_MESSAGE));
    }

    /// Makes a blank line a message of this author; false if there is no such line or it is taken.
    pub(super) fn fill(&mut self, seq: Seq, author: UserId) -> bool {
        let line = seq
            .0
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok())
            .and_then(|at| self.0.get_mut(at));
        match line {
            Some(line) if *line == NO_MESSAGE => {
                *line = author;
                true
            }
            _ => false,
        }
    }

    /// How many messages are after the first seq, up to and with the second: of anybody, and of
    /// this author.
    pub(super) fn messages(&self, after: Seq, upto: Seq, author: UserId) -> (u64, u64) {
        let place = |seq: Seq| usize::try_from(seq.0).map_or(self.0.len(), |at| at.min(self.0.len()));
        let (from, to) = (place(after), place(upto));
        self.0
            .get(from..to)
            .unwrap_or_default()
            .iter()
            .fold((0, 0), |(all, own), line| {
                (all + u64::from(*line != NO_MESSAGE), own + u64::from(*line == author))
            })
    }
}

/// Whose message id, by its digest. Two words and not one of 128 bits, which would be aligned to 16
/// bytes and cost another 8 for each message ever posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageKey {
    author: UserId,
    high: u64,
    low: u64,
}

impl MessageKey {
    pub(super) const fn new(author: UserId, digest: u128) -> Self {
        Self {
            author,
            high: (digest >> 64) as u64,
            low: digest as u64,
        }
    }

    pub(super) const fn author(self) -> UserId {
        self.author
    }

    pub(super) const fn digest(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
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
