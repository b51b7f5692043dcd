//! What peers say, taken in.

use std::collections::HashMap;

use quorate_core::{NodeId, UserId};
use quorate_protocol::Frame;
use quorate_protocol::relay::{List, PRESENCE_USERS_MAX, Presence, TYPING_MAX, There, Typing, kind, parse};

use super::Board;
use super::board::PEER_USERS_MAX;
use crate::relay::Listener;

impl Board {
    /// Takes in the signals of one stream of a peer. It says no to what makes no sense.
    #[must_use]
    pub fn listener(&self, peer: NodeId) -> Listener {
        let board = self.clone();
        // A full list in the making. It dies with the stream, and the next one begins with another.
        let mut parts: HashMap<UserId, There> = HashMap::new();
        Box::new(move |frame: &Frame| board.hear(peer, &mut parts, frame).is_some())
    }

    fn hear(&self, peer: NodeId, parts: &mut HashMap<UserId, There>, frame: &Frame) -> Option<()> {
        if !self.is_on() {
            // The peer may be configured otherwise; its stream is none the worse for it.
            return Some(());
        }
        if frame.kind == kind::TYPING {
            let Typing { places } = parse(frame).ok()?;
            if places.len() > TYPING_MAX {
                return None;
            }
            self.hear_typing(places);
            return Some(());
        }
        let Presence { list, users } = parse(frame).ok()?;
        if users.len() > PRESENCE_USERS_MAX {
            return None;
        }
        if list == List::Change {
            self.hear_changes(peer, users);
            return Some(());
        }
        let there = users.into_iter().filter(|present| present.there != There::Gone);
        let room = PEER_USERS_MAX.saturating_sub(parts.len());
        parts.extend(there.take(room).map(|present| (present.user, present.there)));
        if list == List::Last {
            self.hear_whole(peer, std::mem::take(parts));
        }
        Some(())
    }
}
