//! What becomes of messages that are there: another text, none, emojis.

use crate::{
    Bound, Done, EDITS_PER_MESSAGE_MAX, EditMessage, REACTIONS_PER_MESSAGE_MAX, REACTIONS_PER_USER_MAX, React,
    RedactMessage, Refusal, Role, RoomEventKind, RoomId, Seq, State, UserId, Withdrawn,
};

use super::super::lines::Message;
use super::line::Draft;
use super::message::room_for_text;
use super::room::{may_write, user};
use super::{Decision, room_for_one_more};

pub(super) fn edit(state: &State, author: UserId, action: &EditMessage) -> Decision {
    let room = state.readable_room(author, &action.room)?;
    may_write(state, room, author)?;
    let message = with_text(state, room, action.seq)?;
    if message.author != author {
        return Err(Refusal::NotAllowed);
    }
    let edits = state.edits(room, action.seq).len();
    room_for_one_more(edits, EDITS_PER_MESSAGE_MAX, Bound::Edits)?;
    // All that the message ever said is kept with it, so a shorter text takes room as well.
    room_for_text(state, author, action.body.as_str().len() as u64)?;
    let kind = RoomEventKind::Edited {
        target: action.seq,
        digest: message.digest,
        body: action.body.clone(),
    };
    written(state, room, author, kind)
}

/// Neither silence nor an archived room keeps anybody from taking a text away.
pub(super) fn redact(state: &State, author: UserId, action: &RedactMessage) -> Decision {
    let room = match state.readable_room(author, &action.room) {
        Err(Refusal::NotAMember) => {
            let room = state.visible_room(author, &action.room)?;
            moderates(state, room, author)
                .then_some(room)
                .ok_or(Refusal::NotAMember)?
        }
        found => found?,
    };
    let message = at(state, room, action.seq)?;
    if message.author != author && !moderates(state, room, author) {
        return Err(Refusal::NotAllowed);
    }
    if message.redacted {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let kind = RoomEventKind::Redacted {
        target: withdrawn(state, room, action.seq, &message),
        reason: action.reason.clone(),
    };
    written(state, room, author, kind)
}

pub(super) fn react(state: &State, author: UserId, action: &React) -> Decision {
    let room = state.readable_room(author, &action.room)?;
    may_write(state, room, author)?;
    with_text(state, room, action.seq)?;
    let digest = action.emoji.digest();
    let is_there = state.reactions.contains_key(&(room, action.seq, author, digest));
    // Taking one away that is not there, or putting it there again.
    if is_there != action.remove {
        return Ok((Done::Unchanged, Vec::new()));
    }
    let (target, emoji) = (action.seq, action.emoji.clone());
    if action.remove {
        return written(state, room, author, RoomEventKind::Unreacted { target, emoji });
    }
    let of = |user: &UserId| state.reactions(room, target).filter(|(by, _)| by == user).count();
    room_for_one_more(of(&author), REACTIONS_PER_USER_MAX, Bound::Reactions)?;
    let all = state.reactions(room, target).count();
    room_for_one_more(all, REACTIONS_PER_MESSAGE_MAX, Bound::Reactions)?;
    written(state, room, author, RoomEventKind::Reacted { target, emoji })
}

/// The message with all that goes with its text.
pub(super) fn withdrawn(state: &State, room: RoomId, seq: Seq, message: &Message) -> Withdrawn {
    Withdrawn {
        room,
        seq,
        author: message.author,
        digest: message.digest,
        edits: state.edits(room, seq).to_vec(),
    }
}

fn written(state: &State, room: RoomId, author: UserId, kind: RoomEventKind) -> Decision {
    let mut draft = Draft::new(state, room);
    let seq = draft.line(author, &user(state, author)?.name, kind);
    Ok((Done::Written { seq }, draft.into_events()))
}

/// The message at a seq of the lines that are kept.
fn at(state: &State, room: RoomId, seq: Seq) -> Result<Message, Refusal> {
    let found = state.rooms.get(&room).ok_or(Refusal::UnknownRoom)?;
    if seq < found.room.first_seq || seq > found.room.last_seq {
        return Err(Refusal::UnknownSeq);
    }
    found.lines.message(seq).ok_or(Refusal::NotAMessage)
}

fn with_text(state: &State, room: RoomId, seq: Seq) -> Result<Message, Refusal> {
    match at(state, room, seq)? {
        message if message.redacted => Err(Refusal::Redacted),
        message => Ok(message),
    }
}

/// In a direct room nobody is above the other.
fn moderates(state: &State, room: RoomId, user: UserId) -> bool {
    let is_direct = state.room(room).is_some_and(|room| room.name.is_direct());
    let role = state.role_in(room, user);
    !is_direct && matches!(role, Some(Role::Owner | Role::Moderator))
}
