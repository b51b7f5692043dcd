//! What may be asked of the state.

use quorate_core::{Member, PasswordHash, Role, RoomEventKind, RoomId, UserId};

use super::World;
use super::word::{device, refused, room_ref, user, valid};

impl World {
    pub(super) fn answer(&self, words: &[&str]) -> Option<String> {
        let place = |found: Result<RoomId, _>| found.map_or_else(|refusal| refused(&refusal), |_| "yes".to_owned());
        Some(match *words {
            ["log", "time"] => self.state.now().to_string(),
            [who, "sees", room] => place(self.state.visible_room(self.id(who), &room_ref(room))),
            [who, "may", "read", room] => place(self.state.readable_room(self.id(who), &room_ref(room))),
            ["unread", "of", who, "in", room] => self.unread(who, room),
            ["members", "of", room] => {
                let members = self.state.members(self.room(room));
                listed(members.map(|(id, member)| format!("{}{}", self.name(id), mark(member))))
            }
            ["invitations", "of", who] => {
                let invitations = self.state.invitations_of(self.id(who));
                listed(invitations.map(|(room, _)| self.state.room(room).expect("it is there").name.to_string()))
            }
            ["number", "of", "invitations", "of", who] => self.state.invitations_of(self.id(who)).count().to_string(),
            ["waiting", "in", room] => {
                let room = self.room(room);
                let waits = |record: &_| matches!(record, quorate_core::Record::Restriction(at, ..) if *at == room);
                self.state.records().filter(waits).count().to_string()
            }
            ["bans", "of", room] => {
                let bans = self.state.bans(self.room(room));
                listed(bans.map(|(user, _)| self.name(user)))
            }
            ["number", "of", "bans", "of", room] => self.state.bans(self.room(room)).count().to_string(),
            [who, "has", "a", "password"] => {
                let user = self.state.user(self.id(who)).expect("the user exists");
                (user.password != PasswordHash::none()).to_string()
            }
            ["bots", "of", who] => listed(self.state.bots_of(self.id(who)).map(|(_, bot)| bot.name.to_string())),
            ["devices", "of", who] => self.state.devices_of(self.id(who)).count().to_string(),
            ["users"] => listed(self.state.users(None).map(|(_, user)| user.name.to_string())),
            ["rooms"] => listed(self.state.rooms().map(|(_, room)| room.name.to_string())),
            ["last", "login", "of", who] => {
                let user = self.state.user(self.id(who)).expect("the user exists");
                user.last_login.to_string()
            }
            ["writers", "left"] => {
                let is_writer = |record: &_| matches!(record, quorate_core::Record::Writer(..));
                self.state.records().filter(is_writer).count().to_string()
            }
            ["history", "of", room] => self.history(room),
            ["named", "rooms"] => listed(
                self.state
                    .named_rooms_after(None)
                    .map(|(_, room)| room.name.to_string()),
            ),
            ["named", "rooms", "after", name] => {
                let rooms = self.state.named_rooms_after(Some(&valid(name)));
                listed(rooms.map(|(_, room)| room.name.to_string()))
            }
            ["audit", "log"] => {
                let entries = self.audited.values();
                let entries = entries
                    .map(|entry| format!("{}: {} {} {}", entry.actor, entry.action, entry.target, entry.outcome));
                entries.collect::<Vec<_>>().join(", ")
            }
            ["audit", "log", "keeps"] => {
                let head = self.state.audit();
                format!("{} to {}", head.first, head.next.0 - 1)
            }
            ["at", "the", "door", who] | ["at", "the", "door", who, "from", _] => {
                let addr = words
                    .get(5)
                    .copied()
                    .unwrap_or("192.0.2.1")
                    .parse()
                    .expect("an address");
                let bar = self.state.bar_at_the_door(&device(who), addr);
                bar.map_or_else(|| "come in".to_owned(), |refusal| refused(&refusal))
            }
            _ => return None,
        })
    }

    pub(super) fn id(&self, who: &str) -> UserId {
        let found = self.state.user_record_by_name(&valid(user(who)));
        found.expect("the user exists").0
    }

    pub(super) fn room(&self, name: &str) -> RoomId {
        self.state.room_by_name(&valid(name)).expect("the room exists").0
    }

    /// The deleted room that was made as the so-many-th room of all, from 1.
    pub(super) fn closing(&self, which: u64) -> RoomId {
        let rooms = self.history.iter().map(|line| line.room);
        let made: std::collections::BTreeSet<_> = rooms.collect();
        let at = usize::try_from(which - 1).expect("a few rooms");
        *made.iter().nth(at).expect("so many rooms were made")
    }

    fn name(&self, id: UserId) -> String {
        self.state.user(id).expect("the user exists").name.to_string()
    }

    fn unread(&self, who: &str, room: &str) -> String {
        self.state
            .unread(self.room(room), self.id(who))
            .map_or("not a member".to_owned(), |count| count.to_string())
    }

    fn history(&self, room: &str) -> String {
        let room = self.room(room);
        let lines = self.history.iter().filter(|event| event.room == room);
        let lines = lines.map(|event| format!("{} {} {}", event.seq, event.author_name, said(&event.kind)));
        lines.collect::<Vec<_>>().join(", ")
    }
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names = names.collect::<Vec<_>>().join(" ");
    if names.is_empty() { "nobody".to_owned() } else { names }
}

/// What stands behind the name of a member.
const fn mark(member: &Member) -> &'static str {
    match member.role {
        Role::Owner => "*",
        Role::Moderator => "+",
        Role::Member => "",
        Role::ReadOnly => "~",
    }
}

fn said(kind: &RoomEventKind) -> String {
    match kind {
        RoomEventKind::Message { body, .. } => body.to_string(),
        RoomEventKind::Joined => "joined".to_owned(),
        RoomEventKind::Left => "left".to_owned(),
        RoomEventKind::TopicSet { topic } => format!("topic {topic}"),
        RoomEventKind::Edited { target, body, .. } => format!("edited {target} to {body}"),
        RoomEventKind::Redacted { target, .. } => format!("redacted {}", target.seq),
        RoomEventKind::Reacted { target, emoji } => format!("put {emoji} to {target}"),
        RoomEventKind::Unreacted { target, emoji } => format!("took {emoji} from {target}"),
        RoomEventKind::Invited { user_name, .. } => format!("invited {user_name}"),
        RoomEventKind::Kicked { user_name, reason, .. } => match reason {
            Some(reason) => format!("kicked {user_name} for {reason}"),
            None => format!("kicked {user_name}"),
        },
        RoomEventKind::Banned { user_name, until, .. } => match until {
            Some(until) => format!("banned {user_name} until {until}"),
            None => format!("banned {user_name}"),
        },
        RoomEventKind::Unbanned { user_name, .. } => format!("unbanned {user_name}"),
        RoomEventKind::Muted { user_name, until, .. } => match until {
            Some(until) => format!("muted {user_name} until {until}"),
            None => format!("muted {user_name}"),
        },
        RoomEventKind::Unmuted { user_name, .. } => format!("unmuted {user_name}"),
        RoomEventKind::RoleSet { user_name, role, .. } => format!("made {user_name} {role:?}"),
        RoomEventKind::Archived => "archived".to_owned(),
        RoomEventKind::Unarchived => "unarchived".to_owned(),
        RoomEventKind::Revised { .. } | RoomEventKind::Withdrawn { .. } | RoomEventKind::EditWithdrawn { .. } => {
            panic!("a row, and no event of a log")
        }
    }
}
