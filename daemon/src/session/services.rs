//! What a session is given to work with.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quorate_core::{DeviceId, NodeId, State, UserId};
use quorate_protocol::client::NodeAddr;
use tokio::sync::watch;

use super::limit::Limits;
use super::password::Passwords;
use crate::fanout::Hub;
use crate::relay::Relay;
use crate::store::Reader;

/// The cluster as sessions tell it to clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Who leads, as far as this node knows.
    pub leader: Option<NodeId>,
    /// Where clients reach the nodes, by id.
    pub nodes: Vec<NodeAddr>,
}

/// What all sessions of a node share.
#[derive(Debug)]
pub struct Services {
    /// The cluster's id.
    pub cluster_id: String,
    /// This node.
    pub node: NodeId,
    /// The way of a write.
    pub relay: Arc<Relay>,
    /// The state and the rows.
    pub reader: Reader,
    /// The way back.
    pub hub: Arc<Hub>,
    /// Who leads, and where the nodes are.
    pub cluster: watch::Receiver<Cluster>,
    /// True when the node is about to go.
    pub draining: watch::Receiver<bool>,
    /// Token buckets.
    pub limits: Arc<Limits>,
    /// Hashes and proves passwords, off the network's threads.
    pub passwords: Passwords,
    /// Whether anybody may make an account.
    pub registration_is_open: bool,
    /// For metrics.
    pub counters: Arc<Counters>,
}

/// What sessions count.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions that are open.
    pub sessions: AtomicU64,
    /// Requests told to come back later.
    pub rate_limited: AtomicU64,
}

impl Services {
    /// Whom the device speaks for, as this node's state says now.
    pub(super) fn account(&self, device: &DeviceId) -> Option<UserId> {
        self.reader
            .with_state(|state: &State| state.device(device).map(|device| device.user))
    }
}

/// Counts a session for as long as it lives.
pub(super) struct Counted(Arc<Services>);

impl Counted {
    pub(super) fn new(services: &Arc<Services>) -> Self {
        services.counters.sessions.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(services))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.counters.sessions.fetch_sub(1, Ordering::Relaxed);
    }
}
