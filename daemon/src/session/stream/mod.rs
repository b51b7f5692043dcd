//! Streams of their own: one request each, answered in parts as fast as they are read, and an end.
//! Histories, searches, mentions, exports, revisions.

mod found;
mod history;
mod mention;
mod own;
mod revision;
mod search;

use std::sync::Arc;
use std::time::Duration;

use quorate_core::{DeviceId, LogIndex, UserId};
use quorate_protocol::client::{self, Body, Failure, FoundEnd, HistoryEnd, kind};
use quorate_protocol::{FRAME_MAX_BEFORE_LOGIN_BYTES, Frame};
use quorate_transport::{FrameReceiver, FrameSender};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::reply::{not_logged_in, refused, unavailable};
use super::services::Services;

/// How long a client may take to say what it wants, and to read each part.
const STREAM_DEADLINE: Duration = Duration::from_secs(10);
/// How long a read may wait until this node is where the client was, or where the leader is.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of events in one part, about; one event may be larger.
const PART_BYTES: usize = 48 * 1024;

/// Where the answer goes.
struct Out(FrameSender);

/// The client is gone, or does not read: it gets no end, the stream is reset when dropped.
struct Gone;

/// What a stream's request came to.
type Answered<T> = Result<Result<T, Failure>, Gone>;

/// Who asks.
struct Caller {
    services: Arc<Services>,
    device: DeviceId,
}

/// Serves one stream. The place is held for as long as it takes.
pub(super) async fn serve(
    sender: FrameSender,
    mut receiver: FrameReceiver,
    services: Arc<Services>,
    device: DeviceId,
    _place: OwnedSemaphorePermit,
) {
    receiver.set_limit(FRAME_MAX_BEFORE_LOGIN_BYTES);
    let Ok(Ok(Some(frame))) = timeout(STREAM_DEADLINE, receiver.recv()).await else {
        return;
    };
    let (mut out, caller) = (Out(sender), Caller { services, device });
    if answer(&mut out, &caller, &frame).await.is_ok() {
        let _ = out.0.finish();
    }
}

async fn answer(out: &mut Out, caller: &Caller, frame: &Frame) -> Result<(), Gone> {
    let kind = frame.kind;
    if let Err(failure) = caller.take_turn().await {
        let seen = caller.services.reader.applied();
        return match kind {
            kind::SEARCH | kind::MENTIONS | kind::OWN_MESSAGES | kind::REVISIONS => {
                let result = Err(failure);
                out.send(&FoundEnd { result, seen }).await
            }
            _ => {
                let result = Err(failure);
                out.send(&HistoryEnd { result, seen }).await
            }
        };
    }
    let found = match kind {
        kind::SEARCH => match parse(frame) {
            Ok(ask) => search::answer(out, caller, &ask).await?,
            Err(failure) => Err(failure),
        },
        kind::MENTIONS => match parse(frame) {
            Ok(ask) => mention::answer(out, caller, &ask).await?,
            Err(failure) => Err(failure),
        },
        kind::OWN_MESSAGES => match parse(frame) {
            Ok(ask) => own::answer(out, caller, &ask).await?,
            Err(failure) => Err(failure),
        },
        kind::REVISIONS => match parse(frame) {
            Ok(ask) => revision::answer(out, caller, &ask).await?,
            Err(failure) => Err(failure),
        },
        kind::HISTORY => {
            let result = match parse(frame) {
                Ok(ask) => history::answer(out, caller, &ask).await?,
                Err(failure) => Err(failure),
            };
            let seen = caller.services.reader.applied();
            return out.send(&HistoryEnd { result, seen }).await;
        }
        other => {
            let failure = refused(
                "unknown-kind",
                format_args!("kind {other:#06x} is not known on a stream"),
            );
            let seen = caller.services.reader.applied();
            let result = Err(failure);
            return out.send(&HistoryEnd { result, seen }).await;
        }
    };
    let seen = caller.services.reader.applied();
    out.send(&FoundEnd { result: found, seen }).await
}

fn parse<B: Body>(frame: &Frame) -> Result<B, Failure> {
    client::parse(frame).map_err(|error| refused("bad-request", error.source))
}

impl Out {
    async fn send(&mut self, body: &impl Body) -> Result<(), Gone> {
        let sent = timeout(STREAM_DEADLINE, self.0.send(&client::frame(body))).await;
        sent.map_err(|_| Gone)?.map_err(|_| Gone)
    }
}

impl Caller {
    /// Takes the token that a stream costs. Who is nobody yet pays nothing, and is given nothing.
    async fn take_turn(&self) -> Result<(), Failure> {
        let services = &self.services;
        match services.account(&self.device) {
            Some(user) if !services.limits.may_read_soon(user).await => Err(services.rate_limited()),
            _ => Ok(()),
        }
    }

    /// Waits until this node has what the caller has seen, and tells who the caller is.
    async fn catch_up(&self, seen: LogIndex, deadline: Instant) -> Result<UserId, Failure> {
        let caught_up = self.services.reader.wait_applied(seen, deadline).await;
        caught_up.map_err(|_| unavailable("node-behind"))?;
        self.services.account(&self.device).ok_or_else(not_logged_in)
    }
}
