//! A cluster in one process.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quorate_certs::{ClusterCa, ClusterId, NodeSecrets, SharedIdentity};
use quorate_core::{Command, DeviceId, Entry, GrantWriter, NodeId, Timestamp};
use quorate_daemon::consensus::types::NodeAddrs;
use quorate_daemon::consensus::{Consensus, ConsensusConfig, Formation, ProposeOutcome, View};
use quorate_daemon::fanout::Hub;
use quorate_daemon::peer::{AddressBook, Enrolment, Links, Local, PeerHandlers, StreamHandler, serve};
use quorate_daemon::store::Store;
use quorate_transport::{CloseCode, FrameReceiver, FrameSender, Limits, Listener, ListenerHandle, Port};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

/// Longer than anything here takes on a machine that is busy with other things; only a failure waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The members that a cluster is formed of, and the nodes that run.
pub(crate) struct Cluster {
    pub(crate) id: ClusterId,
    pub(crate) ca: ClusterCa,
    dir: TempDir,
    pub(crate) members: BTreeMap<NodeId, NodeAddrs>,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    hand_back: Option<Duration>,
}

/// A node that runs.
pub(crate) struct Node {
    pub(crate) consensus: Consensus,
    pub(crate) local: Arc<Local>,
    pub(crate) links: Arc<Links>,
    pub(crate) listener: ListenerHandle,
    store: Store,
    serving: JoinHandle<()>,
}

impl Cluster {
    /// Members 1 to `nodes`; none runs yet.
    pub(crate) fn new(nodes: u64) -> Self {
        let id = ClusterId::random();
        let members = (1..=nodes).map(|id| {
            let addrs = NodeAddrs {
                peer: free_addr().to_string(),
                client: format!("client-{id}:1"),
            };
            (NodeId(id), addrs)
        });
        Self {
            ca: ClusterCa::generate(&id).unwrap(),
            id,
            dir: TempDir::new().unwrap(),
            members: members.collect(),
            nodes: BTreeMap::new(),
            hand_back: None,
        }
    }

    pub(crate) fn with_hand_back(mut self, hold_down: Duration) -> Self {
        self.hand_back = Some(hold_down);
        self
    }

    /// All members run and one of them leads.
    pub(crate) async fn formed(mut self) -> Self {
        for id in self.ids() {
            self.start(id).await;
        }
        self.leader().await;
        self
    }

    pub(crate) fn ids(&self) -> Vec<u64> {
        self.members.keys().map(|id| id.0).collect()
    }

    pub(crate) fn node(&self, id: u64) -> &Node {
        &self.nodes[&NodeId(id)]
    }

    pub(crate) fn node_dir(&self, id: u64) -> PathBuf {
        self.dir.path().join(format!("node-{id}"))
    }

    /// Starts a member on what its data directory holds, or on a new one.
    pub(crate) async fn start(&mut self, id: u64) {
        let node = self.run(id, Formation::Founder(self.members.clone())).await;
        self.nodes.insert(NodeId(id), node);
    }

    /// Starts a node that joins the members that there are.
    pub(crate) async fn add_member(&mut self, id: u64) {
        let formation = Formation::Joiner(self.members.clone());
        let addrs = NodeAddrs {
            peer: free_addr().to_string(),
            client: format!("client-{id}:1"),
        };
        self.members.insert(NodeId(id), addrs);
        let node = self.run(id, formation).await;
        self.nodes.insert(NodeId(id), node);
    }

    async fn run(&self, id: u64, formation: Formation) -> Node {
        let (node_id, dir) = (NodeId(id), self.node_dir(id));
        if !dir.exists() {
            Store::create(&dir, self.id.clone(), node_id).unwrap();
        }
        let store = Store::open(&dir, Some((self.id.clone(), node_id)), Arc::new(Hub::default())).unwrap();
        let listener = self.bind(id);
        let handle = listener.handle();
        let local = Arc::new(Local::new(store.identity(), store.log()));
        let links = Links::new(
            handle.peer_dialer().unwrap(),
            AddressBook::default(),
            Arc::clone(&local),
        );
        let config = ConsensusConfig {
            node_id,
            heartbeat_interval: Duration::from_millis(100),
            election_timeout: Duration::from_millis(500),
            snapshot_entries: 500,
            keep_entries: 50,
            hand_back: self.hand_back,
            formation,
        };
        let consensus = Consensus::start(config, &store, Arc::clone(&local), Arc::clone(&links))
            .await
            .unwrap();
        let handlers = PeerHandlers {
            raft: consensus.stream_handler(),
            relay: Arc::new(NoRelay),
            join: None,
        };
        let serving = tokio::spawn(serve(listener, Arc::clone(&local), Arc::clone(&links), handlers));
        Node {
            consensus,
            local,
            links,
            listener: handle,
            store,
            serving,
        }
    }

    /// A listener at the addr of this member, with a certificate for it.
    pub(crate) fn bind(&self, id: u64) -> Listener {
        let addr = self
            .members
            .get(&NodeId(id))
            .map_or_else(free_addr, |addrs| addrs.peer.parse().unwrap());
        let identity = SharedIdentity::new(self.ca.issue_node(&self.id, NodeId(id)).unwrap());
        Listener::bind(
            Port::Peer,
            addr,
            identity,
            &NodeSecrets::random(),
            Limits::of(Port::Peer),
        )
        .unwrap()
    }

    /// Stops a node without handing anything over. Its data stay.
    pub(crate) async fn stop(&mut self, id: u64) {
        self.nodes.remove(&NodeId(id)).unwrap().stop().await;
    }

    pub(crate) fn wipe(&self, id: u64) {
        std::fs::remove_dir_all(self.node_dir(id)).unwrap();
    }

    /// Waits until all running nodes agree on a leader that runs.
    pub(crate) async fn leader(&self) -> u64 {
        let agreed = async {
            loop {
                let mut leaders = self.nodes.values().map(|node| node.view().leader);
                let first = leaders
                    .next()
                    .flatten()
                    .filter(|leader| self.nodes.contains_key(leader));
                if let Some(leader) = first
                    && leaders.all(|other| other == first)
                    && self.node(leader.0).consensus.is_leader()
                {
                    return leader.0;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(PATIENCE, agreed)
            .await
            .expect("the running nodes agree on a leader")
    }

    /// Waits until this node leads in the eyes of all that run.
    pub(crate) async fn led_by(&self, id: u64) {
        for node in self.nodes.values() {
            node.until("it follows the right leader", |view| view.leader == Some(NodeId(id)))
                .await;
        }
    }

    /// Proposes through whoever leads until it is applied.
    pub(crate) async fn write(&self) {
        let written = async {
            loop {
                let leader = self.leader().await;
                let outcomes = self.node(leader).propose(1).await;
                if matches!(outcomes[..], [ProposeOutcome::Applied { .. }]) {
                    return;
                }
            }
        };
        timeout(PATIENCE, written).await.expect("a write is applied");
    }

    pub(crate) async fn end(mut self) {
        while let Some((_, node)) = self.nodes.pop_first() {
            node.stop().await;
        }
    }
}

impl Node {
    pub(crate) fn view(&self) -> View {
        self.consensus.view().borrow().clone()
    }

    /// Waits until its view is so.
    pub(crate) async fn until(&self, what: &str, so: impl FnMut(&View) -> bool) -> View {
        let mut view = self.consensus.view();
        let seen = timeout(PATIENCE, view.wait_for(so)).await;
        let seen = seen.ok().and_then(|seen| seen.ok().map(|view| view.clone()));
        seen.unwrap_or_else(|| panic!("node {}: {what}: {:#?}", self.consensus.node_id(), self.view()))
    }

    pub(crate) async fn until_enrolment(&self, so: impl FnMut(&Enrolment) -> bool) -> Enrolment {
        let mut enrolment = self.local.enrolment();
        let seen = timeout(PATIENCE, enrolment.wait_for(so)).await;
        let seen = seen.ok().and_then(|seen| seen.ok().map(|enrolment| enrolment.clone()));
        seen.unwrap_or_else(|| panic!("its enrolment is {:?}", self.local.enrolment().borrow()))
    }

    /// Proposes so many commands as one batch.
    pub(crate) async fn propose(&self, commands: u8) -> Vec<ProposeOutcome> {
        self.consensus
            .propose((0..commands).map(command).collect(), soon())
            .await
    }

    pub(crate) async fn stop(self) {
        self.consensus.shutdown().await;
        self.listener.close(CloseCode::Ok, "").await;
        self.serving.await.unwrap();
        let Self {
            consensus,
            local,
            links,
            listener,
            store,
            ..
        } = self;
        drop((consensus, local, links, listener));
        store.shutdown().await.unwrap();
    }
}

pub(crate) fn soon() -> Instant {
    Instant::now() + PATIENCE
}

/// A command that the core refuses, which is as good as any: it is appended, committed, applied and answered.
pub(crate) fn command(n: u8) -> Bytes {
    let command = Command::GrantWriter(GrantWriter {
        device: DeviceId([n; 32]),
    });
    quorate_protocol::entry::encode(&Entry {
        proposed_at: Timestamp(u64::from(n)),
        command,
    })
}

/// A port that was free a moment ago.
fn free_addr() -> SocketAddr {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.local_addr().unwrap()
}

struct NoRelay;

impl StreamHandler for NoRelay {
    fn stream(&self, _: NodeId, _: FrameSender, _: FrameReceiver) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}
