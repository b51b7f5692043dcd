//! Requests that only read the state: rooms, members, accounts, unread counts.

mod account;
mod export;
mod member;
mod page;
mod room;

pub use export::{ExportError, Exports, Pages};

use std::time::Duration;

use futures_util::FutureExt;
use quorate_core::{DeviceId, State, Timestamp, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, Answer, Body, BodyError, Called, Failure, ListBots, ListDevices, WhoAmI, kind};
use quorate_transport::CloseCode;
use tokio::time::Instant;

use super::reply::{self, bad_request, not_logged_in, unavailable};
use super::request::{Asker, Handled, call_of};
use super::serve::Finished;
use super::services::Services;
use crate::presence::Board;
use crate::relay;

/// How long a read may wait until this node is where the session was.
const READ_DEADLINE: Duration = Duration::from_secs(5);

/// What a list is read from, and for whom.
pub(super) struct Look<'a> {
    state: &'a State,
    board: &'a Board,
    user: UserId,
    device: DeviceId,
    /// Log time, or this node's where that is further on: log time stands still while nobody writes.
    now: Timestamp,
}

/// Answers at once where this node is where the session was and the user has not asked for too much
/// of late; else as soon as both is so.
pub(super) fn answer(asker: &Asker<'_>, frame: Frame) -> Handled {
    let Some(call) = call_of(&frame) else {
        return Handled::Close((CloseCode::Protocol, "the request does not parse"));
    };
    let (device, seen) = (asker.device, asker.seen);
    let user = asker.services.account(&device);
    let is_turn = user.is_none_or(|user| asker.services.limits.may_read(user));
    if is_turn && asker.services.reader.applied() >= seen {
        return Handled::Now(read(asker.services, device, call, &frame));
    }
    let services = asker.services.clone();
    let wait = async move {
        let reader = &services.reader;
        if let Some(user) = user.filter(|_| !is_turn)
            && !services.limits.may_read_soon(user).await
        {
            let frame = reply::reply(call, Err(services.rate_limited()), reader.applied());
            return Finished::Reply { frame, seen: None };
        }
        let frame = match reader.wait_applied(seen, Instant::now() + READ_DEADLINE).await {
            Ok(()) => read(&services, device, call, &frame),
            Err(_) => reply::reply(call, Err(unavailable("node-behind")), reader.applied()),
        };
        Finished::Reply { frame, seen: None }
    };
    Handled::Later(wait.boxed())
}

fn read(services: &Services, device: DeviceId, call: u64, frame: &Frame) -> Frame {
    let (result, seen) = services.reader.with_state(|state| {
        let user = state.device(&device).map(|device| device.user);
        let result = user.ok_or_else(not_logged_in).and_then(|user| {
            let look = Look {
                state,
                board: &services.board,
                user,
                device,
                now: state.now().max(relay::now()),
            };
            look.answer(frame)
        });
        (result, state.hash().index)
    });
    reply::reply(call, result, seen)
}

impl Look<'_> {
    fn answer(&self, frame: &Frame) -> Result<Answer, Failure> {
        match frame.kind {
            kind::LIST_ROOMS => room::rooms(self, &body(frame)?),
            kind::SHOW_ROOM => room::room(self, &body(frame)?),
            kind::LIST_UNREAD => room::unread(self, &body(frame)?),
            kind::LIST_MEMBERS => member::members(self, &body(frame)?),
            kind::LIST_BANS => member::bans(self, &body(frame)?),
            kind::LIST_ACCOUNTS => account::accounts(self, &body(frame)?),
            kind::LIST_DEVICES => body::<ListDevices>(frame).map(|_| account::devices(self)),
            kind::LIST_BOTS => body::<ListBots>(frame).map(|_| account::bots(self)),
            _ => body::<WhoAmI>(frame).and_then(|_| account::own(self)),
        }
    }
}

fn body<T>(frame: &Frame) -> Result<T, Failure>
where
    Called<T>: Body,
{
    client::parse::<Called<T>>(frame)
        .map(|called| called.body)
        .map_err(|error: BodyError| bad_request(frame, &error))
}

#[cfg(test)]
impl<'a> Look<'a> {
    /// What this user of a scene sees.
    fn of(scene: &'a super::scene::Scene, board: &'a Board, name: &str) -> Self {
        Self {
            state: &scene.state,
            board,
            user: scene.id(name),
            device: scene.device(name),
            now: scene.state.now(),
        }
    }
}
