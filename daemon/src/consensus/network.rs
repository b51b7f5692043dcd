//! Raft's requests on their way out: openraft's network over the links to peers.
//!
//! - Replication: one stream a session, many requests under way on it, answers in order (`append_session`).
//! - Heartbeats, votes and transfers: a fresh stream each, ahead of everything else, so that none waits behind entries and
//!   none that was given up is mistaken for the next one's answer. A stream costs no round trip.
//! - Snapshots: a stream behind everything else (`snapshot_send`).
//!
//! openraft leaves deadlines to us, and backs off only on [`Unreachable`]: that is for peers that could not be reached. A
//! peer that was reached and then did not do as asked gives `Network` or `Timeout`.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use openraft::OptionalSend;
use openraft::base::{BoxFuture, BoxStream};
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Timeout, Unreachable};
use openraft::network::{RPCOption, RPCTypes, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesResponse, SnapshotResponse, StreamAppendError, StreamAppendResult, TransferLeaderRequest,
    TransferLeaderResponse, VoteRequest, VoteResponse,
};
use quorate_core::NodeId;
use quorate_protocol::Frame;
use quorate_transport::{Alpn, CloseReason, FrameReceiver, FrameSender, Priority, RecvError, SendError};
use tokio::time::timeout;

use super::stay::Stay;
use super::types::{NodeAddrs, TypeConfig, Vote};
use super::wire::{self, Append, Declined, WireError, kind};
use super::{append_session, snapshot_send};
use crate::peer::{LinkError, Links};
use crate::store::SnapshotData;

/// A snapshot with its data.
pub(crate) type Snapshot = openraft::alias::SnapshotOf<TypeConfig, SnapshotData>;

/// What went wrong between a request and its answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error("no stream to the peer")]
    Open(#[from] CloseReason),
    #[error("the request was not taken")]
    Send(#[from] SendError),
    #[error("the answer was not received")]
    Recv(#[from] RecvError),
    #[error("the peer ended the stream without an answer")]
    NoAnswer,
    #[error(transparent)]
    Declined(#[from] Declined),
    #[error(transparent)]
    Wire(#[from] WireError),
    #[error("no answer within {0:?}")]
    Deadline(Duration),
}

/// Makes the clients of openraft's tasks.
pub(crate) struct Network {
    node_id: NodeId,
    links: Arc<Links>,
    stay: Arc<Stay>,
    /// How long an answer on a replication stream may take.
    reply_deadline: Duration,
}

/// What a client is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    /// Replication, votes, transfers, snapshots: openraft asks each through a client of its own.
    General,
    /// Heartbeats, and the rounds that confirm a leader for reads.
    Heartbeat,
}

/// A way to one peer.
pub(crate) struct Client {
    node_id: NodeId,
    target: NodeId,
    links: Arc<Links>,
    stay: Arc<Stay>,
    reply_deadline: Duration,
    purpose: Purpose,
}

impl Network {
    pub(crate) fn new(node_id: NodeId, links: Arc<Links>, stay: Arc<Stay>, reply_deadline: Duration) -> Self {
        Self {
            node_id,
            links,
            stay,
            reply_deadline,
        }
    }

    fn client(&self, target: NodeId, addrs: &NodeAddrs, purpose: Purpose) -> Client {
        // The membership is the truth about addrs, and openraft hands over the one in force.
        if !addrs.peer.is_empty() && self.links.addrs().addr(target).as_ref() != Some(&addrs.peer) {
            self.links.addrs().learn([(target, addrs.peer.clone())]);
        }
        let (links, stay) = (Arc::clone(&self.links), Arc::clone(&self.stay));
        Client {
            node_id: self.node_id,
            target,
            links,
            stay,
            reply_deadline: self.reply_deadline,
            purpose,
        }
    }
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Client;

    async fn new_client(&mut self, target: NodeId, node: &NodeAddrs) -> Client {
        self.client(target, node, Purpose::General)
    }

    async fn new_heartbeat_client(&mut self, target: NodeId, node: &NodeAddrs) -> Client {
        self.client(target, node, Purpose::Heartbeat)
    }
}

impl Client {
    pub(crate) async fn open(&self, priority: Priority) -> Result<(FrameSender, FrameReceiver), CallError> {
        let connection = self.links.connection(self.target, Alpn::Raft).await?;
        Ok(connection.open(priority).await?)
    }

    /// One request and its answer, on a stream of its own ahead of all others.
    async fn call(&self, request: &Frame, deadline: Duration) -> Result<Frame, CallError> {
        let exchange = async {
            let (mut send, mut recv) = self.open(Priority::Urgent).await?;
            send.send(request).await?;
            send.finish()?;
            answer(&mut recv).await
        };
        timeout(deadline, exchange)
            .await
            .unwrap_or(Err(CallError::Deadline(deadline)))
    }

    fn error(&self, action: RPCTypes, error: &CallError) -> RPCError<TypeConfig> {
        match error {
            CallError::Link(cause) => RPCError::Unreachable(Unreachable::new(cause)),
            CallError::Deadline(after) => RPCError::Timeout(Timeout {
                action,
                id: self.node_id,
                target: self.target,
                timeout: *after,
            }),
            other => RPCError::Network(NetworkError::new(other)),
        }
    }

    async fn one_append(
        &self,
        request: &Append,
        deadline: Duration,
    ) -> Result<StreamAppendResult<TypeConfig>, CallError> {
        let reply = self.call(&wire::append(request), deadline).await?;
        Ok(wire::append_reply_in(&reply)?)
    }
}

/// The next frame, unless the peer declines.
pub(crate) async fn answer(recv: &mut FrameReceiver) -> Result<Frame, CallError> {
    let frame = recv.recv().await?.ok_or(CallError::NoAnswer)?;
    match wire::declined_in(&frame) {
        Some(why) => Err(why.into()),
        None => Ok(frame),
    }
}

impl RaftNetworkV2<TypeConfig> for Client {
    type SnapshotData = SnapshotData;

    async fn append_entries(
        &mut self,
        request: Append,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let reply = self.one_append(&request, option.hard_ttl()).await;
        let reply = reply.map_err(|error| self.error(RPCTypes::AppendEntries, &error))?;
        Ok(match reply {
            Ok(matched) => AppendEntriesResponse::PartialSuccess(matched),
            Err(StreamAppendError::Conflict(_)) => AppendEntriesResponse::Conflict,
            Err(StreamAppendError::HigherVote(vote)) => AppendEntriesResponse::HigherVote(vote),
        })
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<
        's,
        Result<BoxStream<'s, Result<StreamAppendResult<TypeConfig>, RPCError<TypeConfig>>>, RPCError<TypeConfig>>,
    >
    where
        S: Stream<Item = Append> + OptionalSend + Unpin + 'static,
    {
        let client: &'s Self = self;
        let deadline = option.hard_ttl();
        let failed = move |error: &CallError| client.error(RPCTypes::AppendEntries, error);
        Box::pin(async move {
            let replies: BoxStream<'s, _> = match client.purpose {
                Purpose::Heartbeat => Box::pin(stream::unfold(input, move |mut input| async move {
                    let request = input.next().await?;
                    Some((client.one_append(&request, deadline).await, input))
                })),
                Purpose::General => {
                    let (send, recv) = client.open(Priority::Control).await.map_err(|error| failed(&error))?;
                    Box::pin(append_session::run(input, send, recv, client.reply_deadline))
                }
            };
            let replies: BoxStream<'s, _> = Box::pin(replies.map(move |reply| reply.map_err(|error| failed(&error))));
            Ok(replies)
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let reply = self.call(&wire::vote(kind::VOTE, &request), option.hard_ttl()).await;
        let reply = reply.and_then(|frame| Ok(wire::vote_reply_in(&frame)?));
        reply.map_err(|error| self.error(RPCTypes::Vote, &error))
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let reply = self
            .call(&wire::vote(kind::PRE_VOTE, &request), option.hard_ttl())
            .await;
        let reply = reply.and_then(|frame| Ok(wire::vote_reply_in(&frame)?));
        reply.map_err(|error| self.error(RPCTypes::Vote, &error))
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let reply = self
            .call(&wire::transfer(&request, self.stay.outgoing()), option.hard_ttl())
            .await;
        let reply = reply.and_then(|frame| Ok(wire::transfer_reply_in(&frame)?));
        reply.map_err(|error| self.error(RPCTypes::TransferLeader, &error))
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        tokio::select! {
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = snapshot_send::run(self, &vote, snapshot) => sent.map_err(|error| match error {
                snapshot_send::SnapshotSendError::Storage(error) => StreamingError::StorageError(error),
                snapshot_send::SnapshotSendError::Call(error) => {
                    StreamingError::from(self.error(RPCTypes::InstallSnapshot, &error))
                }
            }),
        }
    }
}
