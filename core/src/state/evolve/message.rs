//! Lines, messages, and how far they were read.

use crate::{Reaction, RoomEvent, RoomEventKind, RoomId, Seq, State, StateEvent, UserId, Withdrawn};

use super::super::lines::Message;
use super::super::table::{MessageKey, RoomState};
use super::DECIDED;

impl State {
    /// Every event of a room is a line of it.
    pub(super) fn evolve_line(&mut self, event: &RoomEvent) {
        let RoomState { room, lines } = self.rooms.get_mut(&event.room).expect(DECIDED);
        room.last_seq = event.seq;
        let message = match &event.kind {
            RoomEventKind::Message { id, body, .. } => Some(Message {
                author: event.author,
                digest: id.digest(),
                at: event.at,
                bytes: body.as_str().len() as u32,
                redacted: false,
            }),
            _ => None,
        };
        lines.push(message.as_ref());
    }

    pub(super) fn evolve_message(&mut self, event: &RoomEvent) {
        match &event.kind {
            RoomEventKind::Message { id, body, .. } => {
                self.rooms.get_mut(&event.room).expect(DECIDED).room.messages += 1;
                let member = self.members.get_mut(&(event.room, event.author)).expect(DECIDED);
                member.own_past_mark += 1;
                let key = MessageKey::new(event.author, id.digest(), event.room, event.seq);
                self.messages.insert(key);
                self.texts_grow(event.author, body.as_str().len() as u64);
            }
            RoomEventKind::Edited { target, body, .. } => {
                let bytes = body.as_str().len() as u64;
                let edits = self.edits.entry((event.room, *target)).or_default();
                edits.lines.push(event.seq);
                edits.bytes += bytes;
                self.texts_grow(event.author, bytes);
            }
            RoomEventKind::Redacted { target, .. } => self.withdraw(target),
            RoomEventKind::Reacted { target, emoji } => {
                let reaction = Reaction {
                    emoji: emoji.clone(),
                    line: event.seq,
                };
                let key = (event.room, *target, event.author, emoji.digest());
                self.reactions.insert(key, reaction);
            }
            RoomEventKind::Unreacted { target, emoji } => {
                let key = (event.room, *target, event.author, emoji.digest());
                self.reactions.remove(&key);
            }
            _ => {}
        }
    }

    pub(super) fn evolve_past(&mut self, event: &StateEvent) {
        match event {
            StateEvent::ReadMarked { room, user, upto } => self.mark(*room, *user, *upto),
            StateEvent::MessagesPurged { messages, .. } => messages.iter().for_each(|message| self.withdraw(message)),
            StateEvent::HistoryCut {
                room,
                first,
                messages,
                reactions,
                calls,
            } => {
                messages.iter().for_each(|message| self.forget(message));
                for (seq, user, emoji) in reactions {
                    self.reactions.remove(&(*room, *seq, *user, *emoji));
                }
                for seq in calls {
                    self.calls.remove(&(*room, *seq));
                }
                let cut = self.rooms.get_mut(room).expect(DECIDED);
                cut.lines.cut(*first);
                cut.room.first_seq = *first;
            }
            StateEvent::Mentioned {
                user,
                room,
                seq,
                no,
                dropped,
            } => {
                if let Some(place) = dropped {
                    self.take_mention(*user, *place);
                }
                self.put_mention(*user, (*room, *seq), *no);
            }
            StateEvent::RoomCalled {
                room,
                seq,
                no,
                author,
                dropped,
            } => {
                if let Some(seq) = dropped {
                    self.calls.remove(&(*room, *seq));
                }
                let (no, author) = (*no, *author);
                self.calls.insert((*room, *seq), crate::Call { no, author });
            }
            StateEvent::MentionsDropped { user, mentions } => {
                for place in mentions {
                    self.take_mention(*user, *place);
                }
            }
            _ => {}
        }
    }

    fn mark(&mut self, room: RoomId, user: UserId, upto: Seq) {
        let lines = &self.rooms.get(&room).expect(DECIDED).lines;
        let member = self.members.get_mut(&(room, user)).expect(DECIDED);
        let passed = lines.within(member.read, upto);
        let own = passed.filter(|(_, message)| message.author == user && !message.redacted);
        member.own_past_mark -= own.count() as u64;
        member.read = upto;
    }

    /// A message loses its text. Its line stays, and its id leads to it.
    fn withdraw(&mut self, target: &Withdrawn) {
        let Withdrawn {
            room,
            seq,
            author,
            digest,
            ..
        } = *target;
        let state = self.rooms.get_mut(&room).expect(DECIDED);
        let edits = self.edits.remove(&(room, seq)).unwrap_or_default();
        let bytes = u64::from(state.lines.message(seq).expect(DECIDED).bytes) + edits.bytes;
        state.lines.change(seq, |message| {
            message.redacted = true;
            message.bytes = 0;
        });
        state.room.messages -= 1;
        // Who left and came back has all of it behind the mark.
        if let Some(member) = self.members.get_mut(&(room, author)).filter(|member| seq > member.read) {
            member.own_past_mark -= 1;
        }
        self.texts_shrink(author, bytes);
        let key = MessageKey::new(author, digest, room, seq);
        self.messages.remove(&key);
        self.withdrawn.insert(key);
    }

    /// A message goes altogether, before its line is cut off.
    fn forget(&mut self, target: &Withdrawn) {
        let lines = &self.rooms.get(&target.room).expect(DECIDED).lines;
        if !lines.message(target.seq).expect(DECIDED).redacted {
            self.withdraw(target);
        }
        let key = MessageKey::new(target.author, target.digest, target.room, target.seq);
        self.withdrawn.remove(&key);
    }

    fn texts_grow(&mut self, author: UserId, bytes: u64) {
        *self.text_bytes.entry(author).or_default() += bytes;
    }

    fn texts_shrink(&mut self, author: UserId, bytes: u64) {
        let left = self.text_bytes.get_mut(&author).expect(DECIDED);
        *left -= bytes;
        if *left == 0 {
            self.text_bytes.remove(&author);
        }
    }
}
