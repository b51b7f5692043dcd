//! Raft from its start to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{Fatal, InitializeError, RaftError};
use quorate_core::NodeId;
use quorate_transport::CloseCode;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::config::{ConfigFault, ConsensusConfig, Formation};
use super::heard::Heard;
use super::incoming::Incoming;
use super::network::Network;
use super::read_index::Readers;
use super::stay::Stay;
use super::types::TypeConfig;
use super::view::View;
use super::{Raft, leadership, stagger};
use crate::peer::{Links, Local, Refused, StreamHandler, enrol};
use crate::store::Store;

/// Metrics change with each batch; the view follows at most this often.
const VIEW_PERIOD: Duration = Duration::from_millis(5);
/// How often it is looked whether the leader has fallen silent.
const SILENCE_PERIOD: Duration = Duration::from_millis(100);

/// The hold-down when the configuration says "off" and an operator turns the handing back on.
const DEFAULT_HOLD_DOWN: Duration = Duration::from_secs(10);

/// The Raft of this node. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Consensus(Arc<Inner>);

pub(super) struct Inner {
    pub(super) config: ConsensusConfig,
    pub(super) raft: Raft,
    pub(super) view: watch::Receiver<View>,
    pub(super) stay: Arc<Stay>,
    pub(super) hand_back_on: AtomicBool,
    pub(super) draining: AtomicBool,
    /// Who must not lead, by the operators' wish.
    avoided: Mutex<BTreeSet<NodeId>>,
    running: Arc<AtomicBool>,
    readers: Readers,
    links: Arc<Links>,
    incoming: Arc<Incoming>,
    stopped: watch::Sender<Option<StopCause>>,
    tasks: Mutex<JoinSet<()>>,
}

/// Why Raft did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// What is stored cannot be taken up.
    #[error("Raft cannot take up what is stored")]
    Storage(#[from] Fatal<TypeConfig>),
}

/// Why Raft ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopCause {
    /// The cluster knows another data directory under this node's id. The daemon ends with this message.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Raft failed: the store did, or Raft itself. The store's own failure says more.
    #[error("Raft has failed: {0}")]
    Failed(Fatal<TypeConfig>),
    /// [`Consensus::shutdown`].
    #[error("Raft was shut down")]
    Shutdown,
}

impl Consensus {
    /// Loads what is stored and starts Raft, or, for a node that is not enrolled, starts to enrol it. Within the tokio
    /// runtime. [`crate::peer::serve`] must run too, or nobody reaches this node.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(
        config: ConsensusConfig,
        store: &Store,
        local: Arc<Local>,
        links: Arc<Links>,
    ) -> Result<Self, StartError> {
        let stored = store.reader().membership();
        // The list is of the first day, and nodes move.
        let members = config.formation.members().iter();
        links
            .addrs()
            .learn(members.map(|(id, addrs)| (*id, addrs.peer.clone())));
        let nodes = stored.nodes().map(|(id, addrs)| (*id, addrs.peer.clone()));
        links.addrs().learn(nodes.collect::<BTreeMap<_, _>>());
        let openraft = config.openraft(local.cluster_id().to_string())?;
        let stay = Arc::new(Stay::default());
        let reply_deadline = config.silence_max(config.formation.members().len());
        let network = Network::new(config.node_id, Arc::clone(&links), Arc::clone(&stay), reply_deadline);
        // Built, not run: it answers nobody and asks nobody until this node is enrolled.
        let raft = Raft::build(config.node_id, openraft, network, store.log(), store.state_machine()).await?;
        let running = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(Heard::default());
        let incoming = Incoming {
            raft: raft.clone(),
            running: Arc::clone(&running),
            stay: Arc::clone(&stay),
            heard: Arc::clone(&heard),
            snapshot_dir: store.snapshot_dir(),
            snapshots: Incoming::snapshots(),
        };
        let (readers, serving_readers) = Readers::new(raft.clone());
        let (publish, view) = watch::channel(View::outside());
        let inner = Arc::new(Inner {
            hand_back_on: AtomicBool::new(config.hand_back.is_some()),
            draining: AtomicBool::new(false),
            avoided: Mutex::default(),
            running,
            readers,
            links: Arc::clone(&links),
            incoming: Arc::new(incoming),
            stopped: watch::Sender::new(None),
            tasks: Mutex::default(),
            view,
            stay,
            raft: raft.clone(),
            config,
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(serving_readers);
        tasks.spawn(watch_metrics(Arc::clone(&inner), Arc::clone(&heard), publish));
        tasks.spawn(stagger::keep(Arc::clone(&inner), heard));
        tasks.spawn(form(Arc::clone(&inner), local));
        // Also when it is off, so that it can be turned on.
        let hold_down = inner.config.hand_back.unwrap_or(DEFAULT_HOLD_DOWN);
        tasks.spawn(leadership::hand_back(Arc::clone(&inner), hold_down));
        *inner.tasks() = tasks;
        Ok(Self(inner))
    }

    /// This node.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.0.config.node_id
    }

    /// Takes the Raft streams of peers: for [`crate::peer::PeerHandlers`].
    #[must_use]
    pub fn stream_handler(&self) -> Arc<dyn StreamHandler> {
        Arc::new(Arc::clone(&self.0.incoming))
    }

    /// What is known of Raft, kept up to date. Lags by some milliseconds.
    #[must_use]
    pub fn view(&self) -> watch::Receiver<View> {
        self.0.view.clone()
    }

    /// Resolves when Raft's own loop has answered: the sign of life for a watchdog. Put a deadline around it. A node that is
    /// not enrolled yet has no loop, and is alive.
    ///
    /// # Errors
    /// Raft has stopped.
    pub async fn beat(&self) -> Result<(), StopCause> {
        if self.is_running() {
            return self.0.raft.with_raft_state(|_| ()).await.map_err(StopCause::Failed);
        }
        match &*self.0.stopped.borrow() {
            Some(cause) => Err(cause.clone()),
            None => Ok(()),
        }
    }

    /// Waits until Raft has ended, and says why. The daemon ends then too.
    pub async fn stopped(&self) -> StopCause {
        let mut stopped = self.0.stopped.subscribe();
        let cause = stopped
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|cause| cause.clone());
        cause.unwrap_or(StopCause::Shutdown)
    }

    /// Ends Raft and all that it does, and closes the links. Leadership is not handed over: see [`Consensus::step_down`].
    pub async fn shutdown(&self) {
        set_once(&self.0.stopped, StopCause::Shutdown);
        self.0.running.store(false, Ordering::Release);
        let mut tasks = std::mem::take(&mut *self.0.tasks());
        tasks.shutdown().await;
        // openraft's error here is that of a join, and nothing is left to be done about it.
        let _ = self.0.raft.shutdown().await;
        self.0.links.close_all(CloseCode::Draining, "node is shutting down");
    }

    /// Leadership is not handed to these from now on. Whoever of them leads hands it off ([`Consensus::hand_off`]); the view
    /// shows it some milliseconds later.
    pub fn set_avoided(&self, nodes: BTreeSet<NodeId>) {
        *self.0.avoided.lock().unwrap_or_else(PoisonError::into_inner) = nodes;
    }

    /// Whether this node takes part: it is enrolled, and Raft runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.0.running.load(Ordering::Acquire)
    }

    pub(super) fn raft(&self) -> &Raft {
        &self.0.raft
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.0.readers
    }

    pub(super) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl std::fmt::Debug for Consensus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consensus")
            .field("config", &self.0.config)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn mark_avoided(&self, view: &mut View) {
        for node in self.avoided.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(member) = view.members.get_mut(node) {
                member.may_lead = false;
            }
        }
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().expect("nothing panics while it holds this lock")
    }
}

fn set_once(stopped: &watch::Sender<Option<StopCause>>, cause: StopCause) {
    stopped.send_if_modified(|current| {
        let first = current.is_none();
        if first {
            *current = Some(cause);
        }
        first
    });
}

/// Enrols this node, writes the first entry of a founder's log, and lets Raft run.
async fn form(inner: Arc<Inner>, local: Arc<Local>) {
    let members = inner.config.formation.members();
    match enrol::enrol(&local, &inner.links, members.keys().copied()).await {
        Ok(()) => {}
        Err(Some(refused)) => return set_once(&inner.stopped, StopCause::Refused(refused)),
        // The store says so itself.
        Err(None) => return,
    }
    inner.raft.run();
    if let Formation::Founder(members) = &inner.config.formation {
        // Before any request is let in: a node that has voted may not write its first entry any more, and if all that wrote
        // it were lost afterwards, those that only voted could not begin by themselves.
        match inner.raft.initialize(members.clone()).await {
            Ok(()) => tracing::info!(members = members.len(), "the log begins here"),
            // Not the first start.
            Err(RaftError::APIError(InitializeError::NotAllowed(_))) => {}
            Err(RaftError::APIError(InitializeError::NotInMembers(error))) => {
                tracing::error!(%error, "this node is not among the founders; it waits to be added");
            }
            Err(RaftError::Fatal(error)) => return set_once(&inner.stopped, StopCause::Failed(error)),
        }
    }
    inner.running.store(true, Ordering::Release);
    let others = members.keys().copied().filter(|node| *node != inner.config.node_id);
    let is_member = |node: &NodeId| {
        let view = inner.view.borrow();
        view.members.is_empty() || view.members.contains_key(node)
    };
    enrol::greet_rest(&inner.links, others.collect(), is_member).await;
}

/// Keeps the view and the addrs up to date, and notices when Raft fails.
async fn watch_metrics(inner: Arc<Inner>, heard: Arc<Heard>, publish: watch::Sender<View>) {
    let (links, stopped, own) = (&inner.links, &inner.stopped, inner.config.node_id);
    let mut metrics = inner.raft.metrics();
    let mut membership_at = None;
    loop {
        let (mut view, running) = {
            let metrics = metrics.borrow_and_update();
            (View::of(&metrics), metrics.running_state.clone())
        };
        let silence_max = inner.config.silence_max(view.voters().count());
        heard.hide_silent_leader(&mut view, own, silence_max);
        inner.mark_avoided(&mut view);
        if view.membership_at != membership_at {
            membership_at = view.membership_at;
            links
                .addrs()
                .learn(view.members.iter().map(|(id, member)| (*id, member.addrs.peer.clone())));
        }
        publish.send_if_modified(|current| {
            let changed = *current != view;
            *current = view;
            changed
        });
        if let Err(fatal) = running {
            return set_once(stopped, StopCause::Failed(fatal));
        }
        // Silence changes no metric, so it is looked for from time to time.
        if matches!(timeout(SILENCE_PERIOD, metrics.changed()).await, Ok(Err(_))) {
            return set_once(stopped, StopCause::Failed(Fatal::Stopped));
        }
        sleep(VIEW_PERIOD).await;
    }
}
