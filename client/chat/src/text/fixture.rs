//! Events for tests: in `ops`, the seventh, by alice, at the beginning of 2026-11-22.

use quorate_client::{Event, RoomEventKind, RoomName, Seq, Timestamp, UserName};
use quorate_core::{Body, Emoji, MessageId, Reason, Role, RoomId, Topic, UserId, Withdrawn};

const BOB: UserId = UserId(2);
const A_DAY_ON: Timestamp = Timestamp(1_795_392_000_000);

pub(crate) fn event(kind: RoomEventKind) -> Event {
    Event {
        room: RoomName::parse("ops").unwrap(),
        seq: Seq(7),
        author: UserName::parse("alice").unwrap(),
        at: Timestamp(1_795_305_600_000),
        kind,
    }
}

fn bob() -> UserName {
    UserName::parse("bob").unwrap()
}

fn id() -> MessageId {
    MessageId::parse("k").unwrap()
}

fn spam() -> Option<Reason> {
    Some(Reason::parse("spam").unwrap())
}

pub(crate) fn message(body: &str, reply_to: Option<u64>) -> RoomEventKind {
    RoomEventKind::Message {
        id: id(),
        body: Body::parse(body).unwrap(),
        reply_to: reply_to.map(Seq),
    }
}

pub(crate) fn revised(body: &str) -> RoomEventKind {
    RoomEventKind::Revised {
        id: id(),
        body: Body::parse(body).unwrap(),
        reply_to: None,
        edit: Seq(9),
    }
}

pub(crate) fn withdrawn() -> RoomEventKind {
    RoomEventKind::Withdrawn { id: id() }
}

pub(crate) fn edited(target: u64, body: &str) -> RoomEventKind {
    RoomEventKind::Edited {
        target: Seq(target),
        digest: id().digest(),
        body: Body::parse(body).unwrap(),
    }
}

pub(crate) fn edit_withdrawn(target: u64) -> RoomEventKind {
    RoomEventKind::EditWithdrawn { target: Seq(target) }
}

pub(crate) fn redacted(target: u64, reason: Option<&str>) -> RoomEventKind {
    RoomEventKind::Redacted {
        target: Withdrawn {
            room: RoomId(1),
            seq: Seq(target),
            author: UserId(1),
            digest: id().digest(),
            edits: Vec::new(),
        },
        reason: reason.map(|reason| Reason::parse(reason).unwrap()),
    }
}

pub(crate) fn reacted(target: u64, emoji: &str) -> RoomEventKind {
    RoomEventKind::Reacted {
        target: Seq(target),
        emoji: Emoji::parse(emoji).unwrap(),
    }
}

pub(crate) fn unreacted(target: u64, emoji: &str) -> RoomEventKind {
    RoomEventKind::Unreacted {
        target: Seq(target),
        emoji: Emoji::parse(emoji).unwrap(),
    }
}

pub(crate) fn topic(topic: &str) -> RoomEventKind {
    RoomEventKind::TopicSet {
        topic: Topic::parse(topic).unwrap(),
    }
}

pub(crate) fn invited() -> RoomEventKind {
    RoomEventKind::Invited {
        user: BOB,
        user_name: bob(),
    }
}

pub(crate) fn kicked() -> RoomEventKind {
    RoomEventKind::Kicked {
        user: BOB,
        user_name: bob(),
        reason: spam(),
    }
}

pub(crate) fn banned(for_a_day: bool) -> RoomEventKind {
    RoomEventKind::Banned {
        user: BOB,
        user_name: bob(),
        until: for_a_day.then_some(A_DAY_ON),
        reason: spam(),
    }
}

pub(crate) fn unbanned() -> RoomEventKind {
    RoomEventKind::Unbanned {
        user: BOB,
        user_name: bob(),
    }
}

pub(crate) fn muted() -> RoomEventKind {
    RoomEventKind::Muted {
        user: BOB,
        user_name: bob(),
        until: Some(A_DAY_ON),
        reason: None,
    }
}

pub(crate) fn unmuted() -> RoomEventKind {
    RoomEventKind::Unmuted {
        user: BOB,
        user_name: bob(),
    }
}

pub(crate) fn role_set() -> RoomEventKind {
    RoomEventKind::RoleSet {
        user: BOB,
        user_name: bob(),
        role: Role::ReadOnly,
    }
}
