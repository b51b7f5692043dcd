//! A node without its clients: the store and consensus of `chatd`, on its config.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quorate_certs::{NodeIdentity, NodeSecrets, SharedIdentity};
use quorate_core::NodeId;
use quorate_daemon::config::{Config, Flags};
use quorate_daemon::consensus::types::NodeAddrs;
use quorate_daemon::consensus::{Consensus, ConsensusConfig, Formation};
use quorate_daemon::fanout::Hub;
use quorate_daemon::peer::{AddressBook, Links, Local, PeerHandlers, StreamHandler, serve};
use quorate_daemon::store::Store;
use quorate_formation::{ClusterFile, NodeSpec};
use quorate_transport::{CloseCode, FrameReceiver, FrameSender, Limits, Listener, ListenerHandle, Port};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::size;
use crate::Outcome;

/// How long the only node of a cluster may take to lead it.
const LEAD_DEADLINE: Duration = Duration::from_secs(30);

pub(super) struct Node {
    pub(super) consensus: Consensus,
    store: Store,
    listener: ListenerHandle,
    serving: JoinHandle<()>,
    config: Config,
}

impl Node {
    /// Makes its data directory, and waits until it leads.
    pub(super) async fn start(config: &Path) -> Outcome<Self> {
        let config = Config::load(Some(config), &[], &Flags::default())?;
        let identity = NodeIdentity::load_files(&config.tls.ca, &config.tls.cert, &config.tls.key)?;
        let (cluster, node) = (identity.cluster_id().clone(), identity.node_id());
        let file = config
            .cluster
            .file
            .as_deref()
            .ok_or("the config names no cluster file")?;
        let founders = ClusterFile::load(file)?.nodes().iter().map(founder).collect();
        Store::create(&config.node.data_dir, cluster.clone(), node)?;
        let store = Store::open(&config.node.data_dir, Some((cluster, node)), Arc::new(Hub::default()))?;
        // Nobody will dial: but links need a socket to dial from.
        let listener = Listener::bind(
            Port::Peer,
            config.listen.peer,
            SharedIdentity::new(identity),
            &NodeSecrets::random(),
            Limits::of(Port::Peer),
        )?;
        let handle = listener.handle();
        let local = Arc::new(Local::new(store.identity(), store.log()));
        let dialer = handle.peer_dialer().ok_or("the peer port does not dial")?;
        let links = Links::new(dialer, AddressBook::default(), Arc::clone(&local));
        let consensus = Consensus::start(
            ConsensusConfig {
                node_id: node,
                heartbeat_interval: config.raft.heartbeat_interval,
                election_timeout: config.raft.election_timeout,
                snapshot_entries: config.raft.snapshot_entries,
                keep_entries: config.raft.keep_entries,
                hand_back: None,
                formation: Formation::Founder(founders),
            },
            &store,
            Arc::clone(&local),
            Arc::clone(&links),
        )
        .await?;
        let handlers = PeerHandlers {
            raft: consensus.stream_handler(),
            relay: Arc::new(NoRelay),
            join: None,
        };
        let serving = tokio::spawn(serve(listener, local, links, handlers));
        let mut view = consensus.view();
        timeout(LEAD_DEADLINE, view.wait_for(|view| view.leader == Some(node))).await??;
        Ok(Self {
            consensus,
            store,
            listener: handle,
            serving,
            config,
        })
    }

    /// Ends it in good order: the last checkpoint is made, so that a daemon has nothing to replay.
    pub(super) async fn stop(self) -> Outcome<()> {
        self.consensus.shutdown().await;
        self.listener.close(CloseCode::Ok, "").await;
        self.serving.await?;
        drop((self.consensus, self.listener));
        self.store.shutdown().await?;
        eprintln!("{} MB on disk", size(&self.config.node.data_dir)? / 1_000_000);
        Ok(())
    }
}

fn founder(node: &NodeSpec) -> (NodeId, NodeAddrs) {
    let addrs = NodeAddrs {
        peer: node.peer_addr.to_string(),
        client: node.client_addr.to_string(),
    };
    (node.id, addrs)
}

/// There is nobody to relay for.
struct NoRelay;

impl StreamHandler for NoRelay {
    fn stream(&self, _: NodeId, _: FrameSender, _: FrameReceiver) -> BoxFuture<'static, ()> {
        async {}.boxed()
    }
}
