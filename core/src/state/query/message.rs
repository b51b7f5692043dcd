//! What others may ask about messages: unread ones, mentions, texts and how long they stay.

use std::collections::BinaryHeap;
use std::ops::Bound::{Excluded, Included};

use crate::{EventNo, Reaction, Retention, RoomId, Seq, State, Timestamp, UserId};

use super::super::lines::Message;
use super::super::table::MessageKey;

impl State {
    /// How many messages of others lie past a member's mark; none for somebody who is no member.
    #[must_use]
    pub fn unread(&self, room: RoomId, user: UserId) -> Option<u64> {
        let member = self.member(room, user)?;
        let past_mark = self.rooms.get(&room)?.lines.count_after(member.read);
        Some(past_mark - member.own_past_mark)
    }

    /// How many of a member's unread messages name the member or call the whole room; none for
    /// somebody who is no member.
    #[must_use]
    pub fn mentions_unread(&self, room: RoomId, user: UserId) -> Option<u64> {
        let from = self.member(room, user)?.read.next();
        let named = self.mentions.range((user, room, from)..=(user, room, Seq(u64::MAX)));
        let named = named.filter(|((_, _, seq), _)| self.has_text(room, *seq)).count();
        let calls = self.calls_for(room, user, from);
        let calls = calls.filter(|(seq, _)| !self.mentions.contains_key(&(user, room, *seq)));
        Some((named + calls.count()) as u64)
    }

    /// The messages that name a user or call a room that the user is in, the newest first, at most so
    /// many: those before this number (or all), and those past the user's marks alone, if that is asked
    /// for. A user is told only of what came after their join, and of no text that is gone.
    #[must_use]
    pub fn mentions_of(
        &self,
        user: UserId,
        before: Option<EventNo>,
        unread: bool,
        limit: usize,
    ) -> Vec<(EventNo, RoomId, Seq)> {
        let before = before.unwrap_or(EventNo(u64::MAX));
        let from = |room| {
            let member = self.member(room, user)?;
            Some(if unread { member.read } else { member.joined }.next())
        };
        let named = self.mentioned.get(&user).into_iter();
        let named = named.flat_map(|all| all.range(..before).rev());
        let named = named.filter(|(_, (room, seq))| {
            let is_asked = from(*room).is_some_and(|from| *seq >= from);
            is_asked && self.has_text(*room, *seq)
        });
        let mut named = named.map(|(no, (room, seq))| (*no, *room, *seq)).peekable();
        // The newest call of each room, and the one before it once that is told.
        let call = |room, upto: Seq| {
            let older = self.calls.range((room, from(room)?)..(room, upto)).rev();
            let mut older = older.filter(|(_, call)| call.no < before && call.author != user);
            let ((_, seq), call) = older.find(|((_, seq), _)| self.has_text(room, *seq))?;
            Some((call.no, room, *seq))
        };
        let mut calls: BinaryHeap<_> = self
            .rooms_of(user)
            .filter_map(|room| call(room, Seq(u64::MAX)))
            .collect();
        let mut found = Vec::new();
        while found.len() < limit {
            let newest = match (named.peek().copied(), calls.peek().copied()) {
                (None, None) => break,
                (one, other) => one.max(other),
            };
            // A message may do both.
            named.next_if(|one| Some(*one) == newest);
            if let Some((_, room, seq)) = calls.peek().copied().filter(|one| Some(*one) == newest) {
                calls.pop();
                calls.extend(call(room, seq));
            }
            found.extend(newest);
        }
        found
    }

    /// Calls of the whole room by others from a seq on, that still have their texts.
    fn calls_for(&self, room: RoomId, user: UserId, from: Seq) -> impl Iterator<Item = (Seq, EventNo)> + '_ {
        self.calls
            .range((room, from)..=(room, Seq(u64::MAX)))
            .filter(move |((_, seq), call)| call.author != user && self.has_text(room, *seq))
            .map(|((_, seq), call)| (*seq, call.no))
    }

    fn has_text(&self, room: RoomId, seq: Seq) -> bool {
        let message = self.rooms.get(&room).and_then(|state| state.lines.message(seq));
        message.is_some_and(|message| !message.redacted)
    }

    /// A user's messages that have their texts, each once and in no order that means anything, after
    /// this one (or from the first), at most so many. A message that comes while somebody goes through
    /// them page by page may be among them or not.
    #[must_use]
    pub fn messages_by(&self, user: UserId, after: Option<OwnMessage>, limit: usize) -> Vec<OwnMessage> {
        let after = after.map_or(Included(MessageKey::new(user, 0, RoomId(0), Seq(0))), |after| {
            Excluded(after.key(user))
        });
        let last = MessageKey::new(user, u128::MAX, RoomId(u64::MAX), Seq(u64::MAX));
        let found = self.messages.range((after, Included(last)));
        found.take(limit).map(OwnMessage::of).collect()
    }

    /// The lines that edited a message which still has its text, ascending.
    #[must_use]
    pub fn edits(&self, room: RoomId, seq: Seq) -> &[Seq] {
        self.edits.get(&(room, seq)).map_or(&[], |edits| &edits.lines)
    }

    /// The emojis at a message, by user.
    pub fn reactions(&self, room: RoomId, seq: Seq) -> impl Iterator<Item = (UserId, &Reaction)> + '_ {
        let all = (room, seq, UserId(0), 0)..=(room, seq, UserId(u64::MAX), u64::MAX);
        let found = self.reactions.range(all);
        found.map(|((_, _, user, _), reaction)| (*user, reaction))
    }

    /// How long a room remembers: its own rule where it has one, else what holds for all; each
    /// bound by itself.
    #[must_use]
    pub fn retention(&self, room: RoomId) -> Retention {
        let own = self.room(room).map(|room| room.retention).unwrap_or_default();
        own.or(self.settings().retention)
    }

    /// When the message at a place was posted, in log time; also of one whose text is gone.
    #[must_use]
    pub fn posted_at(&self, room: RoomId, seq: Seq) -> Option<Timestamp> {
        Some(self.rooms.get(&room)?.lines.message(seq)?.at)
    }

    /// Where the author's message with this id stands, with its text or without.
    pub(in crate::state) fn message_of(&self, author: UserId, digest: u128) -> Option<(RoomId, Seq, Message)> {
        let first = MessageKey::new(author, digest, RoomId(0), Seq(0));
        let last = MessageKey::new(author, digest, RoomId(u64::MAX), Seq(u64::MAX));
        let all = || {
            self.messages
                .range(first..=last)
                .chain(self.withdrawn.range(first..=last))
        };
        all().find_map(|key| {
            let message = self.rooms.get(&key.room)?.lines.message(key.seq)?;
            (message.digest == digest).then_some((key.room, key.seq, message))
        })
    }

    /// A user's messages that have their texts.
    pub(in crate::state) fn texts(&self, user: UserId) -> impl Iterator<Item = &MessageKey> + '_ {
        let first = MessageKey::new(user, 0, RoomId(0), Seq(0));
        let last = MessageKey::new(user, u128::MAX, RoomId(u64::MAX), Seq(u64::MAX));
        self.messages.range(first..=last)
    }
}

/// A message among its author's own. They are kept by halves of their ids' digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnMessage {
    /// Tells its place among them.
    pub mark: u64,
    /// Where it stands.
    pub room: RoomId,
    /// Its place there.
    pub seq: Seq,
}

impl OwnMessage {
    const fn of(key: &MessageKey) -> Self {
        Self {
            mark: key.high,
            room: key.room,
            seq: key.seq,
        }
    }

    const fn key(self, author: UserId) -> MessageKey {
        MessageKey {
            author,
            high: self.mark,
            room: self.room,
            seq: self.seq,
        }
    }
}

impl Retention {
    /// Each bound by itself: this one's, or where it has none the other's.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            age_max: self.age_max.or(other.age_max),
            messages_max: self.messages_max.or(other.messages_max),
        }
    }
}
