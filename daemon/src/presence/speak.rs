//! Telling the peers: one task for each, fed by one that gathers what there is to tell.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_protocol::Frame;
use quorate_transport::{Alpn, FrameReceiver, FrameSender, Priority};
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, interval, sleep, sleep_until, timeout};

use super::Board;
use super::board::Signal;
use crate::peer::Links;

/// How often each peer is told everything.
pub const WHOLE_INTERVAL: Duration = Duration::from_secs(15);
/// What changes within this time is told together.
const CHANGES_INTERVAL: Duration = Duration::from_millis(250);
/// Signals that a slow peer may be behind; then it misses some, and gets the full list.
const BEHIND_MAX: usize = 64;
/// How long a stream may take to open.
const OPEN_DEADLINE: Duration = Duration::from_secs(3);
/// How long a frame may take to be taken by the connection.
const SEND_DEADLINE: Duration = Duration::from_secs(2);
/// The wait before a stream that broke is opened again.
const REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// A stream keeps its connection, and that the certificates that it began with: so none lives for ever.
const STREAM_AGE_MAX: Duration = Duration::from_secs(3600);

/// Tells these peers who is here, for as long as the future is polled or `peers` has a sender. A board that is switched off
/// says nothing.
pub async fn speak(board: Board, links: Arc<Links>, mut peers: watch::Receiver<BTreeSet<NodeId>>) {
    if !board.is_on() {
        return;
    }
    let (signals, _) = broadcast::channel(BEHIND_MAX);
    let mut tasks = JoinSet::new();
    let mut told: HashMap<NodeId, AbortHandle> = HashMap::new();
    let mut forgetting = interval(WHOLE_INTERVAL);
    let mut quiet_until = Instant::now();
    loop {
        let wanted = peers.borrow_and_update().clone();
        told.retain(|peer, task| {
            let stays = wanted.contains(peer);
            if !stays {
                task.abort();
            }
            stays
        });
        for peer in wanted {
            told.entry(peer)
                .or_insert_with(|| tasks.spawn(tell(peer, board.clone(), Arc::clone(&links), signals.subscribe())));
        }
        tokio::select! {
            changed = peers.changed() => if changed.is_err() { return },
            // The first change after a pause is told at once, the others with those that come soon after.
            () = async { sleep_until(quiet_until).await; board.news().await } => {
                quiet_until = Instant::now() + CHANGES_INTERVAL;
                for signal in board.take_news() {
                    // Nobody to tell it to is no fault.
                    let _ = signals.send(signal);
                }
            }
            _ = forgetting.tick() => board.forget_silent(),
            // Aborted ones; the others never end.
            Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
        }
    }
}

/// Tells one peer, again and again.
async fn tell(peer: NodeId, board: Board, links: Arc<Links>, mut signals: broadcast::Receiver<Signal>) {
    loop {
        let open = async {
            let connection = links.connection(peer, Alpn::Relay).await.ok()?;
            connection.open(Priority::Normal).await.ok()
        };
        if let Ok(Some((sender, receiver))) = timeout(OPEN_DEADLINE, open).await {
            // What was missed is in the full list.
            signals = signals.resubscribe();
            let why = say(&board, sender, receiver, &mut signals).await;
            tracing::debug!(%peer, why, "the stream of signals ended");
        }
        sleep(REOPEN_PAUSE).await;
    }
}

async fn say(
    board: &Board,
    mut sender: FrameSender,
    mut receiver: FrameReceiver,
    signals: &mut broadcast::Receiver<Signal>,
) -> &'static str {
    let end = Instant::now() + STREAM_AGE_MAX;
    let mut whole_at = Instant::now();
    loop {
        let frames: Vec<Frame> = tokio::select! {
            () = sleep_until(whole_at) => {
                whole_at = Instant::now() + WHOLE_INTERVAL;
                board.whole()
            }
            signal = signals.recv() => match signal {
                Ok(Signal::Frame(frame)) => vec![frame],
                Ok(Signal::Whole) | Err(RecvError::Lagged(_)) => {
                    whole_at = Instant::now();
                    continue;
                }
                Err(RecvError::Closed) => return "the node stops",
            },
            // The peer has nothing to say here.
            _ = receiver.recv() => return "the peer ended it",
            () = sleep_until(end) => {
                let _ = sender.finish();
                return "it was old";
            }
        };
        if !matches!(timeout(SEND_DEADLINE, sender.send_all(&frames)).await, Ok(Ok(()))) {
            return "the peer does not read";
        }
    }
}
