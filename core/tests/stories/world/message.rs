//! What is known about messages.

use quorate_core::{RoomId, Seq, Sweep};

use crate::line::Line;

use super::World;
use super::word::number;

impl World {
    pub(super) fn tell_of_messages(&mut self, words: &[&str]) -> Option<String> {
        Some(match *words {
            ["mentions", "of", who] => {
                let found = self.state.mentions_of(self.id(who), None, false, 1000);
                self.listed_places(found.into_iter().map(|(_, room, seq)| (room, seq)))
            }
            ["mentions", "of", who, "in", room] => {
                let count = self.state.mentions_unread(self.room(room), self.id(who));
                count.map_or("not a member".to_owned(), |count| count.to_string())
            }
            ["messages", "by", who] => {
                let found = self.state.messages_by(self.id(who), None, 10);
                let found: std::collections::BTreeSet<_> = found.iter().map(|own| (own.room, own.seq)).collect();
                self.listed_places(found.into_iter())
            }
            ["texts", "of", who] => self.state.text_bytes(self.id(who)).to_string(),
            ["edits", "of", seq, "in", room] => {
                let edits = self.state.edits(self.room(room), Seq(number(seq)));
                listed(edits.iter().map(ToString::to_string))
            }
            ["emojis", "at", seq, "in", room] => {
                let found = self.state.reactions(self.room(room), Seq(number(seq)));
                listed(found.map(|(_, reaction)| reaction.emoji.to_string()))
            }
            ["room", room, "keeps"] => {
                let room = self.state.room(self.room(room)).expect("the room exists");
                format!("{} from {} to {}", room.messages, room.first_seq, room.last_seq)
            }
            ["chores"] => {
                let chores: Vec<_> = self.looks().concat();
                listed(chores.into_iter().map(|chore| match chore {
                    Sweep::Room(room) => self.state.room(room).expect("it is there").name.to_string(),
                    Sweep::User(user) => self.state.user(user).expect("it is there").name.to_string(),
                    Sweep::Expired => "expired".to_owned(),
                    Sweep::Closing => "closing".to_owned(),
                }))
            }
            ["looks", "for", "chores"] => self.looks().len().to_string(),
            [who, "edits", seq, "in", room, count, "times"] => {
                self.again_and_again(count, |at| format!("{who} edits {seq} in {room} to \"text {at}\""))
            }
            [who, "changes", "the", "topic", "of", room, count, "times"] => {
                self.again_and_again(count, |at| format!("{who} sets the topic of {room} to t{at}"))
            }
            [who, "puts", count, "emojis", "to", seq, "in", room] => {
                self.again_and_again(count, |at| format!("{who} puts e{at} to {seq} in {room}"))
            }
            [who, "names", name, count, "times", "in", room] => {
                self.again_and_again(count, |at| format!("{who} posts \"@{name} {at}\" to {room}"))
            }
            _ => return None,
        })
    }

    /// What there is to sweep, by looks until all rooms were looked at.
    fn looks(&self) -> Vec<Vec<Sweep>> {
        let (mut looks, mut after) = (Vec::new(), None);
        loop {
            let (chores, next) = self.state.chores(self.clock, after);
            looks.push(chores);
            if next.is_none() {
                return looks;
            }
            after = next;
        }
    }

    fn again_and_again(&mut self, count: &str, text: impl Fn(u64) -> String) -> String {
        let line = |at| Line::parse(&text(at)).expect("the line says something");
        let told = (0..number(count)).map(|at| self.act(&line(at)));
        told.last().expect("more than none")
    }

    fn listed_places(&self, places: impl Iterator<Item = (RoomId, Seq)>) -> String {
        listed(places.map(|(room, seq)| {
            let name = &self.state.room(room).expect("it is there").name;
            format!("{name}:{seq}")
        }))
    }
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items = items.collect::<Vec<_>>().join(" ");
    if items.is_empty() { "none".to_owned() } else { items }
}
