//! What operators and nodes ask.

use quorate_core::{
    Actor, AddBan, ArchiveRoom, AuditTarget, AuditWord, BanId, BanName, BanSubject, Command, CreateInvite,
    CreateRoomFor, CreateUser, DeleteRoom, InviteId, Lockdown, Operate, Operation, Operator, PurgeUser, Quota,
    RevokeDevices, RevokeInvite, ServerRole, SetQuota, SetServerRole, SetUserPassword, Span, Sweep, Topic,
    TransferRoom, UserName,
};

use crate::line::Line;

use super::word::{device, invite_key, number, password, retention, secret, valid};
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
            ["operator", ref asked @ ..] => self
                .about_people(asked, line)
                .or_else(|| self.about_rooms(asked, line))
                .or_else(|| node::operation(&self.state, words, line).map(Operation::Roster))?,
            _ => Operation::Roster(node::operation(&self.state, words, line)?),
        };
        let by = Operator { uid: 1000 };
        let actor = line.options.get("as").map_or_else(Actor::default, |name| valid(name));
        Some(self.tell(Command::Operate(Operate { by, operation, actor })))
    }

    fn about_people(&self, words: &[&str], line: &Line) -> Option<Operation> {
        Some(match *words {
            ["creates", "user", name] => {
                let name: UserName = valid(name);
                Operation::CreateUser(CreateUser {
                    likeness: name.likeness(),
                    name,
                    password: password(line),
                    role: line
                        .options
                        .get("role")
                        .map_or(ServerRole::User, |role| server_role(role)),
                    attempt: u128::from(line.number("attempt").unwrap_or_default()),
                })
            }
            ["gives", user, "password", word] => Operation::SetUserPassword(SetUserPassword {
                user: valid(user),
                password: secret(word),
            }),
            ["disables", user] => Operation::DisableUser(valid(user)),
            ["enables", user] => Operation::EnableUser(valid(user)),
            ["deletes", user] => Operation::DeleteUser(PurgeUser {
                user: valid(user),
                purge_messages: line.says("purge"),
            }),
            ["makes", user, role @ ("user" | "moderator" | "admin")] => Operation::SetServerRole(SetServerRole {
                user: valid(user),
                role: server_role(role),
            }),
            ["logs", "out", user] => Operation::RevokeDevices(RevokeDevices {
                user: valid(user),
                device: line.options.get("device").map(|name| device(name)),
            }),
            ["bans", subject] => Operation::AddBan(AddBan {
                subject: ban_name(subject),
                lasts: line.number("ms").map(Span),
                reason: line.options.get("reason").map(|reason| valid(reason)),
            }),
            ["lifts", "ban", "of", subject] => Operation::LiftBan(self.server_ban(subject)),
            ["locks", "down", mode] => Operation::SetLockdown(lockdown(mode)),
            ["notes", action, target] => Operation::Note {
                action: AuditWord::parse(action).expect("a word"),
                target: AuditTarget::parse(target).expect("a target"),
            },
            _ => return None,
        })
    }

    fn about_rooms(&self, words: &[&str], line: &Line) -> Option<Operation> {
        Some(match *words {
            ["creates", "room", room, "for", owner] => Operation::CreateRoom(CreateRoomFor {
                owner: valid(owner),
                name: valid(room),
                private: line.says("private"),
                topic: Topic::default(),
            }),
            ["archives", room] => Operation::ArchiveRoom(ArchiveRoom {
                room: valid(room),
                archived: true,
            }),
            ["unarchives", room] => Operation::ArchiveRoom(ArchiveRoom {
                room: valid(room),
                archived: false,
            }),
            ["deletes", "room", room] => Operation::DeleteRoom(DeleteRoom { room: valid(room) }),
            ["gives", "room", room, "to", user] => Operation::SetRoomOwner(TransferRoom {
                room: valid(room),
                user: valid(user),
            }),
            _ => return None,
        })
    }

    fn server_ban(&self, subject: &str) -> BanId {
        let subject = match ban_name(subject) {
            BanName::User(name) => BanSubject::User(self.id(name.as_str())),
            BanName::Network(network) => BanSubject::Network(network),
        };
        let found = self.state.server_bans().find(|(_, ban)| ban.subject == subject);
        found.map_or(BanId(0), |(id, _)| id)
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

fn server_role(word: &str) -> ServerRole {
    ServerRole::named(word).expect("a role")
}

fn lockdown(word: &str) -> Lockdown {
    Lockdown::named(word).expect("a lockdown")
}

fn ban_name(word: &str) -> BanName {
    word.parse()
        .map_or_else(|_| BanName::User(valid(word)), BanName::Network)
}
