//! Messages, to a room or to a user, and how far they were read.

use crate::{
    Done, LogIndex, MarkRead, PostMessage, Refusal, RoomEventKind, RoomId, RoomName, RoomRef, Seq, State, StateEvent,
    Topic, UserId, UserName,
};

use super::super::table::MessageKey;
use super::Decision;
use super::line::Draft;
use super::room::{room_for_one_membership, room_for_one_room, user};

pub(super) fn post(state: &State, index: LogIndex, author: UserId, action: &PostMessage) -> Decision {
    // Before anything else: the room may have been left since, and the message is in it all the same.
    if let Some(posted) = posted_before(state, author, action) {
        return Ok((posted, Vec::new()));
    }
    match (&action.room, state.readable_room(author, &action.room)) {
        (_, Ok(room)) => {
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
    let placed = *state.messages.get(&MessageKey::new(author, action.id.digest()))?;
    let name = state.room(placed.room)?.name.clone();
    Some(Done::Posted {
        room: placed.room,
        name,
        seq: placed.seq,
        at: placed.at,
        id: action.id.clone(),
    })
}

/// The first message between two users makes their room. Writing to oneself makes a room of one.
fn begin(state: &State, index: LogIndex, author: UserId, other: &UserName, action: &PostMessage) -> Decision {
    let (other, other_user) = state.user_by_name(other).ok_or(Refusal::UnknownUser)?;
    let author_name = &user(state, author)?.name;
    room_for_one_room(state)?;
    room_for_one_membership(state, author)?;
    room_for_one_membership(state, other)?;
    let (room, name) = (RoomId(index.0), RoomName::direct(author_name, &other_user.name));
    let mut draft = Draft::new(state, room);
    draft.fact(StateEvent::RoomCreated {
        room,
        name: name.clone(),
        private: true,
        topic: Topic::default(),
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
    let last = state.room(room).map_or(Seq(0), |room| room.last_seq);
    if action.reply_to.is_some_and(|seq| seq == Seq(0) || seq > last) {
        return Err(Refusal::UnknownSeq);
    }
    let kind = RoomEventKind::Message {
        id: action.id.clone(),
        body: action.body.clone(),
        reply_to: action.reply_to,
    };
    let seq = draft.line(author, &user(state, author)?.name, kind);
    let posted = Done::Posted {
        room,
        name,
        seq,
        at: state.now(),
        id: action.id.clone(),
    };
    Ok((posted, draft.into_events()))
}
