//! What is tried, before it is known what ids there are.

use proptest::prelude::{BoxedStrategy, Just, Strategy, any};
use proptest::{option, prop_oneof};
use quorate_core::{Action, CreateInvite, Operation, Quota, Retention, SetQuota, Span};

use super::action::actions;
use super::operation::about_people_and_rooms;
use super::{DEVICES, ROOMS, USERS, invite, name, room, roster};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Register {
        user: usize,
        device: u8,
        attempt: u8,
        invite: Option<u8>,
    },
    Bind {
        user: usize,
        device: u8,
        right: bool,
    },
    Unbind {
        device: u8,
        target: u8,
    },
    Grant {
        device: u8,
    },
    ChangePassword {
        device: u8,
        right: bool,
        other: bool,
    },
    DeleteUser {
        device: u8,
        right: bool,
        purge: bool,
    },
    CreateBot {
        device: u8,
        bot: usize,
        attempt: u8,
    },
    SetBotPassword {
        device: u8,
        bot: usize,
    },
    DeleteBot {
        device: u8,
        bot: usize,
        purge: bool,
    },
    /// One of the sweeps that the state itself asks for.
    Chore {
        at: usize,
    },
    SweepRoom {
        at: usize,
    },
    SweepUser {
        user: usize,
    },
    RevokeInvite {
        at: usize,
    },
    Operate(Operation),
    Submit {
        writer: usize,
        device: Option<u8>,
        number: Number,
        action: Action,
    },
}

#[derive(Clone, Debug)]
pub(super) enum Number {
    Next,
    Back(u64),
    Ahead(u64),
}

impl Step {
    /// The writer's next request.
    pub(super) const fn submit(writer: usize, action: Action) -> Self {
        Self::Submit {
            writer,
            device: None,
            number: Number::Next,
            action,
        }
    }
}

pub(super) fn steps() -> impl Strategy<Value = Step> {
    let number = prop_oneof![
        12 => Just(Number::Next),
        2 => (0..70_u64).prop_map(Number::Back),
        1 => (1..4_u64).prop_map(Number::Ahead),
    ];
    let borrowed = prop_oneof![12 => Just(None), 1 => devices().prop_map(Some)];
    prop_oneof![
        8 => accounts(),
        3 => any::<usize>().prop_map(|at| Step::Chore { at }),
        1 => any::<usize>().prop_map(|at| Step::SweepRoom { at }),
        1 => users().prop_map(|user| Step::SweepUser { user }),
        1 => any::<usize>().prop_map(|at| Step::RevokeInvite { at }),
        2 => operations().prop_map(Step::Operate),
        5 => roster::operations().prop_map(|operation| Step::Operate(Operation::Roster(operation))),
        60 => (any::<usize>(), borrowed, number, actions())
            .prop_map(|(writer, device, number, action)| Step::Submit { writer, device, number, action }),
    ]
}

/// Milliseconds that pass before an entry: mostly few, at times backwards, at times weeks.
pub(super) fn clocks() -> impl Strategy<Value = i64> {
    prop_oneof![
        120 => 0..1000_i64,
        18 => -5000..0_i64,
        6 => 10_000..100_000_i64,
        1 => (10..40_i64).prop_map(|days| days * DAY_MS),
    ]
}

pub(super) fn retentions() -> BoxedStrategy<Retention> {
    let age = option::of(prop_oneof![1 => Just(Span(1)), 5 => (60_000..70_000_u64).prop_map(Span)]);
    (age, option::of(0..12_u64))
        .prop_map(|(age_max, messages_max)| Retention { age_max, messages_max })
        .boxed()
}

fn accounts() -> BoxedStrategy<Step> {
    let flag = any::<bool>;
    let invite = prop_oneof![3 => Just(None), 1 => (0..3_u8).prop_map(Some)];
    prop_oneof![
        6 => (users(), devices(), 0..2_u8, invite)
            .prop_map(|(user, device, attempt, invite)| Step::Register { user, device, attempt, invite }),
        8 => (users(), devices(), flag()).prop_map(|(user, device, right)| Step::Bind { user, device, right }),
        2 => (devices(), devices()).prop_map(|(device, target)| Step::Unbind { device, target }),
        8 => devices().prop_map(|device| Step::Grant { device }),
        1 => (devices(), flag(), flag())
            .prop_map(|(device, right, other)| Step::ChangePassword { device, right, other }),
        1 => (devices(), flag(), flag()).prop_map(|(device, right, purge)| Step::DeleteUser { device, right, purge }),
        2 => (devices(), users(), 0..2_u8)
            .prop_map(|(device, bot, attempt)| Step::CreateBot { device, bot, attempt }),
        1 => (devices(), users()).prop_map(|(device, bot)| Step::SetBotPassword { device, bot }),
        1 => (devices(), users(), flag()).prop_map(|(device, bot, purge)| Step::DeleteBot { device, bot, purge }),
    ]
    .boxed()
}

fn operations() -> BoxedStrategy<Operation> {
    let quota = || {
        let (bytes, rooms) = (option::of(20..300_u64), option::of(0..3_u32));
        (bytes, rooms).prop_map(|(text_bytes_max, rooms_max)| Quota {
            text_bytes_max,
            rooms_max,
        })
    };
    prop_oneof![
        6 => about_people_and_rooms(),
        3 => (0..3_u8, 0..100_000_u64, 0..4_u32).prop_map(|(key, lasts, uses)| Operation::CreateInvite(CreateInvite {
            key: invite(key),
            lasts: Span(lasts),
            uses,
        })),
        1 => retentions().prop_map(Operation::SetServerRetention),
        1 => (0..ROOMS.len(), retentions())
            .prop_map(|(at, retention)| Operation::SetRoomRetention { room: room(at), retention }),
        1 => (option::of(users()), option::of(quota()))
            .prop_map(|(user, quota)| Operation::SetQuota(SetQuota { user: user.map(name), quota })),
    ]
    .boxed()
}

fn users() -> impl Strategy<Value = usize> {
    0..USERS.len()
}

fn devices() -> impl Strategy<Value = u8> {
    0..DEVICES
}
