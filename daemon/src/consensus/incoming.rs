//! Raft's requests on their way in. Each stream is a task of its own, so that a heartbeat never waits behind the decoding of
//! entries.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use quorate_core::NodeId;
use quorate_protocol::Frame;
use quorate_transport::{FrameReceiver, FrameSender, ResetCode, SendError};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout};

use super::heard::Heard;
use super::stay::Stay;
use super::types::Vote;
use super::wire::{self, Declined, WireError, kind};
use super::{Raft, snapshot_receive};
use crate::peer::StreamHandler;
use crate::store::SnapshotDir;

/// How long a stream may be open before its first frame, and an answer may wait to be taken.
const STREAM_DEADLINE: Duration = Duration::from_secs(5);
/// Snapshots that are received at once: that of a leader, and that of the one before whose stream has not ended yet.
const SNAPSHOTS_MAX: usize = 2;

/// Takes the Raft streams of all peers.
pub(crate) struct Incoming {
    pub(super) raft: Raft,
    /// This node is enrolled, and its log has begun if it is to begin here.
    pub(super) running: Arc<AtomicBool>,
    pub(super) stay: Arc<Stay>,
    pub(super) heard: Arc<Heard>,
    pub(super) snapshot_dir: SnapshotDir,
    /// See [`Incoming::snapshots`].
    pub(super) snapshots: Arc<Semaphore>,
}

/// Why a stream was given up.
#[derive(Debug, thiserror::Error)]
enum StreamFault {
    #[error(transparent)]
    Declined(#[from] Declined),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("the answer was not taken")]
    Send(#[from] SendError),
    #[error(transparent)]
    Snapshot(#[from] snapshot_receive::ReceiveError),
    #[error("the peer did not go on in time")]
    Deadline,
}

impl Incoming {
    /// The places for snapshots on their way in.
    pub(super) fn snapshots() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(SNAPSHOTS_MAX))
    }
}

impl StreamHandler for Arc<Incoming> {
    fn stream(&self, peer: NodeId, mut send: FrameSender, mut recv: FrameReceiver) -> BoxFuture<'static, ()> {
        let incoming = Arc::clone(self);
        async move {
            let Ok(Ok(Some(first))) = timeout(STREAM_DEADLINE, recv.recv()).await else {
                return;
            };
            let Err(fault) = incoming.answer(peer, &first, &mut send, recv).await else {
                return;
            };
            tracing::debug!(%peer, error = &fault as &dyn std::error::Error, "a Raft stream was given up");
            let why = match fault {
                StreamFault::Declined(why) => why,
                StreamFault::Wire(_) => Declined::UNREADABLE,
                StreamFault::Send(_) | StreamFault::Deadline | StreamFault::Snapshot(_) => {
                    return send.reset(ResetCode::Cancelled);
                }
            };
            let _ = reply(&mut send, &wire::declined(why)).await;
        }
        .boxed()
    }

    fn peer_dialled(&self, peer: NodeId) {
        let raft = self.raft.clone();
        tokio::spawn(async move {
            // It fails only when Raft has stopped.
            let _ = raft.trigger().reset_backoff([peer]).await;
        });
    }
}

impl Incoming {
    async fn answer(
        self: &Arc<Self>,
        peer: NodeId,
        first: &Frame,
        send: &mut FrameSender,
        mut recv: FrameReceiver,
    ) -> Result<(), StreamFault> {
        if !self.running.load(Ordering::Acquire) {
            return Err(Declined::NotEnrolled.into());
        }
        let answer = match first.kind {
            kind::APPEND => return self.appends(peer, first, send, recv).await,
            kind::VOTE => {
                let request = wire::vote_request_in(first)?;
                sent_by(peer, &request.vote)?;
                wire::vote_reply(&self.raft.vote(request).await.map_err(|_| Declined::Stopped)?)
            }
            kind::PRE_VOTE => {
                let request = wire::vote_request_in(first)?;
                sent_by(peer, &request.vote)?;
                wire::vote_reply(&self.raft.pre_vote(request).await.map_err(|_| Declined::Stopped)?)
            }
            kind::TRANSFER => {
                let (request, stay) = wire::transfer_in(first)?;
                sent_by(peer, request.from_leader())?;
                if stay && request.to_node_id() == self.raft.node_id() {
                    self.stay.ask(Instant::now());
                }
                let answer = self.raft.handle_transfer_leader(request).await;
                wire::transfer_reply(&answer.map_err(|_| Declined::Stopped)?)
            }
            kind::SNAPSHOT_BEGIN => {
                let vote = wire::snapshot_begin_in(first)?;
                sent_by(peer, &vote)?;
                let _permit = Arc::clone(&self.snapshots)
                    .try_acquire_owned()
                    .map_err(|_| StreamFault::Deadline)?;
                let dir = self.snapshot_dir.clone();
                wire::snapshot_reply(&snapshot_receive::run(&self.raft, dir, peer, vote, &mut recv).await?)
            }
            other => return Err(WireError::Kind(other).into()),
        };
        reply(send, &answer).await
    }

    /// A replication session, or a single heartbeat: requests are handed to Raft as they come, and it answers in order.
    async fn appends(
        self: &Arc<Self>,
        peer: NodeId,
        first: &Frame,
        send: &mut FrameSender,
        recv: FrameReceiver,
    ) -> Result<(), StreamFault> {
        let first = wire::append_in(first)?;
        sent_by(peer, &first.vote)?;
        // Why the requests ended, when it was not the stream's own end.
        let (tell, mut told) = oneshot::channel();
        let rest = stream::unfold((recv, Some(tell)), move |(mut recv, mut tell)| async move {
            let frame = recv.recv().await.ok()??;
            let request = wire::append_in(&frame).map_err(StreamFault::from);
            let request = request.and_then(|request| sent_by(peer, &request.vote).map(|()| request));
            match request {
                Ok(request) => Some((request, (recv, tell))),
                Err(fault) => {
                    let _ = tell.take().map(|tell| tell.send(fault));
                    None
                }
            }
        });
        // When the answers end, so do the requests: openraft reads them in a task of its own.
        let (ended, end) = oneshot::channel::<()>();
        let requests = stream::once(async { first }).chain(rest).take_until(end);
        let mut answers = std::pin::pin!(self.raft.stream_append(requests));
        while let Some(answer) = answers.next().await {
            let answer = answer.map_err(|_| Declined::Stopped)?;
            let goes_on = answer.is_ok();
            if goes_on {
                self.heard.note(peer);
            }
            timeout(STREAM_DEADLINE, send.send(&wire::append_reply(&answer)))
                .await
                .map_err(|_| StreamFault::Deadline)??;
            if !goes_on {
                break;
            }
        }
        drop(ended);
        match told.try_recv() {
            Ok(fault) => Err(fault),
            Err(_) => Ok(send.finish()?),
        }
    }
}

/// Nobody speaks for another: who is named as the leader or candidate is who holds the certificate.
fn sent_by(peer: NodeId, vote: &Vote) -> Result<(), StreamFault> {
    if vote.leader_id.node_id == peer {
        return Ok(());
    }
    tracing::warn!(%peer, claimed = %vote.leader_id.node_id, "a Raft request in another node's name");
    Err(Declined::WrongSender.into())
}

async fn reply(send: &mut FrameSender, frame: &Frame) -> Result<(), StreamFault> {
    timeout(STREAM_DEADLINE, send.send(frame))
        .await
        .map_err(|_| StreamFault::Deadline)??;
    Ok(send.finish()?)
}
