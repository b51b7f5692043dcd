//! What operators and nodes ask.

use quorate_core::{
    Command, CreateInvite, InviteId, Operate, Operation, Operator, Quota, RevokeInvite, SetQuota, Span, Sweep,
};

use crate::line::Line;

use super::word::{invite_key, number, retention, valid};
use super::{DAY_MS, World, node};

impl World {
    pub(super) fn operate(&mut self, words: &[&str], line: &Line) -> Option<String> {
        let quota = || Quota {
            text_bytes_max: line.number("bytes"),
            rooms_max: line.number("rooms").map(|max| u32::try_from(max).expect("a few rooms")),
        };
        let set_quota = |user, quota| Operation::SetQuota(SetQuota { user, quota });
        let operation = match *words {
            ["operator", "makes", "invite", key] => Operation::CreateInvite(CreateInvite {
                key: invite_key(key),
                lasts: Span(line.number("days").unwrap_or(1) * DAY_MS),
                uses: u32::try_from(line.number("uses").unwrap_or(1)).expect("a few uses"),
            }),
            ["operator", "revokes", "invite", key] => {
                let found = self.state.invite_by_key(&invite_key(key));
                let invite = found.map_or(InviteId(0), |(id, _)| id);
                Operation::RevokeInvite(RevokeInvite { invite })
            }
            ["operator", "sets", "retention"] => Operation::SetServerRetention(retention(line)),
            ["operator", "sets", "retention", "of", room] => Operation::SetRoomRetention {
                room: valid(room),
                retention: retention(line),
            },
            ["operator", "sets", "quota"] => set_quota(None, Some(quota())),
            ["operator", "sets", "quota", "of", user] => set_quota(Some(valid(user)), Some(quota())),
            ["operator", "ends", "quota"] => set_quota(None, None),
            ["operator", "ends", "quota", "of", user] => set_quota(Some(valid(user)), None),
            ["nodes", "sweep", ref what @ ..] => {
                let sweep = self.sweep_of(what);
                return Some(self.tell(Command::Sweep(sweep)));
            }
            _ => Operation::Roster(node::operation(&self.state, words, line)?),
        };
        let by = Operator { uid: 1000 };
        Some(self.tell(Command::Operate(Operate { by, operation })))
    }

    fn sweep_of(&self, words: &[&str]) -> Sweep {
        match *words {
            ["expired"] => Sweep::Expired,
            ["deleted", "rooms"] => Sweep::Closing,
            ["room", room] => Sweep::Room(self.room(room)),
            ["deleted", "room", which] => Sweep::Room(self.closing(number(which))),
            ["user", user] => Sweep::User(self.id(user)),
            _ => panic!("nodes sweep a room, a user or what expired"),
        }
    }
}
