//! What lies in a data directory beside the log and the state: who this node is, where it was not told by its config.
//!
//! ```text
//! cert/ca.crt node.crt node.key      of a node that came by `init` or `join`, or whose certificate was renewed
//! cluster.kek                        seals the CA's key
//! authority.toml                     of founders: the CA, for the first leader to hand to the cluster
//! joined.toml                        of joiners: the cluster as they met it
//! ```
//! They are written before the data, and the data's own identity comes last: a directory without it is one that waits, and
//! who dies on the way in asks again with the same key.

use std::collections::BTreeMap;
use std::path::Path;

use quorate_certs::{
    ClusterCa, ClusterId, ClusterKek, IdentityError, NODE_CERT_FILE, NODE_KEY_FILE, NodeIdentity, NodeKey,
};
use quorate_core::{Authority, NodeId, Operator, Reach};
use quorate_formation::{AuthorityFile, CERT_DIR, NodeAddr, UNNAMED};
use serde::{Deserialize, Serialize};

use super::NodeError;
use crate::config::Config;
use crate::join::Admission;
use crate::steward::Founding;
use crate::store::{Incarnation, Store};

/// The cluster as a joiner met it.
const JOINED_FILE: &str = "joined.toml";

/// The identity of the node whose data directory this is: of the one that it got here and the one where the config says,
/// that which is in force for longer.
pub(super) fn identity(config: &Config) -> Result<NodeIdentity, IdentityError> {
    let own = config.node.data_dir.join(CERT_DIR);
    let configured = || NodeIdentity::load_files(&config.tls.ca, &config.tls.cert, &config.tls.key);
    if !own.join(NODE_CERT_FILE).exists() {
        return configured();
    }
    let own = NodeIdentity::load(&own)?;
    let same = |other: &NodeIdentity| (other.cluster_id(), other.node_id()) == (own.cluster_id(), own.node_id());
    match configured() {
        Ok(other) if same(&other) && other.expires_at() > own.expires_at() => Ok(other),
        _ => Ok(own),
    }
}

/// Keeps a certificate that this node got.
pub(super) fn keep_identity(data_dir: &Path, identity: &NodeIdentity) -> Result<(), IdentityError> {
    identity.save(&data_dir.join(CERT_DIR))
}

/// Where founders of a listed cluster have what they hand to it: beside their certificate.
pub(super) fn founders_folder(config: &Config) -> &Path {
    config.tls.cert.parent().unwrap_or(Path::new("."))
}

/// `joined.toml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinedFile {
    /// What operators call the cluster.
    pub(super) name: String,
    /// The nodes that there were, and where.
    pub(super) members: BTreeMap<NodeId, String>,
}

impl JoinedFile {
    pub(super) fn load(data_dir: &Path) -> Result<Option<Self>, NodeError> {
        let path = data_dir.join(JOINED_FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(NodeError::Place { path, source }),
        };
        toml::from_str(&text).map(Some).map_err(|error| NodeError::Place {
            path,
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string()),
        })
    }

    fn save(&self, data_dir: &Path) -> Result<(), NodeError> {
        let path = data_dir.join(JOINED_FILE);
        let text = toml::to_string(self).expect("texts and numbers are TOML");
        write_synced(&path, text.as_bytes()).map_err(|source| NodeError::Place { path, source })
    }
}

/// Where this node is to be reached, by its config.
pub(super) fn own_reach(config: &Config) -> Result<Reach, NodeError> {
    let addr = |key, advertised: &Option<NodeAddr>, listens: std::net::SocketAddr| {
        let addr = match advertised {
            Some(addr) => addr.clone(),
            None if listens.ip().is_unspecified() => return Err(NodeError::NoAdvertised { key }),
            None => NodeAddr::from(listens),
        };
        addr.to_string().parse().map_err(|_| NodeError::NoAdvertised { key })
    };
    let listen = &config.listen;
    Ok(Reach {
        peer: addr("advertise_peer", &listen.advertise_peer, listen.peer)?,
        client: addr("advertise_client", &listen.advertise_client, listen.client)?,
    })
}

/// The key that a joiner asks with, the same each time.
pub(super) fn joiner_key(data_dir: &Path) -> Result<NodeKey, NodeError> {
    Ok(NodeKey::load_or_create(&data_dir.join(CERT_DIR).join(NODE_KEY_FILE))?)
}

/// Makes this directory that of the first node of a new cluster. Blocks.
pub(super) fn found(config: &Config, name: &str, by: Operator) -> Result<(ClusterId, NodeId), NodeError> {
    let data_dir = &config.node.data_dir;
    let (cluster, node) = (ClusterId::random(), config.node.id.unwrap_or(NodeId(1)));
    let ca = ClusterCa::generate(&cluster)?;
    let kek = ClusterKek::random();
    let authority = AuthorityFile::seal(name, Some(by.uid), &cluster, &ca, &kek);
    ca.issue_node(&cluster, node)?.save(&data_dir.join(CERT_DIR))?;
    kek.save(data_dir)?;
    // What an attempt before this one left.
    for left in [quorate_formation::AUTHORITY_FILE, JOINED_FILE] {
        remove(&data_dir.join(left))?;
    }
    authority.save(data_dir)?;
    create(data_dir, cluster.clone(), node)?;
    Ok((cluster, node))
}

/// Makes this directory that of a node that was let in. Blocks.
pub(super) fn settle(data_dir: &Path, key: &NodeKey, admission: &Admission) -> Result<(), NodeError> {
    let Admission { cert, kek, .. } = admission;
    let identity = NodeIdentity::from_pem(&cert.ca_pem, &cert.chain_pem, &key.to_pem())?;
    if (identity.cluster_id(), identity.node_id()) != (&admission.cluster, admission.node) {
        return Err(NodeError::OtherNode {
            certified: identity.node_id(),
            configured: admission.node,
        });
    }
    identity.save(&data_dir.join(CERT_DIR))?;
    kek.save(data_dir)?;
    remove(&data_dir.join(quorate_formation::AUTHORITY_FILE))?;
    let joined = JoinedFile {
        name: admission.name.clone(),
        members: admission.members.iter().cloned().collect(),
    };
    joined.save(data_dir)?;
    create(data_dir, admission.cluster.clone(), admission.node)?;
    Ok(())
}

/// Brings what a founder of a listed cluster hands to it from its folder into its data directory. Blocks.
pub(super) fn bring_authority(folder: &Path, data_dir: &Path) -> Result<(), NodeError> {
    let (Some(kek), Some(authority)) = (ClusterKek::load(folder)?, AuthorityFile::load(folder)?) else {
        return Ok(());
    };
    std::fs::create_dir_all(data_dir).map_err(|source| NodeError::Place {
        path: data_dir.to_owned(),
        source,
    })?;
    kek.save(data_dir)?;
    remove(&data_dir.join(quorate_formation::AUTHORITY_FILE))?;
    Ok(authority.save(data_dir)?)
}

/// What the first leader writes down, as far as this node has it.
pub(super) fn founding(data_dir: &Path, name: Option<&str>) -> Result<Founding, NodeError> {
    let file = AuthorityFile::load(data_dir)?;
    let owner = || {
        let metadata = std::fs::metadata(data_dir);
        metadata.map_or(0, |metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
    };
    let uid = file.as_ref().and_then(|file| file.by_uid).unwrap_or_else(owner);
    let named = file.as_ref().map(|file| file.name.as_str()).or(name);
    Ok(Founding {
        name: named.unwrap_or(UNNAMED).to_owned(),
        by: Operator { uid },
        authority: file.map(|file| Authority {
            cert: file.cert,
            sealed_key: file.sealed_key,
            lineage: file.lineage,
            retiring: None,
        }),
    })
}

/// Makes the data, last of all.
pub(super) fn create(data_dir: &Path, cluster: ClusterId, node: NodeId) -> Result<Incarnation, NodeError> {
    let made = Store::create(data_dir, cluster, node).map_err(|source| NodeError::Open {
        dir: data_dir.to_owned(),
        source,
    })?;
    tracing::info!(dir = %data_dir.display(), incarnation = %made.incarnation, "a new data directory");
    Ok(made.incarnation)
}

fn remove(path: &Path) -> Result<(), NodeError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(NodeError::Place {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

fn write_synced(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}
