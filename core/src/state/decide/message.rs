//! Messages, to a room or to a user, and how far they were read.

use std::collections::BTreeSet;

use crate::{
    Done, EventNo, LogIndex, MENTIONS_PER_MESSAGE_MAX, MarkRead, PostMessage, Refusal, RoomEventKind, RoomId, RoomName,
    RoomRef, Seq, State, StateEvent, Topic, User, UserId, UserName,
};

use super::super::limits::{CALLS_PER_ROOM_MAX, MENTIONS_PER_USER_MAX};
use super::Decision;
use super::line::Draft;
use super::room::{may_write, room_for_one_direct, room_for_one_room, user};

pub(super) fn post(state: &State, index: LogIndex, author: UserId, action: &PostMessage) -> Decision {
    // Before anything else: the room may have been left since, and the message is in it all the same.
    if let Some(posted) = posted_before(state, author, action) {
        return Ok((posted, Vec::new()));
    }
    match (&action.room, state.readable_room(author, &action.room)) {
        (_, Ok(room)) => {
            may_write(state, room, author)?;
            let name = state.room(room).ok_or(Refusal::UnknownRoom)?.name.clone();
            write(state, Draft::new(state, room), room, name, author, action)
        }
        (RoomRef::Direct(other), Err(Refusal::UnknownRoom)) => begin(state, index, author, other, action),
        (_, Err(refusal)) => Err(refusal),
    }
}

pub(super) fn mark_read(state: &State, author: UserId, action: &MarkRead) -> Decision {
    let id = state.readable_room(author, &action.room)?;
    let room = state.room(id).ok_or(Refusal::UnknownRoom)?;
    let member = state.member(id, author).ok_or(Refusal::NotAMember)?;
    if action.upto > room.last_seq {
        return Err(Refusal::UnknownSeq);
    }
    if action.upto <= member.read {
        return Ok((Done::Marked { upto: member.read }, Vec::new()));
    }
    let mut draft = Draft::new(state, id);
    draft.fact(StateEvent::ReadMarked {
        room: id,
        user: author,
        upto: action.upto,
    });
    Ok((Done::Marked { upto: action.upto }, draft.into_events()))
}

fn posted_before(state: &State, author: UserId, action: &PostMessage) -> Option<Done> {
    let (room, seq, message) = state.message_of(author, action.id.digest())?;
    let name = state.room(room)?.name.clone();
    let at = message.at;
    Some(Done::Posted { room, name, seq, at })
}

/// The first message between two users makes their room. Writing to oneself makes a room of one.
fn begin(state: &State, index: LogIndex, author: UserId, other: &UserName, action: &PostMessage) -> Decision {
    let (other, other_user) = state.user_by_name(other).ok_or(Refusal::UnknownUser)?;
    let author_name = &user(state, author)?.name;
    room_for_one_room(state)?;
    room_for_one_direct(state, author)?;
    room_for_one_direct(state, other)?;
    let (room, name) = (RoomId(index.0), RoomName::direct(author_name, &other_user.name));
    let mut draft = Draft::new(state, room);
    draft.fact(StateEvent::RoomCreated {
        room,
        name: name.clone(),
        private: true,
        topic: Topic::default(),
        founder: author,
    });
    draft.line(author, author_name, RoomEventKind::Joined);
    if other != author {
        draft.line(other, &other_user.name, RoomEventKind::Joined);
    }
    write(state, draft, room, name, author, action)
}

/// The message, after what the draft holds already.
fn write(
    state: &State,
    mut draft: Draft,
    room: RoomId,
    name: RoomName,
    author: UserId,
    action: &PostMessage,
) -> Decision {
    // A line that this very entry makes cannot have been read, let alone answered.
    let found = state.room(room);
    let kept = found.map_or(Seq(1)..=Seq(0), |room| room.first_seq..=room.last_seq);
    if action.reply_to.is_some_and(|seq| !kept.contains(&seq)) {
        return Err(Refusal::UnknownSeq);
    }
    room_for_text(state, author, action.body.as_str().len() as u64)?;
    let kind = RoomEventKind::Message {
        id: action.id.clone(),
        body: action.body.clone(),
        reply_to: action.reply_to,
    };
    let no = draft.next();
    let seq = draft.line(author, &user(state, author)?.name, kind);
    for event in mentions(state, room, &name, author, action, (seq, no)) {
        draft.fact(event);
    }
    let posted = Done::Posted {
        room,
        name,
        seq,
        at: state.now(),
    };
    Ok((posted, draft.into_events()))
}

/// So many more bytes of an author's texts.
pub(super) fn room_for_text(state: &State, author: UserId, bytes: u64) -> Result<(), Refusal> {
    match state.quota(author).text_bytes_max {
        Some(max) if state.text_bytes(author).saturating_add(bytes) > max => Err(Refusal::QuotaExceeded { max }),
        _ => Ok(()),
    }
}

/// Where a user was mentioned, to be forgotten with the account.
pub(super) fn mentions_dropped(state: &State, user: UserId) -> Option<StateEvent> {
    let mentions = state.mentioned.get(&user)?.values().copied().collect();
    Some(StateEvent::MentionsDropped { user, mentions })
}

/// Who of the room is named in a message, and whether all of it is called.
fn mentions(
    state: &State,
    room: RoomId,
    name: &RoomName,
    author: UserId,
    action: &PostMessage,
    (seq, no): (Seq, EventNo),
) -> Vec<StateEvent> {
    // The two of a direct room may become its members by this very entry.
    let is_inside = |id: UserId, user: &User| match name.parties() {
        Some((one, other)) => user.name.as_str() == one || user.name.as_str() == other,
        None => state.member(room, id).is_some(),
    };
    let named = action.mentions.iter().take(MENTIONS_PER_MESSAGE_MAX);
    let named: BTreeSet<UserId> = named
        .filter_map(|name| state.user_by_name(name))
        .filter(|(id, user)| *id != author && is_inside(*id, user))
        .map(|(id, _)| id)
        .collect();
    let mut events: Vec<_> = named
        .into_iter()
        .map(|user| {
            let full = state
                .mentioned
                .get(&user)
                .filter(|all| all.len() >= MENTIONS_PER_USER_MAX);
            let dropped = full.and_then(|all| all.first_key_value()).map(|(_, place)| *place);
            StateEvent::Mentioned {
                user,
                room,
                seq,
                no,
                dropped,
            }
        })
        .collect();
    if action.calls_room && !name.is_direct() {
        let mut calls = state.calls.range((room, Seq(0))..=(room, Seq(u64::MAX)));
        let over = calls.clone().count() >= CALLS_PER_ROOM_MAX;
        let dropped = over.then(|| calls.next()).flatten().map(|((_, seq), _)| *seq);
        events.push(StateEvent::RoomCalled {
            room,
            seq,
            no,
            author,
            dropped,
        });
    }
    events
}
