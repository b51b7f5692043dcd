//! Streams on which other nodes relay to this one. This node proposes if it leads and says so if it
//! does not: there is never a second hop.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use quorate_core::{DEVICES_PER_USER_MAX, DeviceId, LogIndex, NodeId, Timestamp};
use quorate_protocol::relay::{
    AskDevices, AskFacts, AskHashes, AskReadIndex, AskTransfer, BATCH_MAX, Devices, End, Facts, HASHES_MAX, Hashes,
    ReadIndex, Submit, Submitted, Transferred, frame, kind, parse,
};
use quorate_protocol::vitals::{AskVitals, Vitals};
use quorate_protocol::{Frame, entry, vitals};
use quorate_transport::{FrameReceiver, FrameSender};
use tokio::time::{Instant, timeout};

use super::batch::not_proposed;
use super::{Clock, transfer};
use crate::consensus::{Consensus, ProposeOutcome};
use crate::peer::StreamHandler;

/// Calls of one stream under way at once; past it, reading waits.
const CALLS_MAX: usize = 16;
/// How long a relayed batch may take before its end is told as unknown.
const PROPOSE_DEADLINE: Duration = Duration::from_secs(6);
/// How long a read index may take.
const READ_DEADLINE: Duration = Duration::from_secs(2);
/// How long an answer may take to be taken by the connection.
const SEND_DEADLINE: Duration = Duration::from_secs(2);

/// What this node says of itself when it is asked.
pub type FactsSource = Arc<dyn Fn() -> Facts + Send + Sync>;
/// What this node has measured of itself when it is asked.
pub type VitalsSource = Arc<dyn Fn() -> Vitals + Send + Sync>;
/// The hashes of the chat state that this node has noted, when it is asked.
pub type HashesSource = Arc<dyn Fn() -> Vec<(LogIndex, u128)> + Send + Sync>;
/// How many sessions each of some devices has on this node, when it is asked.
pub type DevicesSource = Arc<dyn Fn(&[DeviceId]) -> Vec<u32> + Send + Sync>;
/// What this node tells of itself.
#[derive(Clone)]
pub struct Sources {
    /// For `chatctl status` on any node.
    pub facts: FactsSource,
    /// For `doctor` and `top`.
    pub vitals: VitalsSource,
    /// For `chatctl raft verify`.
    pub hashes: HashesSource,
    /// For `chatctl users sessions`.
    pub devices: DevicesSource,
}

/// Takes in the signals of one stream, and says whether they make sense. It must not block.
pub type Listener = Box<dyn FnMut(&Frame) -> bool + Send>;
/// Makes a listener for a stream of a peer.
pub type Listeners = Arc<dyn Fn(NodeId) -> Listener + Send + Sync>;

/// Serves relayed calls, and hands on signals.
#[derive(Clone)]
pub struct Server {
    consensus: Consensus,
    clock: Clock,
    sources: Sources,
    listeners: Listeners,
}

impl Server {
    /// Proposes through `consensus` when this node leads, stamped by `clock`.
    #[must_use]
    pub fn new(consensus: Consensus, clock: Clock, sources: Sources, listeners: Listeners) -> Self {
        Self {
            consensus,
            clock,
            sources,
            listeners,
        }
    }

    /// Serves one stream of a peer to its end.
    async fn serve(self, peer: NodeId, mut sender: FrameSender, mut receiver: FrameReceiver) {
        let mut calls: FuturesUnordered<BoxFuture<'static, Frame>> = FuturesUnordered::new();
        let mut listener = None;
        loop {
            tokio::select! {
                received = receiver.recv(), if calls.len() < CALLS_MAX => {
                    let Ok(Some(received)) = received else { return };
                    if matches!(received.kind, kind::PRESENCE | kind::TYPING) {
                        let listener = listener.get_or_insert_with(|| (self.listeners)(peer));
                        if listener(&received) {
                            continue;
                        }
                        tracing::warn!(%peer, kind = received.kind, "a signal makes no sense");
                        return;
                    }
                    let Some(mut call) = self.call(&received) else {
                        tracing::warn!(%peer, kind = received.kind, "a relayed call makes no sense");
                        return;
                    };
                    // Polled once, so that calls take their places in the order in which they came.
                    match (&mut call).now_or_never() {
                        Some(answer) => calls.push(std::future::ready(answer).boxed()),
                        None => calls.push(call),
                    }
                }
                Some(answer) = calls.next() => {
                    if !matches!(timeout(SEND_DEADLINE, sender.send(&answer)).await, Ok(Ok(()))) {
                        return;
                    }
                }
            }
        }
    }

    fn call(&self, received: &Frame) -> Option<BoxFuture<'static, Frame>> {
        let (consensus, clock) = (self.consensus.clone(), self.clock.clone());
        match received.kind {
            kind::SUBMIT => {
                let Submit { call, commands } = parse(received).ok()?;
                // An entry that does not parse would end every node that applies it.
                if commands.len() > BATCH_MAX || commands.iter().any(|bytes| entry::decode_command(bytes).is_err()) {
                    return None;
                }
                let submit = async move {
                    let ends = propose(consensus, clock, commands, Instant::now() + PROPOSE_DEADLINE).await;
                    frame(kind::SUBMITTED, &Submitted { call, ends })
                };
                Some(submit.boxed())
            }
            kind::ASK_READ_INDEX => {
                let AskReadIndex { call } = parse(received).ok()?;
                let ask = async move {
                    let index = consensus.read_index(Instant::now() + READ_DEADLINE).await.ok();
                    frame(kind::READ_INDEX, &ReadIndex { call, index })
                };
                Some(ask.boxed())
            }
            kind::ASK_FACTS => {
                let AskFacts { call } = parse(received).ok()?;
                let answer = frame(
                    kind::FACTS,
                    &Facts {
                        call,
                        ..(self.sources.facts)()
                    },
                );
                Some(std::future::ready(answer).boxed())
            }
            vitals::kind::ASK_VITALS => {
                let AskVitals { call } = parse(received).ok()?;
                let answer = vitals::frame(&Vitals {
                    call,
                    ..(self.sources.vitals)()
                });
                Some(std::future::ready(answer).boxed())
            }
            kind::ASK_HASHES => {
                let AskHashes { call } = parse(received).ok()?;
                let mut noted = (self.sources.hashes)();
                // The newest are those that the others have too.
                noted.drain(..noted.len().saturating_sub(HASHES_MAX));
                let answer = frame(kind::HASHES, &Hashes { call, noted });
                Some(std::future::ready(answer).boxed())
            }
            kind::ASK_DEVICES => {
                let AskDevices { call, devices } = parse(received).ok()?;
                if devices.len() > DEVICES_PER_USER_MAX as usize {
                    return None;
                }
                let sessions = (self.sources.devices)(&devices);
                let answer = frame(kind::DEVICES, &Devices { call, sessions });
                Some(std::future::ready(answer).boxed())
            }
            kind::ASK_TRANSFER => {
                let AskTransfer { call, to } = parse(received).ok()?;
                let ask = async move {
                    let end = transfer::transfer(&consensus, to).await;
                    frame(kind::TRANSFERRED, &Transferred { call, end })
                };
                Some(ask.boxed())
            }
            _ => None,
        }
    }
}

impl StreamHandler for Server {
    fn stream(&self, peer: NodeId, send: FrameSender, recv: FrameReceiver) -> BoxFuture<'static, ()> {
        self.clone().serve(peer, send, recv).boxed()
    }
}

/// Proposes commands on this node, stamped by its clock.
pub(super) async fn propose(consensus: Consensus, clock: Clock, commands: Vec<Bytes>, deadline: Instant) -> Vec<End> {
    let count = commands.len();
    let (leader, stamp) = {
        let view = consensus.view();
        let view = view.borrow();
        (view.leader, clock.stamp_in(&view))
    };
    if leader != Some(consensus.node_id()) {
        return not_proposed(count, leader);
    }
    let entries = commands.iter().map(|command| entry::stamp(stamp, command)).collect();
    let outcomes = consensus.propose(entries, deadline).await;
    outcomes.into_iter().map(end).collect()
}

fn end(outcome: ProposeOutcome) -> End {
    match outcome {
        ProposeOutcome::Applied { index, answer } => match answer.0 {
            Some(outcome) => End::Applied { index, outcome },
            // A command always has an outcome; an entry of Raft's own in its place is a surprise.
            None => End::Unknown,
        },
        ProposeOutcome::NotLeader { leader } => End::NotProposed { leader },
        ProposeOutcome::Unknown => End::Unknown,
    }
}

/// What this node's own clock says; see [`Clock`] for what is made of it.
#[must_use]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
