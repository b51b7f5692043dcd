//! Going down in good order: hand over leadership, tell clients, finish what is in flight, close.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quorate_transport::{CloseCode, ListenerHandle};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::consensus::Consensus;
use crate::search::Keeper;
use crate::session::Counters;
use crate::store::{Store, StoreError};

/// How long leadership may take to find another node.
const STEP_DOWN_DEADLINE: Duration = Duration::from_secs(2);
/// How long clients have to move to another node.
const CLIENTS_DEADLINE: Duration = Duration::from_secs(2);
/// How often it is looked whether they have.
const CLIENTS_POLL: Duration = Duration::from_millis(20);
/// How long Raft may take to end.
const RAFT_DEADLINE: Duration = Duration::from_secs(1);
/// How long the search index may take to close. Without it the next start indexes a little more.
const SEARCH_DEADLINE: Duration = Duration::from_secs(1);
/// How long the last checkpoint may take. Without it the next start replays a little more.
const STORE_DEADLINE: Duration = Duration::from_secs(2);

/// Everything that has to end.
pub(super) struct Drain {
    pub(super) draining: watch::Sender<bool>,
    pub(super) consensus: Consensus,
    pub(super) clients: ListenerHandle,
    pub(super) peers: ListenerHandle,
    pub(super) counters: Arc<Counters>,
    /// None where search is switched off.
    pub(super) search: Option<Keeper>,
}

impl Drain {
    /// The orderly way. Each step has its deadline; together they are under 10 s: 2 to step down, 2
    /// for the clients, 2 for the ports (the transport's), 1 for Raft (and at the same time for the search
    /// index), 2 for the store.
    pub(super) async fn run(self, store: Store) -> Result<(), StoreError> {
        tracing::info!("draining");
        // First, so that no client's write waits for an election.
        if let Err(error) = self.consensus.step_down(Instant::now() + STEP_DOWN_DEADLINE).await {
            tracing::warn!(%error, "no other node leads");
        }
        self.clients.stop_accepting();
        self.draining.send_replace(true);
        let deadline = Instant::now() + CLIENTS_DEADLINE;
        while self.counters.sessions.load(Ordering::Relaxed) > 0 && Instant::now() < deadline {
            sleep(CLIENTS_POLL).await;
        }
        self.end(CloseCode::Draining).await;
        timeout(STORE_DEADLINE, store.shutdown()).await.unwrap_or_else(|_| {
            tracing::warn!("the last checkpoint was not done in time; the log has everything");
            Ok(())
        })
    }

    /// The short way, when there is nothing left to finish.
    pub(super) async fn end(self, code: CloseCode) {
        let raft = async {
            if timeout(RAFT_DEADLINE, self.consensus.shutdown()).await.is_err() {
                tracing::warn!("Raft did not end in time");
            }
        };
        // Both read the store, which is closed last.
        let search = async {
            if let Some(keeper) = self.search {
                keeper.stop(SEARCH_DEADLINE).await;
            }
        };
        tokio::join!(raft, search);
        let why = "the node is going down";
        tokio::join!(self.clients.close(code, why), self.peers.close(code, why));
    }
}
