//! Requests that only read the state: rooms, members, accounts, unread counts.

use std::time::Duration;

use futures_util::FutureExt;
use quorate_core::{DeviceId, LogIndex, RoomId, State, UserId, UserName};
use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, Account, Answer, Body, BodyError, Called, Failure, ListMembers, ListRooms, ListUnread, MemberRow, Page,
    RoomRow, ShowRoom, UnreadRow, WhoAmI, kind,
};
use quorate_transport::CloseCode;
use tokio::time::Instant;

use super::account::not_logged_in;
use super::reply::{self, bad_request, by_core, unavailable};
use super::serve::{Asker, Finished, Handled, call_of};

/// Rows in a page at the most; with the longest names and topics still under a frame's limit.
const PAGE_ROWS_MAX: usize = 100;
/// How long a read may wait until this node is where the session was.
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// Answers at once where this node is where the session was, else as soon as it is.
pub(super) fn answer(asker: &Asker<'_>, frame: Frame) -> Handled {
    let Some(call) = call_of(&frame) else {
        return Handled::Close((CloseCode::Protocol, "the request does not parse"));
    };
    let (reader, device, seen) = (asker.services.reader.clone(), asker.device, asker.seen);
    if reader.applied() >= seen {
        return Handled::Now(reader.with_state(|state| read(state, device, call, &frame)));
    }
    let wait = async move {
        let frame = match reader.wait_applied(seen, Instant::now() + READ_DEADLINE).await {
            Ok(()) => reader.with_state(|state| read(state, device, call, &frame)),
            Err(_) => reply::reply(call, Err(unavailable("node-behind")), reader.applied()),
        };
        Finished::Reply { frame, seen: None }
    };
    Handled::Later(wait.boxed())
}

fn read(state: &State, device: DeviceId, call: u64, frame: &Frame) -> Frame {
    let seen = state.hash().index;
    let result = state
        .device(&device)
        .map(|device| device.user)
        .ok_or_else(not_logged_in)
        .and_then(|user| match frame.kind {
            kind::LIST_ROOMS => body(frame).map(|ask| rooms(state, user, &ask)),
            kind::SHOW_ROOM => body(frame).and_then(|ask| room(state, user, &ask)),
            kind::LIST_MEMBERS => body(frame).and_then(|ask| members(state, user, &ask)),
            kind::LIST_UNREAD => body(frame).map(|ask| unread(state, user, &ask)),
            _ => body::<WhoAmI>(frame).and_then(|_| account(state, user, device)),
        });
    reply::reply(call, result, LogIndex(seen.0))
}

fn body<T>(frame: &Frame) -> Result<T, Failure>
where
    Called<T>: Body,
{
    client::parse::<Called<T>>(frame)
        .map(|called| called.body)
        .map_err(|error: BodyError| bad_request(&error))
}

fn row(state: &State, viewer: UserId, id: RoomId) -> Option<RoomRow> {
    let room = state.room(id)?;
    let role = state.member(id, viewer).map(|member| member.role);
    Some(RoomRow {
        name: room.name.clone(),
        topic: room.topic.clone(),
        private: room.private,
        members: room.members,
        last: room.last_seq,
        role,
    })
}

fn rooms(state: &State, user: UserId, ask: &ListRooms) -> Answer {
    let after = ask.after.as_ref();
    let mut rows: Vec<_> = if ask.all {
        let public_or_mine = state
            .rooms_after(after)
            .filter(|(id, room)| !room.private || state.member(*id, user).is_some())
            .filter_map(|(id, _)| row(state, user, id));
        public_or_mine.take(PAGE_ROWS_MAX + 1).collect()
    } else {
        let mine = state.rooms_of(user).filter_map(|id| row(state, user, id));
        sorted(
            mine.filter(|row| after.is_none_or(|after| row.name > *after)).collect(),
            |row| &row.name,
        )
    };
    let more = rows.len() > PAGE_ROWS_MAX;
    rows.truncate(PAGE_ROWS_MAX);
    Answer::Rooms(Page { rows, more })
}

fn room(state: &State, user: UserId, ask: &ShowRoom) -> Result<Answer, Failure> {
    let id = state
        .visible_room(user, &ask.room)
        .map_err(|refusal| by_core(&refusal))?;
    Ok(Answer::Rooms(Page {
        rows: row(state, user, id).into_iter().collect(),
        more: false,
    }))
}

fn members(state: &State, user: UserId, ask: &ListMembers) -> Result<Answer, Failure> {
    let id = state
        .visible_room(user, &ask.room)
        .map_err(|refusal| by_core(&refusal))?;
    let all = state.members(id).filter_map(|(user, member)| {
        let name: &UserName = &state.user(user)?.name;
        Some(MemberRow {
            user: name.clone(),
            role: member.role,
        })
    });
    let after = ask.after.as_ref();
    let mut rows = sorted(
        all.filter(|row| after.is_none_or(|after| row.user > *after)).collect(),
        |row| &row.user,
    );
    let more = rows.len() > PAGE_ROWS_MAX;
    rows.truncate(PAGE_ROWS_MAX);
    Ok(Answer::Members(Page { rows, more }))
}

fn unread(state: &State, user: UserId, ask: &ListUnread) -> Answer {
    let after = ask.after.as_ref();
    let all = state.rooms_of(user).filter_map(|id| {
        let (room, member) = (state.room(id)?, state.member(id, user)?);
        let unread = state.unread(id, user)?;
        Some(UnreadRow {
            room: room.name.clone(),
            unread,
            read: member.read,
            last: room.last_seq,
        })
    });
    let mut rows = sorted(
        all.filter(|row| after.is_none_or(|after| row.room > *after)).collect(),
        |row| &row.room,
    );
    let more = rows.len() > PAGE_ROWS_MAX;
    rows.truncate(PAGE_ROWS_MAX);
    Answer::Unread(Page { rows, more })
}

fn account(state: &State, user: UserId, device: DeviceId) -> Result<Answer, Failure> {
    let record = state.user(user).ok_or_else(not_logged_in)?;
    Ok(Answer::Account(Account {
        user: record.name.clone(),
        registered_at: record.registered_at,
        device,
    }))
}

fn sorted<R, K: Ord>(mut rows: Vec<R>, key: impl Fn(&R) -> &K) -> Vec<R> {
    rows.sort_by(|one, other| key(one).cmp(key(other)));
    rows
}
