//! Steps that are the same for ever.

use quorate_core::{
    Action, ArchiveRoom, BanUser, CreateInvite, DeleteRoom, EditMessage, InviteUser, JoinRoom, KickUser, LeaveRoom,
    MarkRead, MuteUser, Operation, PostMessage, Quota, React, RedactMessage, Retention, Role, RoomRef, Seq, SetQuota,
    SetRetention, SetRole, SetTopic, Span, TransferRoom, UnbanUser, UnmuteUser,
};

use super::action::create;
use super::step::Step;
use super::{Log, Writing, invite, name, operation, room, valid};

/// Three users meet in one room, and two of them have another one.
pub(super) fn beginning() -> Vec<Step> {
    let person = |at| {
        [
            Step::Register {
                user: at,
                device: at as u8,
                attempt: 0,
                invite: None,
            },
            Step::Grant { device: at as u8 },
        ]
    };
    let mut steps: Vec<Step> = (0..3).flat_map(person).collect();
    steps.push(Step::submit(0, create(0, false)));
    steps.push(Step::submit(1, create(2, true)));
    steps.extend((1..3).map(|at| Step::submit(at, Action::JoinRoom(JoinRoom { room: room(0) }))));
    steps
}

/// The beginning, and something of everything.
pub(crate) fn fixed() -> Log {
    let mut writing = Writing::new();
    for step in beginning() {
        writing.write(&step, 1);
    }
    let steps = accounts().into_iter().chain(messages()).chain(rooms()).chain(ends());
    let by_operators = operation::each().into_iter().map(Step::Operate);
    for step in steps.chain(by_operators) {
        writing.write(&step, 60_001);
    }
    writing.log
}

fn accounts() -> Vec<Step> {
    vec![
        Step::Operate(Operation::CreateInvite(CreateInvite {
            key: invite(1),
            lasts: Span(10_000_000),
            uses: 2,
        })),
        Step::Register {
            user: 3,
            device: 3,
            attempt: 1,
            invite: Some(1),
        },
        Step::Grant { device: 3 },
        Step::ChangePassword {
            device: 3,
            right: true,
            other: true,
        },
        Step::Bind {
            user: 3,
            device: 4,
            right: true,
        },
        Step::CreateBot {
            device: 3,
            bot: 4,
            attempt: 0,
        },
        Step::SetBotPassword { device: 3, bot: 4 },
        Step::RevokeInvite { at: 0 },
        Step::Operate(Operation::SetQuota(SetQuota {
            user: Some(name(3)),
            quota: Some(Quota {
                text_bytes_max: Some(1000),
                rooms_max: Some(1),
            }),
        })),
    ]
}

/// What is done here is done to fourth and eighth lines, which steps leave where they are said to be.
fn messages() -> Vec<Step> {
    let place = || RoomRef::Name(room(0));
    let post = |place, id: &str, calls_room| {
        let (id, body) = (valid(id), valid("Grüße\nλ"));
        // A direct room that begins has no line to answer.
        let reply_to = matches!(place, RoomRef::Name(_)).then_some(Seq(1));
        Action::PostMessage(PostMessage {
            room: place,
            id,
            body,
            reply_to,
            mentions: vec![name(1), name(2)],
            calls_room,
        })
    };
    let react = |remove| {
        let (room, emoji) = (place(), valid("👍"));
        Action::React(React {
            room,
            seq: Seq(4),
            emoji,
            remove,
        })
    };
    let (room, body) = (place(), valid("another"));
    vec![
        Step::submit(0, post(place(), "a", true)),
        Step::submit(1, post(place(), "b", false)),
        Step::submit(2, post(RoomRef::Direct(name(0)), "c", false)),
        Step::submit(
            0,
            Action::EditMessage(EditMessage {
                room,
                seq: Seq(4),
                body,
            }),
        ),
        Step::submit(1, react(false)),
        Step::submit(1, post(place(), "d", false)),
        Step::submit(2, react(false)),
        Step::submit(2, react(true)),
        Step::submit(
            0,
            Action::RedactMessage(RedactMessage {
                room: place(),
                seq: Seq(8),
                reason: Some(valid("spam")),
            }),
        ),
        Step::submit(
            2,
            Action::MarkRead(MarkRead {
                room: place(),
                upto: Seq(4),
            }),
        ),
    ]
}

fn rooms() -> Vec<Step> {
    let (ops, bob, carol) = (|| room(0), || name(1), || name(2));
    let lasts = Some(Span(30_000));
    let reason = || Some(valid("noise"));
    let by_alice = [
        Action::SetTopic(SetTopic {
            room: ops(),
            topic: valid("t"),
        }),
        Action::SetRole(SetRole {
            room: ops(),
            user: bob(),
            role: Role::Moderator,
        }),
        Action::MuteUser(MuteUser {
            room: ops(),
            user: carol(),
            lasts,
            reason: reason(),
        }),
        Action::UnmuteUser(UnmuteUser {
            room: ops(),
            user: carol(),
        }),
        Action::BanUser(BanUser {
            room: ops(),
            user: carol(),
            lasts,
            reason: reason(),
        }),
        Action::UnbanUser(UnbanUser {
            room: ops(),
            user: carol(),
        }),
        Action::InviteUser(InviteUser {
            room: ops(),
            user: carol(),
        }),
        Action::KickUser(KickUser {
            room: ops(),
            user: bob(),
            reason: reason(),
        }),
        Action::BanUser(BanUser {
            room: ops(),
            user: bob(),
            lasts,
            reason: None,
        }),
    ];
    let mut steps: Vec<_> = by_alice.into_iter().map(|action| Step::submit(0, action)).collect();
    steps.push(Step::submit(2, Action::JoinRoom(JoinRoom { room: ops() })));
    let give = Action::TransferRoom(TransferRoom {
        room: ops(),
        user: carol(),
    });
    steps.push(Step::submit(0, give));
    let retention = Retention {
        age_max: Some(Span(60_000)),
        messages_max: Some(1),
    };
    let by_carol = [
        Action::SetRetention(SetRetention { room: ops(), retention }),
        Action::ArchiveRoom(ArchiveRoom {
            room: ops(),
            archived: true,
        }),
        Action::ArchiveRoom(ArchiveRoom {
            room: ops(),
            archived: false,
        }),
    ];
    steps.extend(by_carol.into_iter().map(|action| Step::submit(2, action)));
    steps.extend([Step::Chore { at: 0 }, Step::Chore { at: 0 }]);
    steps
}

fn ends() -> Vec<Step> {
    let retention = Retention {
        age_max: None,
        messages_max: Some(100),
    };
    vec![
        Step::submit(0, Action::LeaveRoom(LeaveRoom { room: room(0) })),
        Step::submit(2, Action::DeleteRoom(DeleteRoom { room: room(0) })),
        Step::Chore { at: 0 },
        Step::Operate(Operation::SetServerRetention(retention)),
        Step::DeleteBot {
            device: 3,
            bot: 4,
            purge: false,
        },
        Step::DeleteUser {
            device: 2,
            right: true,
            purge: true,
        },
        Step::Chore { at: 0 },
        Step::Unbind { device: 1, target: 1 },
    ]
}
