//! The stream to the leader: many calls on it at once, answered as they are ready. It is given up
//! when another node leads, since an answer from the old leader may then never come.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use quorate_core::{LogIndex, NodeId};
use quorate_protocol::Frame;
use quorate_protocol::relay::{AskReadIndex, End, ReadIndex, Submit, Submitted, frame, kind, parse};
use quorate_transport::{Alpn, FrameReceiver, FrameSender, Priority};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::NoQuorum;
use super::batch::not_proposed;
use crate::consensus::View;
use crate::peer::Links;

/// Calls that wait to be written at the most: a few batches and rounds of reads.
const CALLS_MAX: usize = 64;
/// How long a frame may take to be taken by the connection.
const SEND_DEADLINE: Duration = Duration::from_secs(2);
/// How long a hop that nobody uses keeps its stream.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// The hops of a node, at most one to each other node.
#[derive(Debug)]
pub(super) struct Hops {
    links: Arc<Links>,
    view: watch::Receiver<View>,
    open: Mutex<HashMap<NodeId, mpsc::Sender<Call>>>,
}

#[derive(Debug)]
enum Call {
    Submit {
        commands: Vec<Bytes>,
        claim: Claim,
        ends: oneshot::Sender<Vec<End>>,
    },
    ReadIndex {
        index: oneshot::Sender<Option<LogIndex>>,
    },
}

/// Decides between the hop that is about to write a call and the asker whose deadline has passed:
/// whoever is first has it. A call that its asker took back surely was not proposed.
#[derive(Clone, Debug, Default)]
struct Claim(Arc<AtomicBool>);

impl Claim {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

impl Hops {
    pub(super) fn new(links: Arc<Links>, view: watch::Receiver<View>) -> Self {
        Self {
            links,
            view,
            open: Mutex::default(),
        }
    }

    /// Has the leader propose these. At the deadline what was written is unknown, and what was not
    /// never will be.
    pub(super) async fn submit(&self, leader: NodeId, commands: Vec<Bytes>, deadline: Instant) -> Vec<End> {
        let count = commands.len();
        let (ends, ended) = oneshot::channel();
        let claim = Claim::default();
        let call = Call::Submit {
            commands,
            claim: claim.clone(),
            ends,
        };
        let answer = async {
            match self.call(leader, call).await {
                Ok(()) => ended.await.ok(),
                Err(NoQuorum) => None,
            }
        };
        // The hop answers every call; without an answer it has broken, perhaps with the call in its
        // hands.
        match timeout_at(deadline, answer).await {
            Ok(Some(ends)) => ends,
            Ok(None) | Err(_) if claim.take() => not_proposed(count, None),
            Ok(None) | Err(_) => vec![End::Unknown; count],
        }
    }

    /// Asks the leader for its read index.
    pub(super) async fn read_index(&self, leader: NodeId) -> Result<LogIndex, NoQuorum> {
        let (index, answered) = oneshot::channel();
        self.call(leader, Call::ReadIndex { index }).await?;
        answered.await.ok().flatten().ok_or(NoQuorum)
    }

    /// Hands a call to the hop, which is opened where there is none.
    async fn call(&self, leader: NodeId, call: Call) -> Result<(), NoQuorum> {
        let hop = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            match open.get(&leader) {
                Some(hop) if !hop.is_closed() => hop.clone(),
                _ => {
                    let (hop, calls) = mpsc::channel(CALLS_MAX);
                    tokio::spawn(run(leader, Arc::clone(&self.links), self.view.clone(), calls));
                    open.insert(leader, hop.clone());
                    hop
                }
            }
        };
        hop.send(call).await.map_err(|_| NoQuorum)
    }
}

/// What was written and is not answered yet.
#[derive(Default)]
struct Pending {
    next: u64,
    submits: BTreeMap<u64, (usize, oneshot::Sender<Vec<End>>)>,
    reads: BTreeMap<u64, oneshot::Sender<Option<LogIndex>>>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.submits.is_empty() && self.reads.is_empty()
    }

    /// Notes a call and makes its frame; none for a call that was taken back.
    fn note(&mut self, call: Call) -> Option<Frame> {
        self.next += 1;
        let number = self.next;
        match call {
            Call::Submit { commands, claim, ends } => {
                if !claim.take() {
                    return None;
                }
                self.submits.insert(number, (commands.len(), ends));
                Some(frame(kind::SUBMIT, &Submit { call: number, commands }))
            }
            Call::ReadIndex { index } => {
                self.reads.insert(number, index);
                Some(frame(kind::ASK_READ_INDEX, &AskReadIndex { call: number }))
            }
        }
    }

    /// Settles the call that an answer is for. False when the answer makes no sense.
    fn answer(&mut self, frame: &Frame) -> bool {
        match frame.kind {
            kind::SUBMITTED => {
                let Ok(answer) = parse::<Submitted>(frame) else {
                    return false;
                };
                let Some((count, ends)) = self.submits.remove(&answer.call) else {
                    return false;
                };
                if answer.ends.len() != count {
                    return false;
                }
                let _ = ends.send(answer.ends);
                true
            }
            kind::READ_INDEX => {
                let Ok(answer) = parse::<ReadIndex>(frame) else {
                    return false;
                };
                let Some(index) = self.reads.remove(&answer.call) else {
                    return false;
                };
                let _ = index.send(answer.index);
                true
            }
            _ => false,
        }
    }
}

/// One hop's life. Calls still in `calls` when it ends were never written: dropping their senders
/// would tell them as unknown, so they are refused one by one.
async fn run(leader: NodeId, links: Arc<Links>, mut view: watch::Receiver<View>, mut calls: mpsc::Receiver<Call>) {
    let ended_at = async {
        let connection = links.connection(leader, Alpn::Relay).await.ok()?;
        connection.open(Priority::Normal).await.ok()
    };
    let stream = tokio::select! {
        stream = ended_at => stream,
        () = replaced(&mut view, leader) => None,
    };
    if let Some((sender, receiver)) = stream {
        let why = speak(leader, sender, receiver, &mut view, &mut calls).await;
        tracing::debug!(%leader, why, "hop ended");
    }
    calls.close();
    while let Some(call) = calls.recv().await {
        match call {
            Call::Submit { commands, ends, .. } => drop(ends.send(not_proposed(commands.len(), None))),
            Call::ReadIndex { index } => drop(index.send(None)),
        }
    }
}

/// Writes calls and reads answers until something ends it. Dropping what is pending tells its
/// askers that the end is unknown.
async fn speak(
    leader: NodeId,
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    view: &mut watch::Receiver<View>,
    calls: &mut mpsc::Receiver<Call>,
) -> &'static str {
    let mut pending = Pending::default();
    loop {
        tokio::select! {
            call = calls.recv() => {
                let Some(call) = call else { return "the relay is gone" };
                let Some(frame) = pending.note(call) else { continue };
                if !matches!(timeout(SEND_DEADLINE, sender.send(&frame)).await, Ok(Ok(()))) {
                    return "the leader does not read";
                }
            }
            frame = receiver.recv() => match frame {
                Ok(Some(frame)) if pending.answer(&frame) => {}
                Ok(Some(_)) => return "an answer that makes no sense",
                _ => return "the stream broke",
            },
            () = replaced(view, leader) => return "another node leads",
            () = sleep(IDLE_MAX), if pending.is_empty() => return "idle",
        }
    }
}

/// Waits until another node leads. That nobody does for a while is no reason: the answer may come.
async fn replaced(view: &mut watch::Receiver<View>, leader: NodeId) {
    // An error is the end of Raft here, which ends the hop as well.
    let _ = view.wait_for(|view| view.leader.is_some_and(|now| now != leader)).await;
}
