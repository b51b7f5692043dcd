//! Messages, and what was made of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::{BODY_BYTES_MAX, Edits, Placed, RecordKey, RestoreError, RoomId, Seq, State, UserId};

use super::super::lines::Message;
use super::super::table::MessageKey;
use super::contradicts;

impl State {
    pub(super) fn index_messages(&mut self, mut messages: Vec<(UserId, u128, Placed)>) -> Result<(), RestoreError> {
        messages.sort_unstable_by_key(|(author, digest, _)| (*author, *digest));
        let mut counts: BTreeMap<RoomId, u64> = BTreeMap::new();
        // By those members who have some past their marks.
        let mut own: BTreeMap<(RoomId, UserId), u64> = BTreeMap::new();
        let mut before = None;
        for (author, digest, placed) in &messages {
            let from = RecordKey::MessageKey(*author, *digest);
            if before.replace((*author, *digest)) == Some((*author, *digest)) {
                return Err(RestoreError::Duplicate(from));
            }
            self.named_user(from, *author)?;
            self.place(*author, *digest, placed)?;
            if !placed.redacted {
                *self.text_bytes.entry(*author).or_default() += u64::from(placed.bytes);
                *counts.entry(placed.room).or_default() += 1;
                let member = self.members.get(&(placed.room, *author));
                if member.is_some_and(|member| placed.seq > member.read) {
                    *own.entry((placed.room, *author)).or_default() += 1;
                }
            }
        }
        let own = |key: &_| own.get(key).copied().unwrap_or_default();
        if let Some((key, _)) = self
            .members
            .iter()
            .find(|(key, member)| member.own_past_mark != own(key))
        {
            return Err(contradicts(RecordKey::Member(key.0, key.1)));
        }
        let count = |id| counts.get(id).copied().unwrap_or_default();
        if let Some((id, _)) = self.rooms.iter().find(|(id, state)| state.room.messages != count(id)) {
            return Err(contradicts(RecordKey::Room(*id)));
        }
        // Made at once, out of sorted keys, so that the nodes of the trees are full.
        let keys = |redacted: bool| -> BTreeSet<MessageKey> {
            let some = messages.iter().filter(|(_, _, placed)| placed.redacted == redacted);
            some.map(|(author, digest, placed)| MessageKey::new(*author, *digest, placed.room, placed.seq))
                .collect()
        };
        (self.messages, self.withdrawn) = (keys(false), keys(true));
        Ok(())
    }

    fn place(&mut self, author: UserId, digest: u128, placed: &Placed) -> Result<(), RestoreError> {
        let from = RecordKey::MessageKey(author, digest);
        let to = RecordKey::Room(placed.room);
        let state = self.rooms.get_mut(&placed.room);
        let lines = &mut state.ok_or(RestoreError::Dangling { from, to })?.lines;
        let message = Message {
            author,
            digest,
            at: placed.at,
            bytes: placed.bytes,
            redacted: placed.redacted,
        };
        // A text that is gone takes no room, and none that is there is empty.
        let fits = placed.redacted == (placed.bytes == 0) && placed.bytes as usize <= BODY_BYTES_MAX;
        match fits && lines.fill(placed.seq, &message) {
            true => Ok(()),
            false => Err(contradicts(from)),
        }
    }

    /// Messages must be there: what was made of them is held against them.
    pub(super) fn index_past(&mut self) -> Result<(), RestoreError> {
        for ((room, seq), Edits { lines, bytes }) in &self.edits {
            let from = RecordKey::Edits(*room, *seq);
            let message = self.named_message(from, *room, *seq)?;
            let last = self.named_room(from, *room)?.room.last_seq;
            let ascend = std::iter::once(seq).chain(lines).is_sorted_by(|one, next| one < next);
            let some = lines.len() as u64;
            let fits = (some..=some.saturating_mul(BODY_BYTES_MAX as u64)).contains(bytes);
            if message.redacted || !ascend || !fits || lines.last().is_none_or(|line| *line > last) {
                return Err(contradicts(from));
            }
            *self.text_bytes.entry(message.author).or_default() += bytes;
        }
        for ((room, seq, user, emoji), reaction) in &self.reactions {
            let from = RecordKey::Reaction(*room, *seq, *user, *emoji);
            self.named_user(from, *user)?;
            self.named_message(from, *room, *seq)?;
            let last = self.named_room(from, *room)?.room.last_seq;
            if reaction.emoji.digest() != *emoji || reaction.line <= *seq || reaction.line > last {
                return Err(contradicts(from));
            }
        }
        for ((room, seq), call) in &self.calls {
            let from = RecordKey::Call(*room, *seq);
            self.named_user(from, call.author)?;
            let message = self.named_message(from, *room, *seq)?;
            if message.author != call.author || call.no >= self.clock.next_event {
                return Err(contradicts(from));
            }
        }
        // A mention may outlive its message, and even its room.
        for ((user, room, seq), no) in &self.mentions {
            let from = RecordKey::Mention(*user, *room, *seq);
            self.named_user(from, *user)?;
            let last = self.room(*room).map_or(*seq, |room| room.last_seq);
            let all = self.mentioned.entry(*user).or_default();
            let is_taken = all.insert(*no, (*room, *seq)).is_some();
            if is_taken || *no >= self.clock.next_event || *seq > last {
                return Err(contradicts(from));
            }
        }
        Ok(())
    }

    fn named_message(&self, from: RecordKey, room: RoomId, seq: Seq) -> Result<Message, RestoreError> {
        let found = self.named_room(from, room)?.lines.message(seq);
        found.ok_or(contradicts(from))
    }
}
