//! What a node stands on: its certificate, its cluster, its data directory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use quorate_certs::{ClusterKek, NodeIdentity, SharedIdentity};
use quorate_core::{LogIndex, NodeId};
use quorate_formation::{AuthorityFile, ClusterFile};

use super::NodeError;
use super::place::{self, JoinedFile};
use super::renew;
use crate::config::Config;
use crate::consensus::Formation;
use crate::consensus::types::NodeAddrs;
use crate::fanout::Hub;
use crate::steward::Founding;
use crate::store::{Contents, Store};

/// The ground under a node.
pub(super) struct Ground {
    pub(super) identity: SharedIdentity,
    pub(super) node: NodeId,
    pub(super) formation: Formation,
    pub(super) founding: Founding,
    pub(super) kek: Option<ClusterKek>,
    pub(super) hub: Arc<Hub>,
    pub(super) store: Store,
}

/// Whether there is neither a node in the data directory nor a file that says of which cluster one is to be made there.
/// Blocks.
pub(super) fn is_vacant(config: &Config) -> Result<bool, NodeError> {
    if config.cluster.file.is_some() {
        return Ok(false);
    }
    Ok(matches!(inspect(&config.node.data_dir)?, Contents::Empty))
}

/// Checks that certificate, cluster file and data directory are of one node, and opens the data.
/// Blocks.
pub(super) fn lay(config: &Config) -> Result<Ground, NodeError> {
    let data_dir = &config.node.data_dir;
    let identity = place::identity(config)?;
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
        if matches!(inspect(data_dir)?, Contents::Empty) {
            place::bring_authority(place::founders_folder(config), data_dir)?;
            place::create(data_dir, identity.cluster_id().clone(), node)?;
        }
    }
    let (hub, store) = open(data_dir, &identity)?;
    let has_log = store.reader().applied() > LogIndex(0);
    let (formation, name) = formation(config, file.as_ref(), node, has_log)?;
    let founding = place::founding(data_dir, name.as_deref())?;
    let kek = ClusterKek::load(data_dir)?;
    let identity = renew::at_start(data_dir, identity, kek.as_ref(), &store.reader(), &founding);
    Ok(Ground {
        node,
        formation,
        founding,
        kek,
        identity: SharedIdentity::new(identity),
        hub,
        store,
    })
}

/// How this node's log begins, and what the cluster is called by whom it was met first.
fn formation(
    config: &Config,
    file: Option<&ClusterFile>,
    node: NodeId,
    has_log: bool,
) -> Result<(Formation, Option<String>), NodeError> {
    if let Some(file) = file {
        let founders = file.nodes().iter().map(founder).collect();
        return Ok((Formation::Founder(founders), Some(file.name().to_owned())));
    }
    let data_dir = &config.node.data_dir;
    if let Some(joined) = JoinedFile::load(data_dir)? {
        let addrs = |peer| NodeAddrs {
            peer,
            client: String::new(),
        };
        let members = joined.members.into_iter().map(|(id, peer)| (id, addrs(peer)));
        return Ok((Formation::Joiner(members.collect()), Some(joined.name)));
    }
    if let Some(authority) = AuthorityFile::load(data_dir)? {
        let reach = match place::own_reach(config) {
            Ok(reach) => reach,
            // A log says itself who the members are; so a restored node starts with any config.
            Err(_) if has_log => return Ok((Formation::Joiner(BTreeMap::new()), Some(authority.name))),
            Err(error) => return Err(error),
        };
        let addrs = NodeAddrs::from(&reach);
        return Ok((
            Formation::Founder(BTreeMap::from([(node, addrs)])),
            Some(authority.name),
        ));
    }
    Ok((Formation::Joiner(BTreeMap::new()), None))
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

fn inspect(dir: &Path) -> Result<Contents, NodeError> {
    Store::inspect(dir).map_err(|source| NodeError::Open {
        dir: dir.to_owned(),
        source,
    })
}

fn open(dir: &Path, identity: &NodeIdentity) -> Result<(Arc<Hub>, Store), NodeError> {
    let (cluster, node) = (identity.cluster_id().clone(), identity.node_id());
    let hub = Arc::new(Hub::default());
    let store = Store::open(dir, Some((cluster, node)), Arc::clone(&hub)).map_err(|source| NodeError::Open {
        dir: dir.to_owned(),
        source,
    })?;
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
