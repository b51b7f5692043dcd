//! What people do in rooms, through a writer.

use quorate_core::{
    Action, ArchiveRoom, BanUser, Body, CreateRoom, DeleteRoom, EditMessage, InviteUser, JoinRoom, KickUser, LeaveRoom,
    MarkRead, MuteUser, PostMessage, React, RedactMessage, Role, Seq, SetRetention, SetRole, SetTopic, Span,
    TransferRoom, UnbanUser, UnmuteUser,
};

use crate::line::Line;

use super::word::{number, retention, room_ref, valid};

pub(super) fn of(words: &[&str], line: &Line) -> Option<Action> {
    in_a_room(words, line)
        .or_else(|| to_somebody(words, line))
        .or_else(|| to_a_message(words, line))
}

fn in_a_room(words: &[&str], line: &Line) -> Option<Action> {
    let archive = |room, archived| {
        Action::ArchiveRoom(ArchiveRoom {
            room: valid(room),
            archived,
        })
    };
    Some(match *words {
        ["creates", name] => create(name, false),
        ["creates", "private", name] => create(name, true),
        ["joins", room] => Action::JoinRoom(JoinRoom { room: valid(room) }),
        ["leaves", room] => Action::LeaveRoom(LeaveRoom { room: valid(room) }),
        ["archives", room] => archive(room, true),
        ["unarchives", room] => archive(room, false),
        ["deletes", room] => Action::DeleteRoom(DeleteRoom { room: valid(room) }),
        ["sets", "the", "topic", "of", room, "to", topic] => Action::SetTopic(SetTopic {
            room: valid(room),
            topic: valid(topic),
        }),
        ["sets", "the", "retention", "of", room] => Action::SetRetention(SetRetention {
            room: valid(room),
            retention: retention(line),
        }),
        _ => return None,
    })
}

fn to_somebody(words: &[&str], line: &Line) -> Option<Action> {
    let reason = line.options.get("reason").map(|reason| valid(reason));
    let lasts = line.number("ms").map(Span);
    Some(match *words {
        ["invites", user, "to", room] => Action::InviteUser(InviteUser {
            room: valid(room),
            user: valid(user),
        }),
        ["kicks", user, "from", room] => Action::KickUser(KickUser {
            room: valid(room),
            user: valid(user),
            reason,
        }),
        ["bans", user, "from", room] => Action::BanUser(BanUser {
            room: valid(room),
            user: valid(user),
            lasts,
            reason,
        }),
        ["unbans", user, "from", room] => Action::UnbanUser(UnbanUser {
            room: valid(room),
            user: valid(user),
        }),
        ["mutes", user, "in", room] => Action::MuteUser(MuteUser {
            room: valid(room),
            user: valid(user),
            lasts,
            reason,
        }),
        ["unmutes", user, "in", room] => Action::UnmuteUser(UnmuteUser {
            room: valid(room),
            user: valid(user),
        }),
        ["makes", user, role, "of", room] => Action::SetRole(SetRole {
            room: valid(room),
            user: valid(user),
            role: role_of(role),
        }),
        ["gives", room, "to", user] => Action::TransferRoom(TransferRoom {
            room: valid(room),
            user: valid(user),
        }),
        _ => return None,
    })
}

fn to_a_message(words: &[&str], line: &Line) -> Option<Action> {
    let react = |emoji, seq, room, remove| {
        Action::React(React {
            room: room_ref(room),
            seq: Seq(number(seq)),
            emoji: valid(emoji),
            remove,
        })
    };
    Some(match *words {
        ["posts", text, "to", room] => {
            let body: Body = valid(text);
            let (mentions, calls_room) = body.mentions();
            Action::PostMessage(PostMessage {
                room: room_ref(room),
                id: valid(line.options.get("id").map_or(text, String::as_str)),
                body,
                reply_to: line.number("reply").map(Seq),
                mentions,
                calls_room,
            })
        }
        ["edits", seq, "in", room, "to", text] => Action::EditMessage(EditMessage {
            room: room_ref(room),
            seq: Seq(number(seq)),
            body: valid(text),
        }),
        ["redacts", seq, "in", room] => Action::RedactMessage(RedactMessage {
            room: room_ref(room),
            seq: Seq(number(seq)),
            reason: line.options.get("reason").map(|reason| valid(reason)),
        }),
        ["puts", emoji, "to", seq, "in", room] => react(emoji, seq, room, false),
        ["takes", emoji, "from", seq, "in", room] => react(emoji, seq, room, true),
        ["reads", room, "up", "to", seq] => Action::MarkRead(MarkRead {
            room: room_ref(room),
            upto: Seq(number(seq)),
        }),
        _ => return None,
    })
}

fn create(name: &str, private: bool) -> Action {
    Action::CreateRoom(CreateRoom {
        name: valid(name),
        private,
        topic: valid(""),
    })
}

fn role_of(word: &str) -> Role {
    match word {
        "owner" => Role::Owner,
        "moderator" => Role::Moderator,
        "member" => Role::Member,
        "reader" => Role::ReadOnly,
        _ => panic!("a role is owner, moderator, member or reader"),
    }
}
