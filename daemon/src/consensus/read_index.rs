//! Linearizable reads: rounds that confirm the leader, shared by all who wait.
//!
//! A round asks a quorum whether this node still leads, after which everything up to the index that it gives was committed
//! before the round began. So a reader may only join a round that has not begun: those who come during one wait for the
//! next, which serves all of them together. No lease is ever read: timeouts are staggered, so leases are unequal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use openraft::ReadPolicy;
use openraft::errors::{LinearizableReadError, RaftError};
use quorate_core::{LogIndex, NodeId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Consensus, Raft};

/// Readers that wait for the next round.
pub(crate) const READERS_MAX: usize = 4096;

/// Why there is no index to read at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadIndexError {
    /// Another node leads, or nobody does: ask there.
    #[error("this node does not lead")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// No quorum confirmed this leader in time.
    #[error("no quorum confirmed this leader")]
    NoQuorum,
    /// The deadline came first.
    #[error("no index in time")]
    Deadline,
    /// Raft has stopped on this node.
    #[error("Raft has stopped")]
    Stopped,
}

type Answer = Result<LogIndex, ReadIndexError>;

/// Asks for the next round.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    waiting: mpsc::Sender<oneshot::Sender<Answer>>,
    rounds: Arc<AtomicU64>,
}

impl Readers {
    /// The readers' end, and the task that serves them.
    pub(crate) fn new(raft: Raft) -> (Self, impl Future<Output = ()> + Send) {
        let (waiting, arrivals) = mpsc::channel(READERS_MAX);
        let rounds = Arc::new(AtomicU64::new(0));
        (
            Self {
                waiting,
                rounds: Arc::clone(&rounds),
            },
            serve(raft, arrivals, rounds),
        )
    }

    async fn next_round(&self) -> Answer {
        let (tell, told) = oneshot::channel();
        self.waiting.send(tell).await.map_err(|_| ReadIndexError::Stopped)?;
        told.await.unwrap_or(Err(ReadIndexError::Stopped))
    }
}

impl Consensus {
    /// An index up to which this node must have applied before a read that began now is linearizable. Only the leader can
    /// tell; rounds are shared.
    ///
    /// # Errors
    /// There is none: see [`ReadIndexError`].
    pub async fn read_index(&self, deadline: Instant) -> Result<LogIndex, ReadIndexError> {
        if !self.is_running() {
            return Err(ReadIndexError::NotLeader { leader: None });
        }
        timeout_at(deadline, self.readers().next_round())
            .await
            .unwrap_or(Err(ReadIndexError::Deadline))
    }

    /// Rounds that were run so far.
    #[must_use]
    pub fn read_rounds(&self) -> u64 {
        self.readers().rounds.load(Ordering::Relaxed)
    }
}

async fn serve(raft: Raft, mut arrivals: mpsc::Receiver<oneshot::Sender<Answer>>, rounds: Arc<AtomicU64>) {
    let mut readers = Vec::new();
    while arrivals.recv_many(&mut readers, READERS_MAX).await > 0 {
        readers.retain(|reader: &oneshot::Sender<Answer>| !reader.is_closed());
        if readers.is_empty() {
            continue;
        }
        rounds.fetch_add(1, Ordering::Relaxed);
        let answer = round(&raft).await;
        for reader in readers.drain(..) {
            // Whoever has given up meanwhile needs none.
            let _ = reader.send(answer);
        }
    }
}

/// One round. openraft ends it after a lease at the latest.
async fn round(raft: &Raft) -> Answer {
    match raft.get_read_linearizer(ReadPolicy::ReadIndex).await {
        Ok(linearizer) => Ok(LogIndex(linearizer.read_log_id().index())),
        Err(RaftError::APIError(LinearizableReadError::ForwardToLeader(to))) => {
            Err(ReadIndexError::NotLeader { leader: to.leader_id })
        }
        Err(RaftError::APIError(LinearizableReadError::QuorumNotEnough(_))) => Err(ReadIndexError::NoQuorum),
        Err(RaftError::Fatal(_)) => Err(ReadIndexError::Stopped),
    }
}
