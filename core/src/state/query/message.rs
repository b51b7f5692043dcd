//! What others may ask about messages: unread ones, mentions, texts and how long they stay.

use std::collections::{BTreeMap, BinaryHeap};

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

    /// The messages that name a user or call a room that the user is in, the newest first. A user
    /// is told only of what came after their join, and of no text that is gone.
    #[must_use]
    pub fn mentions_of(&self, user: UserId) -> Vec<(EventNo, RoomId, Seq)> {
        let named = self
            .mentions
            .range((user, RoomId(0), Seq(0))..=(user, RoomId(u64::MAX), Seq(u64::MAX)))
            .filter(|((_, room, seq), _)| {
                let member = self.member(*room, user);
                member.is_some_and(|member| *seq > member.joined) && self.has_text(*room, *seq)
            })
            .map(|((_, room, seq), no)| (*no, (*room, *seq)));
        let calls = self.rooms_of(user).flat_map(|room| {
            let from = self
                .member(room, user)
                .map_or(Seq(u64::MAX), |member| member.joined.next());
            let calls = self.calls_for(room, user, from);
            calls.map(move |(seq, no)| (no, (room, seq)))
        });
        // A message may do both.
        let found: BTreeMap<_, _> = named.chain(calls).collect();
        found
            .into_iter()
            .rev()
            .map(|(no, (room, seq))| (no, room, seq))
            .collect()
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

    /// The places of a user's messages that have their texts, by room and seq, after this one (or
    /// from the first), at most so many. Each page goes through all of the user's messages, since
    /// they are kept by their ids.
    #[must_use]
    pub fn messages_by(&self, user: UserId, after: Option<(RoomId, Seq)>, limit: usize) -> Vec<(RoomId, Seq)> {
        let mut lowest = BinaryHeap::new();
        let places = self.texts(user).map(|key| (key.room, key.seq));
        for place in places.filter(|place| after.is_none_or(|after| *place > after)) {
            lowest.push(place);
            if lowest.len() > limit {
                lowest.pop();
            }
        }
        lowest.into_sorted_vec()
    }

    /// The lines that edited a message which still has its text, ascending.
    #[must_use]
    pub fn edits(&self, room: RoomId, seq: Seq) -> &[Seq] {
        self.edits.get(&(room, seq)).map_or(&[], Vec::as_slice)
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
