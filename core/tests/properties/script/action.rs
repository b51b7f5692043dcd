//! What users ask through their writers.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::{collection, option, prop_oneof};
use quorate_core::{
    Action, ArchiveRoom, BanUser, CreateRoom, DeleteRoom, EditMessage, Emoji, InviteUser, JoinRoom, KickUser,
    LeaveRoom, MarkRead, MuteUser, PostMessage, React, Reason, RedactMessage, Role, RoomName, RoomRef, Seq,
    SetRetention, SetRole, SetTopic, Span, TransferRoom, UnbanUser, UnmuteUser, UserName,
};

use super::step::retentions;
use super::{ROOMS, USERS, name, room, valid};

pub(super) fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        10 => rooms(),
        10 => moderation(),
        14 => posts(),
        10 => messages(),
        4 => (places(), 0..25_u64).prop_map(|(room, upto)| Action::MarkRead(MarkRead { room, upto: Seq(upto) })),
    ]
}

pub(super) fn create(at: usize, private: bool) -> Action {
    Action::CreateRoom(CreateRoom {
        name: room(at),
        private,
        topic: valid(""),
    })
}

fn rooms() -> BoxedStrategy<Action> {
    prop_oneof![
        1 => named().prop_map(|name| Action::CreateRoom(CreateRoom { name, private: false, topic: valid("") })),
        6 => (0..ROOMS.len(), any::<bool>()).prop_map(|(at, private)| create(at, private)),
        14 => named().prop_map(|room| Action::JoinRoom(JoinRoom { room })),
        2 => named().prop_map(|room| Action::LeaveRoom(LeaveRoom { room })),
        2 => named().prop_map(|room| Action::SetTopic(SetTopic { room, topic: valid("t") })),
        7 => (named(), users()).prop_map(|(room, user)| Action::InviteUser(InviteUser { room, user })),
        3 => (named(), any::<bool>()).prop_map(|(room, archived)| Action::ArchiveRoom(ArchiveRoom { room, archived })),
        1 => named().prop_map(|room| Action::DeleteRoom(DeleteRoom { room })),
        2 => (named(), retentions()).prop_map(|(room, retention)| Action::SetRetention(SetRetention {
            room,
            retention,
        })),
    ]
    .boxed()
}

fn moderation() -> BoxedStrategy<Action> {
    let lasts = || option::of((0..100_000_u64).prop_map(Span));
    let role = prop_oneof![
        Just(Role::Member),
        Just(Role::Owner),
        Just(Role::Moderator),
        Just(Role::ReadOnly)
    ];
    prop_oneof![
        1 => (named(), users(), reasons())
            .prop_map(|(room, user, reason)| Action::KickUser(KickUser { room, user, reason })),
        4 => (named(), users(), lasts(), reasons())
            .prop_map(|(room, user, lasts, reason)| Action::BanUser(BanUser { room, user, lasts, reason })),
        5 => (named(), users()).prop_map(|(room, user)| Action::UnbanUser(UnbanUser { room, user })),
        1 => (named(), users(), lasts(), reasons())
            .prop_map(|(room, user, lasts, reason)| Action::MuteUser(MuteUser { room, user, lasts, reason })),
        3 => (named(), users()).prop_map(|(room, user)| Action::UnmuteUser(UnmuteUser { room, user })),
        3 => (named(), users(), role).prop_map(|(room, user, role)| Action::SetRole(SetRole { room, user, role })),
        1 => (named(), users()).prop_map(|(room, user)| Action::TransferRoom(TransferRoom { room, user })),
    ]
    .boxed()
}

fn posts() -> BoxedStrategy<Action> {
    let replies = option::weighted(PROBABLY_NOT, (0..12_u64).prop_map(Seq));
    let called = prop_oneof![4 => Just(false), 1 => Just(true)];
    let named = prop_oneof![2 => Just(Vec::new()), 1 => collection::vec(users(), 1..4)];
    (places(), 0..200_u8, replies, named, called)
        .prop_map(|(room, id, reply_to, mentions, calls_room)| {
            Action::PostMessage(PostMessage {
                room,
                id: valid(&format!("m{id}")),
                body: valid(&format!("body of {id}")),
                reply_to,
                mentions,
                calls_room,
            })
        })
        .boxed()
}

fn messages() -> BoxedStrategy<Action> {
    let texts = || prop_oneof![Just("short"), Just("a text that is longer")];
    prop_oneof![
        3 => (places(), seqs(), texts())
            .prop_map(|(room, seq, text)| Action::EditMessage(EditMessage { room, seq, body: valid(text) })),
        2 => (places(), seqs(), reasons())
            .prop_map(|(room, seq, reason)| Action::RedactMessage(RedactMessage { room, seq, reason })),
        3 => (places(), seqs(), emojis(), any::<bool>())
            .prop_map(|(room, seq, emoji, remove)| Action::React(React { room, seq, emoji, remove })),
    ]
    .boxed()
}

/// proptest's own type for a probability.
#[allow(clippy::disallowed_types, reason = "of the test's dice; the core sees none of it")]
const PROBABLY_NOT: f64 = 0.2;

fn seqs() -> impl Strategy<Value = Seq> {
    (0..30_u64).prop_map(Seq)
}

fn emojis() -> impl Strategy<Value = Emoji> {
    prop_oneof![Just("👍"), Just("🎉"), Just("+1")].prop_map(valid)
}

fn reasons() -> impl Strategy<Value = Option<Reason>> {
    option::of(Just("spam").prop_map(valid))
}

fn users() -> impl Strategy<Value = UserName> {
    prop_oneof![2 => 0..3_usize, 1 => 0..USERS.len()].prop_map(name)
}

/// The first room more often than the others, so that there much comes together.
fn named() -> BoxedStrategy<RoomName> {
    let direct = (users(), users()).prop_map(|(one, other)| RoomName::direct(&one, &other));
    prop_oneof![14 => Just(0).prop_map(room), 5 => (0..ROOMS.len()).prop_map(room), 1 => direct].boxed()
}

fn places() -> BoxedStrategy<RoomRef> {
    prop_oneof![5 => named().prop_map(RoomRef::Name), 1 => users().prop_map(RoomRef::Direct)].boxed()
}
