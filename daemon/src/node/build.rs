//! What a node stands on: its certificate, its cluster, its data directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use quorate_certs::{NodeIdentity, SharedIdentity};
use quorate_core::NodeId;
use quorate_formation::ClusterFile;

use super::NodeError;
use crate::config::Config;
use crate::consensus::types::NodeAddrs;
use crate::fanout::Hub;
use crate::store::{Contents, Store};

/// The name of a cluster that has no file to say it.
const UNNAMED: &str = "quorate";

/// The ground under a node.
pub(super) struct Ground {
    pub(super) identity: SharedIdentity,
    pub(super) node: NodeId,
    pub(super) cluster_name: String,
    /// Who forms the cluster; empty without a cluster file.
    pub(super) founders: BTreeMap<NodeId, NodeAddrs>,
    pub(super) hub: Arc<Hub>,
    pub(super) store: Store,
}

/// Checks that certificate, cluster file and data directory are of one node, and opens the data.
/// Blocks.
pub(super) fn lay(config: &Config) -> Result<Ground, NodeError> {
    let identity = super::identity::load(config)?;
    let node = identity.node_id();
    if let Some(configured) = config.node.id.filter(|configured| *configured != node) {
        return Err(NodeError::OtherNode {
            certified: node,
            configured,
        });
    }
    let file = config.cluster.file.as_deref().map(ClusterFile::load).transpose()?;
    if let Some(file) = &file {
        check(file, &identity)?;
    }
    let store = open(&config.node.data_dir, &identity, file.is_some())?;
    let cluster_name = file.as_ref().map_or(UNNAMED, ClusterFile::name).to_owned();
    let founders = file.iter().flat_map(|file| file.nodes().iter().map(founder)).collect();
    let (hub, store) = store;
    Ok(Ground {
        identity: SharedIdentity::new(identity),
        node,
        cluster_name,
        founders,
        hub,
        store,
    })
}

fn check(file: &ClusterFile, identity: &NodeIdentity) -> Result<(), NodeError> {
    if file.id() != identity.cluster_id() {
        return Err(NodeError::OtherCluster {
            certified: identity.cluster_id().to_string(),
            listed: file.id().to_string(),
        });
    }
    if file.node(identity.node_id()).is_none() {
        return Err(NodeError::NotListed {
            node: identity.node_id(),
        });
    }
    Ok(())
}

fn open(dir: &Path, identity: &NodeIdentity, is_founder: bool) -> Result<(Arc<Hub>, Store), NodeError> {
    let failed = |source| NodeError::Open {
        dir: dir.to_owned(),
        source,
    };
    let (cluster, node) = (identity.cluster_id().clone(), identity.node_id());
    if matches!(Store::inspect(dir).map_err(failed)?, Contents::Empty) {
        if !is_founder {
            return Err(NodeError::NoCluster { dir: dir.to_owned() });
        }
        let made = Store::create(dir, cluster.clone(), node).map_err(failed)?;
        tracing::info!(dir = %dir.display(), incarnation = %made.incarnation, "a new data directory");
    }
    let hub = Arc::new(Hub::default());
    let store = Store::open(dir, Some((cluster, node)), Arc::clone(&hub)).map_err(failed)?;
    Ok((hub, store))
}

fn founder(node: &quorate_formation::NodeSpec) -> (NodeId, NodeAddrs) {
    (
        node.id,
        NodeAddrs {
            peer: node.peer_addr.to_string(),
            client: node.client_addr.to_string(),
        },
    )
}
