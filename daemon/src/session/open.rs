//! Hello and welcome: the session begins when this node has all that the client has seen.

use std::sync::atomic::Ordering;
use std::time::Duration;

use quorate_core::{DeviceId, LogIndex};
use quorate_protocol::client::{self, Hello, MINOR, Welcome, kind};
use quorate_protocol::{FRAME_MAX_BEFORE_LOGIN_BYTES, FRAME_MAX_CLIENT_BYTES, FrameError};
use quorate_transport::{CloseCode, Connection, FrameReceiver, FrameSender, RecvError};
use tokio::time::{Instant, timeout_at};

use super::services::{Cluster, Services, Speaks};
use crate::relay;

/// How long a client may take for its first frame, and this node to be where the client was.
const OPEN_DEADLINE: Duration = Duration::from_secs(5);

/// How long this node may be behind what a client has seen before the leader is asked: followers lag by milliseconds.
const SEEN_PATIENCE: Duration = Duration::from_millis(500);

/// An open session's ends.
pub(super) struct Opened {
    pub(super) sender: FrameSender,
    pub(super) receiver: FrameReceiver,
    pub(super) seen: LogIndex,
    /// Whom the device speaks for, as the client was told.
    pub(super) speaks: Option<Speaks>,
    /// The nodes, and who leads, as the client was told.
    pub(super) cluster: Cluster,
}

/// Why a connection did not become a session: what it is closed with.
pub(super) type NotOpened = (CloseCode, &'static str);

pub(super) async fn open(connection: &Connection, device: &DeviceId, services: &Services) -> Result<Opened, NotOpened> {
    let deadline = Instant::now() + OPEN_DEADLINE;
    let late = |_| (CloseCode::IdleUnauth, "no hello in time");
    let gone = |_| (CloseCode::Protocol, "no control stream");
    let (mut sender, mut receiver) = timeout_at(deadline, connection.accept())
        .await
        .map_err(late)?
        .map_err(gone)?;
    receiver.set_limit(FRAME_MAX_BEFORE_LOGIN_BYTES);
    let first = match timeout_at(deadline, receiver.recv()).await.map_err(late)? {
        Ok(Some(frame)) => frame,
        Ok(None) => return Err((CloseCode::Protocol, "no hello")),
        Err(error) => return Err(close_of(&error)),
    };
    if first.kind != kind::HELLO {
        return Err((CloseCode::Protocol, "the first frame is not a hello"));
    }
    let hello: Hello = client::parse(&first).map_err(|_| (CloseCode::Protocol, "the hello does not parse"))?;
    if hello.minor == 0 {
        return Err((CloseCode::Version, "no common minor version"));
    }
    let is_ours = hello.cluster.is_none_or(|cluster| cluster == services.cluster_id);
    let seen = if is_ours { hello.seen } else { LogIndex(0) };
    let is_here = has_what_was_seen(services, seen, deadline).await;
    if seen > LogIndex(0) {
        let counters = &services.counters;
        let resumed = if is_here {
            &counters.resumed
        } else {
            &counters.not_resumed
        };
        resumed.fetch_add(1, Ordering::Relaxed);
    }
    if !is_here {
        return Err((CloseCode::Overloaded, "this node is behind what the client has seen"));
    }
    if let Some(closed) = services.at_the_door(device, connection.remote_addr().ip()) {
        return Err(closed);
    }
    let speaks = services.speaks(device);
    let name = |speaks: &Speaks| {
        services
            .reader
            .with_state(|state| Some(state.user(speaks.user)?.name.clone()))
    };
    let user = speaks.as_ref().and_then(name);
    if user.is_some() {
        receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
    }
    let seen = services.reader.applied();
    let cluster = services.cluster.borrow().clone();
    let welcome = Welcome {
        minor: hello.minor.min(MINOR),
        cluster: services.cluster_id.clone(),
        node: services.node,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        now: relay::now(),
        user,
        leader: cluster.leader,
        nodes: cluster.nodes.to_vec(),
        seen,
        ca: services.ca.0(),
    };
    let sent = timeout_at(deadline, sender.send(&client::frame(&welcome)))
        .await
        .map_err(late)?;
    sent.map_err(|_| (CloseCode::Protocol, "the control stream is gone"))?;
    tracing::debug!(source = %connection.remote_addr(), %device, program = ?hello.program, "session open");
    Ok(Opened {
        sender,
        receiver,
        seen,
        speaks,
        cluster,
    })
}

/// Waits until this node has applied what a client has seen.
///
/// Whatever was applied anywhere is committed, so a leader that has just shown that it leads knows of it. When it does not,
/// the client has seen it in another history: that of a cluster from before a restore, or what was lost when a majority
/// was. It would wait in vain then, and is served what there is.
async fn has_what_was_seen(services: &Services, seen: LogIndex, deadline: Instant) -> bool {
    let patience = deadline.min(Instant::now() + SEEN_PATIENCE);
    if services.reader.wait_applied(seen, patience).await.is_ok() {
        return true;
    }
    let there = match services.relay.read_index(deadline).await {
        Ok(committed) if committed < seen => {
            tracing::warn!(%seen, %committed, "a client has seen a history that is not this cluster's any more");
            committed
        }
        Ok(_) | Err(_) => seen,
    };
    services.reader.wait_applied(there, deadline).await.is_ok()
}

/// What a stream that cannot be read on is closed with.
pub(super) fn close_of(error: &RecvError) -> NotOpened {
    match error {
        RecvError::Frame(FrameError::TooLarge { .. }) => (CloseCode::FrameTooLarge, "the frame is too large"),
        _ => (CloseCode::Protocol, "the stream cannot be read"),
    }
}
