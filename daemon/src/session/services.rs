//! What a session is given to work with.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quorate_core::{DeviceId, LogIndex, NodeId, Refusal, UserId};
use quorate_protocol::client::{Failure, NodeAddr};
use quorate_transport::CloseCode;
use tokio::sync::watch;

use super::limit::Limits;
use super::open::NotOpened;
use super::password::Passwords;
use super::reply::refused;
use crate::fanout::Hub;
use crate::meter::Durations;
use crate::presence::Board;
use crate::relay::Relay;
use crate::search::Search;
use crate::store::Reader;

/// The cluster as sessions tell it to clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Who leads, as far as this node knows.
    pub leader: Option<NodeId>,
    /// Where clients reach the nodes, by id.
    pub nodes: Arc<[NodeAddr]>,
}

/// Says the fingerprint of the CA that clients may pin, in hex; none while it is changing.
pub struct SettledCa(pub Box<dyn Fn() -> Option<String> + Send + Sync>);

impl std::fmt::Debug for SettledCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SettledCa(..)")
    }
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invite.
    Invite,
    /// Nobody.
    Closed,
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
    /// Who may make an account.
    pub registration: Registration,
    /// Who is there, and who is writing.
    pub board: Board,
    /// Finds messages by their words.
    pub search: Search,
    /// For metrics.
    pub counters: Arc<Counters>,
    /// What clients are told to pin.
    pub ca: SettledCa,
}

/// What sessions count.
#[derive(Debug, Default)]
pub struct Counters {
    /// Sessions that are open.
    pub sessions: AtomicU64,
    /// Requests told to come back later.
    pub rate_limited: AtomicU64,
    /// Sessions of those that went on where an earlier one had ended: this node had all that the client had seen.
    pub resumed: AtomicU64,
    /// Sessions that could not, since this node was behind.
    pub not_resumed: AtomicU64,
    /// Times that a client was met at another address than before.
    pub path_migrations: AtomicU64,
    /// Events handed to feeds.
    pub delivered: AtomicU64,
    /// From the arrival of posts to their commit, of those that the log took.
    pub post_commit: Durations,
}

/// Whom a device speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Speaks {
    pub(super) user: UserId,
    /// The login that made it so.
    pub(super) binding: LogIndex,
}

impl Services {
    /// Whom the device speaks for, as this node's state says now.
    pub(super) fn speaks(&self, device: &DeviceId) -> Option<Speaks> {
        self.reader.with_state(|state| {
            let device = state.device(device)?;
            Some(Speaks {
                user: device.user,
                binding: device.binding,
            })
        })
    }

    /// With what a connection of this device from there is closed, if it may have no session now.
    pub(super) fn at_the_door(&self, device: &DeviceId, addr: IpAddr) -> Option<NotOpened> {
        let bar = self.reader.with_state(|state| state.bar_at_the_door(device, addr))?;
        Some(match bar {
            Refusal::Disabled => (CloseCode::Disabled, "this account is disabled"),
            Refusal::LockedDown => (
                CloseCode::Lockdown,
                "only devices that are logged in are let in for now",
            ),
            _ => (CloseCode::Banned, "banned from this server"),
        })
    }

    /// Too many in too short a time: counted, and told.
    pub(super) fn rate_limited(&self) -> Failure {
        self.counters.rate_limited.fetch_add(1, Ordering::Relaxed);
        refused("rate-limited", "too many requests: slow down")
    }

    /// The account that the device speaks for, as this node's state says now.
    pub(super) fn account(&self, device: &DeviceId) -> Option<UserId> {
        self.speaks(device).map(|speaks| speaks.user)
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
