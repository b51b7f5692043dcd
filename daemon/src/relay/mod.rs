//! The way of a write through the nodes: here if this node leads, else one hop, never two.
//!
//! Submissions wait in one bounded queue and are taken from it in batches, a few of which may be
//! under way at once: while they are, the next one grows. What surely was not proposed is routed
//! again until its deadline; what may have been is told as unknown, and the asker's request number
//! finds out.
//!
//! Between the calls go signals, which are only handed on ([`Listener`]).
//!
//! Left out on purpose: sessions (relay never looks up), and what a command or a signal means.

mod batch;
mod clock;
mod facts;
mod hop;
mod read;
mod serve;
mod transfer;
mod vitals;

pub use clock::{AHEAD_MAX, Clock, keep_clock};
pub use facts::{ask_devices, ask_facts, ask_hashes};
pub use serve::{DevicesSource, FactsSource, HashesSource, Listener, Listeners, Server, Sources, VitalsSource, now};
pub use transfer::ask_transfer;
pub use vitals::{Heard, ask_vitals};

use std::sync::Arc;

use quorate_core::{Command, LogIndex, NodeId, Timestamp};
use quorate_protocol::entry;
use quorate_protocol::relay::End;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::consensus::Consensus;
use crate::peer::Links;
use batch::Item;
use hop::Hops;

/// Submissions that wait for a place in a batch at the most; more wait in their sessions.
const QUEUE_MAX: usize = 8192;

/// The relay of a node.
#[derive(Debug)]
pub struct Relay {
    queue: mpsc::Sender<Item>,
    route: Route,
}

/// What it takes to find the leader.
#[derive(Clone, Debug)]
struct Route {
    node: NodeId,
    consensus: Consensus,
    clock: Clock,
    hops: Arc<Hops>,
}

/// No linearizable read can be promised: no leader, or none with a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no leader with a quorum")]
pub struct NoQuorum;

impl Relay {
    /// Begins to take submissions. Ends when the relay is dropped.
    #[must_use]
    pub fn start(node: NodeId, consensus: Consensus, clock: Clock, links: Arc<Links>) -> Arc<Self> {
        let (queue, items) = mpsc::channel(QUEUE_MAX);
        let hops = Arc::new(Hops::new(links, consensus.view()));
        let route = Route {
            node,
            consensus,
            clock,
            hops,
        };
        tokio::spawn(batch::run(items, route.clone()));
        Arc::new(Self { queue, route })
    }

    /// Submits a command. Its place in the queue is taken now, its end comes with the future: at the
    /// deadline it is [`End::Unknown`], unless it surely was not proposed.
    pub fn submit(&self, command: &Command, deadline: Instant) -> impl Future<Output = End> + Send + 'static {
        let (end, ended) = oneshot::channel();
        let item = Item {
            command: entry::encode_command(command),
            deadline,
            end,
        };
        let placed = self.queue.try_send(item);
        let queue = self.queue.clone();
        async move {
            let not_proposed = End::NotProposed { leader: None };
            match placed {
                Ok(()) => {}
                Err(mpsc::error::TrySendError::Full(item)) => {
                    if !matches!(timeout_at(deadline, queue.send(item)).await, Ok(Ok(()))) {
                        return not_proposed;
                    }
                }
                Err(mpsc::error::TrySendError::Closed(_)) => return not_proposed,
            }
            // Not cut off at the deadline here: the batch settles every item in time, and it alone
            // knows whether the item was proposed.
            ended.await.unwrap_or(End::Unknown)
        }
    }

    /// Submissions that wait for a place in a batch.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// How a command would be stamped that this node proposes now.
    #[must_use]
    pub fn stamp(&self) -> Timestamp {
        self.route.clock.stamp_in(&self.route.consensus.view().borrow())
    }

    /// Up to where this node must have applied to serve a linearizable read that begins now.
    ///
    /// # Errors
    /// No leader with a quorum was found before the deadline.
    pub async fn read_index(&self, deadline: Instant) -> Result<LogIndex, NoQuorum> {
        read::read_index(&self.route, deadline).await
    }
}
