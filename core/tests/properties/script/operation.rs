//! What operators ask about users, rooms and who may come in.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::{option, prop_oneof};
use quorate_core::{
    AddBan, ArchiveRoom, AuditTarget, AuditWord, BanId, BanName, CreateRoomFor, CreateUser, DeleteRoom, Lockdown,
    Operation, PurgeUser, RevokeDevices, ServerRole, SetServerRole, SetUserPassword, Span, Topic, TransferRoom,
};

use super::{ROOMS, USERS, name, room, valid};

/// Any of them, with many collisions.
pub(super) fn about_people_and_rooms() -> impl Strategy<Value = Operation> {
    prop_oneof![about_people(), about_rooms(), about_the_door()]
}

fn about_people() -> BoxedStrategy<Operation> {
    let user = || (0..USERS.len()).prop_map(name);
    let role = || {
        prop_oneof![
            Just(ServerRole::User),
            Just(ServerRole::Moderator),
            Just(ServerRole::Admin)
        ]
    };
    prop_oneof![
        (user(), role(), 0..3_u128).prop_map(|(name, role, attempt)| {
            Operation::CreateUser(CreateUser {
                likeness: name.likeness(),
                name,
                password: valid("made"),
                role,
                attempt,
            })
        }),
        user().prop_map(|user| {
            let password = valid("given");
            Operation::SetUserPassword(SetUserPassword { user, password })
        }),
        user().prop_map(Operation::DisableUser),
        user().prop_map(Operation::EnableUser),
        (user(), any::<bool>())
            .prop_map(|(user, purge_messages)| { Operation::DeleteUser(PurgeUser { user, purge_messages }) }),
        (user(), role()).prop_map(|(user, role)| Operation::SetServerRole(SetServerRole { user, role })),
        user().prop_map(|user| Operation::RevokeDevices(RevokeDevices { user, device: None })),
    ]
    .boxed()
}

fn about_rooms() -> BoxedStrategy<Operation> {
    let user = || (0..USERS.len()).prop_map(name);
    let room = || (0..ROOMS.len()).prop_map(room);
    prop_oneof![
        (user(), room(), any::<bool>()).prop_map(|(owner, name, private)| {
            Operation::CreateRoom(CreateRoomFor {
                owner,
                name,
                private,
                topic: Topic::default(),
            })
        }),
        (room(), any::<bool>()).prop_map(|(room, archived)| Operation::ArchiveRoom(ArchiveRoom { room, archived })),
        room().prop_map(|room| Operation::DeleteRoom(DeleteRoom { room })),
        (room(), user()).prop_map(|(room, user)| Operation::SetRoomOwner(TransferRoom { room, user })),
    ]
    .boxed()
}

fn about_the_door() -> BoxedStrategy<Operation> {
    let user = (0..USERS.len()).prop_map(|at| BanName::User(name(at)));
    let network = prop_oneof![Just("192.0.2.0/24"), Just("2001:db8::/32")];
    let network = network.prop_map(|text| BanName::Network(text.parse().expect("a network")));
    let mode = prop_oneof![
        4 => Just(Lockdown::Off),
        1 => Just(Lockdown::NoRegister),
        1 => Just(Lockdown::AuthOnly),
        1 => Just(Lockdown::ReadOnly),
    ];
    prop_oneof![
        (prop_oneof![user, network], option::of(0..100_000_u64)).prop_map(|(subject, lasts)| {
            Operation::AddBan(AddBan {
                subject,
                lasts: lasts.map(Span),
                reason: None,
            })
        }),
        (0..200_u64).prop_map(|ban| Operation::LiftBan(BanId(ban))),
        mode.prop_map(Operation::SetLockdown),
        Just(Operation::Note {
            action: AuditWord::parse("leader.transfer").expect("a word"),
            target: AuditTarget::parse("n3").expect("a target"),
        }),
    ]
    .boxed()
}

/// Each of them once, each done: what comes after them finds all as it was, but for what they wrote.
pub(super) fn each() -> Vec<Operation> {
    let (user, ops) = (|| valid("grace"), || valid("grace-room"));
    let ban = |subject, lasts| {
        let reason = Some(valid("noise"));
        Operation::AddBan(AddBan { subject, lasts, reason })
    };
    let network = "192.0.2.0/24".parse().expect("a network");
    vec![
        Operation::CreateUser(CreateUser {
            name: user(),
            likeness: name(0).likeness(),
            password: valid("made"),
            role: ServerRole::Moderator,
            attempt: 1,
        }),
        Operation::SetServerRole(SetServerRole {
            user: user(),
            role: ServerRole::Admin,
        }),
        Operation::CreateRoom(CreateRoomFor {
            owner: user(),
            name: ops(),
            private: false,
            topic: valid("t"),
        }),
        Operation::ArchiveRoom(ArchiveRoom {
            room: ops(),
            archived: true,
        }),
        Operation::SetRoomOwner(TransferRoom {
            room: ops(),
            user: name(0),
        }),
        Operation::DeleteRoom(DeleteRoom { room: ops() }),
        Operation::SetUserPassword(SetUserPassword {
            user: user(),
            password: valid("given"),
        }),
        Operation::RevokeDevices(RevokeDevices {
            user: user(),
            device: None,
        }),
        Operation::DisableUser(user()),
        Operation::EnableUser(user()),
        ban(BanName::User(user()), None),
        ban(BanName::Network(network), Some(Span(1000))),
        ban(BanName::Network(network), None),
        Operation::SetLockdown(Lockdown::ReadOnly),
        Operation::SetLockdown(Lockdown::Off),
        Operation::Note {
            action: AuditWord::parse("leader.transfer").expect("a word"),
            target: AuditTarget::parse("n3").expect("a target"),
        },
        Operation::DeleteUser(PurgeUser {
            user: user(),
            purge_messages: true,
        }),
    ]
}
