//! This node as its peers meet it, and what it remembers of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use quorate_certs::ClusterId;
use quorate_core::NodeId;
use tokio::sync::watch;

use super::enrol::Enrolment;
use super::hello::{Hello, HelloRefusal, HelloReply, PEER_VERSION, Verdict};
use crate::store::{Identity, Incarnation, LogStore, StoreError};

/// This node's identity towards peers, and its durable memory of theirs. Shared by all connections.
#[derive(Debug)]
pub struct Local {
    cluster: ClusterId,
    node: NodeId,
    incarnation: Incarnation,
    memory: PeerMemory,
    enrolment: watch::Sender<Enrolment>,
    /// Nodes of which nothing is processed any more.
    removed: watch::Sender<BTreeSet<NodeId>>,
    /// Who has said that this node was removed.
    removed_by: watch::Sender<Option<NodeId>>,
}

/// Why a hello was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// It is not welcome.
    #[error(transparent)]
    Refused(#[from] HelloRefusal),
    /// Its incarnation could not be recorded: the daemon ends, by the store's own failure.
    #[error("the peer's incarnation could not be recorded")]
    Store(#[from] StoreError),
}

impl Local {
    /// Of this data directory and its log.
    #[must_use]
    pub fn new(identity: &Identity, log: LogStore) -> Self {
        let enrolled = log.is_enrolled();
        let state = if enrolled {
            Enrolment::Enrolled
        } else {
            Enrolment::Waiting { for_: Vec::new() }
        };
        Self {
            cluster: identity.cluster.clone(),
            node: identity.node,
            incarnation: identity.incarnation,
            memory: PeerMemory {
                log,
                claims: Mutex::default(),
            },
            enrolment: watch::Sender::new(state),
            removed: watch::Sender::default(),
            removed_by: watch::Sender::default(),
        }
    }

    /// This node's id.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.node
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster
    }

    /// Whether it takes part, and if not, why.
    #[must_use]
    pub fn enrolment(&self) -> watch::Receiver<Enrolment> {
        self.enrolment.subscribe()
    }

    /// Whether it may vote and acknowledge.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        *self.enrolment.borrow() == Enrolment::Enrolled
    }

    pub(crate) fn set_enrolment(&self, state: Enrolment) {
        self.enrolment.send_if_modified(|current| {
            let changed = *current != state;
            *current = state;
            changed
        });
    }

    /// From now on these are not spoken with: the cluster has removed them.
    pub fn set_removed(&self, removed: BTreeSet<NodeId>) {
        self.removed.send_if_modified(|known| {
            let changed = *known != removed;
            *known = removed;
            changed
        });
    }

    /// Whether the cluster has removed this node.
    #[must_use]
    pub fn is_removed(&self, node: NodeId) -> bool {
        self.removed.borrow().contains(&node)
    }

    /// Whether a recovery on this node has closed that one's id for ever.
    #[must_use]
    pub fn is_closed(&self, node: NodeId) -> bool {
        self.memory.log.is_closed(node)
    }

    /// Who has told this node that it was removed from the cluster, once somebody has.
    #[must_use]
    pub fn removed_by(&self) -> watch::Receiver<Option<NodeId>> {
        self.removed_by.subscribe()
    }

    pub(crate) fn note_removed_by(&self, peer: NodeId) {
        self.removed_by.send_replace(Some(peer));
    }

    /// Makes the enrolment durable. From the return on this node may vote.
    pub(crate) async fn mark_enrolled(&self) -> Result<(), StoreError> {
        self.memory.log.mark_enrolled().await?;
        self.set_enrolment(Enrolment::Enrolled);
        Ok(())
    }

    pub(crate) fn hello(&self) -> Hello {
        Hello {
            cluster: self.cluster.clone(),
            node: self.node,
            incarnation: self.incarnation,
            version: PEER_VERSION,
            enrolled: self.is_enrolled(),
        }
    }

    /// The reply to a hello that was judged.
    pub(crate) fn reply(&self, verdict: Verdict) -> HelloReply {
        HelloReply {
            hello: self.hello(),
            verdict,
        }
    }

    /// Judges the hello of a node that TLS has shown. When this returns well, the incarnation is on this node's disk.
    ///
    /// # Errors
    /// Why nothing of this peer may be processed.
    pub async fn judge(&self, hello: &Hello, certified: NodeId) -> Result<(), JudgeError> {
        hello.check(&self.cluster, certified)?;
        if certified == self.node {
            return Err(HelloRefusal::WrongNode {
                claimed: hello.node,
                certified,
            }
            .into());
        }
        // Who was left behind by a recovery is refused as another directory is, and not told to end: it may be one of a majority that
        // goes on, and the recovery a mistake.
        if self.is_removed(certified) && !self.is_closed(certified) {
            return Err(HelloRefusal::Removed(certified).into());
        }
        self.memory.record(certified, hello.incarnation).await
    }
}

/// The first incarnation of each peer.
struct PeerMemory {
    log: LogStore,
    /// First come, first kept, also between two connections that say hello at the same time: the claim is made before the
    /// disk is asked, in one step.
    claims: Mutex<BTreeMap<NodeId, Incarnation>>,
}

impl std::fmt::Debug for PeerMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PeerMemory")
            .field("claims", &self.claims())
            .finish_non_exhaustive()
    }
}

impl PeerMemory {
    fn claims(&self) -> MutexGuard<'_, BTreeMap<NodeId, Incarnation>> {
        self.claims.lock().expect("nothing panics while it holds this lock")
    }

    async fn record(&self, peer: NodeId, incarnation: Incarnation) -> Result<(), JudgeError> {
        let recorded = self.log.peer_incarnation(peer);
        let known = recorded.unwrap_or_else(|| *self.claims().entry(peer).or_insert(incarnation));
        if known != incarnation {
            return Err(HelloRefusal::OtherIncarnation(peer).into());
        }
        if recorded.is_none() {
            // Also when another connection has claimed the same: this one's answer must not overtake the disk.
            self.log.record_peer_incarnation(peer, incarnation).await?;
        }
        Ok(())
    }
}
