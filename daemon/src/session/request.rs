//! What request handlers get, and what becomes of a request.

use std::net::IpAddr;
use std::sync::Arc;

use quorate_core::{DeviceId, LogIndex, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, Body, Called};
use quorate_transport::CloseCode;

use super::open::NotOpened;
use super::reply::{self, bad_request, not_logged_in};
use super::serve::Pending;
use super::services::Services;

/// What request handlers work with.
pub(super) struct Asker<'a> {
    pub(super) services: &'a Arc<Services>,
    pub(super) device: DeviceId,
    pub(super) source: IpAddr,
    pub(super) seen: LogIndex,
}

/// What became of a frame.
pub(super) enum Handled {
    /// It is answered.
    Now(Frame),
    /// The answer comes later.
    Later(Pending),
    /// The same, and until then the session's device may come to speak for somebody else, or nobody.
    Changing(Pending),
    /// It asks for no answer.
    Quiet,
    /// The session ends.
    Close(NotOpened),
}

/// The call and the body, or what to do about a frame that does not parse.
pub(super) fn parse<T>(frame: &Frame, seen: LogIndex) -> Result<Called<T>, Handled>
where
    Called<T>: Body,
{
    client::parse(frame).map_err(|error| match call_of(frame) {
        Some(call) => Handled::Now(reply::reply(call, Err(bad_request(frame, &error)), seen)),
        None => Handled::Close((CloseCode::Protocol, "the request does not parse")),
    })
}

/// The call that a request that does not parse, or is of an unknown kind, wants an answer to.
pub(super) fn call_of(frame: &Frame) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Call {
        call: u64,
    }
    rmp_serde::from_slice::<Call>(&frame.body).ok().map(|call| call.call)
}

impl Asker<'_> {
    /// Whom the asker speaks for. Who never logged in is told so here, and puts nothing into the log.
    pub(super) fn user(&self, call: u64) -> Result<UserId, Handled> {
        let user = self.services.account(&self.device);
        user.ok_or_else(|| self.refuse(call, not_logged_in()))
    }

    /// The failure, told at once.
    pub(super) fn refuse(&self, call: u64, failure: client::Failure) -> Handled {
        Handled::Now(reply::reply(call, Err(failure), self.seen))
    }

    /// Too many in too short a time.
    pub(super) fn rate_limited(&self, call: u64) -> Handled {
        self.refuse(call, self.services.rate_limited())
    }
}
