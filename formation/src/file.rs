//! `cluster.toml`: which nodes a cluster is formed of, and by whose CA they know each other.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use quorate_certs::{CaFingerprint, ClusterId};
use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::addr::NodeAddr;

/// More voters than this only make every write slower.
pub const NODES_MAX: usize = 31;
/// The longest name of a cluster, in bytes.
pub const CLUSTER_NAME_BYTES_MAX: usize = 64;
/// With [`NODES_MAX`] nodes of the longest addresses the file is a third of this.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// The head of the file, for those who open it.
const FILE_HEAD: &str = "\
# The nodes that form this cluster. Every node reads the same file, once: when the cluster is formed.
# Later changes are made with chatctl, and are not written here.

";

/// One node, as an operator lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// Its id, from 1 on. The highest id leads by preference.
    pub id: NodeId,
    /// Where clients reach it.
    pub client_addr: NodeAddr,
    /// Where other nodes reach it.
    pub peer_addr: NodeAddr,
}

/// Nodes that cannot be a cluster.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// There are none.
    #[error("a cluster has at least one node")]
    Empty,
    /// There are too many.
    #[error("a cluster has at most {NODES_MAX} nodes, not {0}")]
    TooMany(usize),
    /// Ids begin at 1.
    #[error("node ids begin at 1")]
    ZeroId,
    /// Two nodes have one id.
    #[error("two nodes have the id {0}")]
    DuplicateId(NodeId),
    /// One address is given twice.
    #[error("{addr} is given for node {first} and for node {second}")]
    DuplicateAddr {
        /// The address.
        addr: NodeAddr,
        /// The node that has it.
        first: NodeId,
        /// The node that has it, too; the same one if its two addresses are one.
        second: NodeId,
    },
    /// The name is empty, too long, or has characters that a terminal would not show.
    #[error("a cluster's name has 1 to {CLUSTER_NAME_BYTES_MAX} bytes and no control characters")]
    Name,
}

/// Whether these nodes, under this name, can be a cluster.
///
/// # Errors
/// They cannot, and why.
pub fn check_roster(name: &str, nodes: &[NodeSpec]) -> Result<(), RosterError> {
    if name.is_empty() || name.len() > CLUSTER_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(RosterError::Name);
    }
    if nodes.is_empty() {
        return Err(RosterError::Empty);
    }
    if nodes.len() > NODES_MAX {
        return Err(RosterError::TooMany(nodes.len()));
    }
    let mut ids = std::collections::BTreeSet::new();
    let mut addrs = BTreeMap::new();
    for node in nodes {
        if node.id == NodeId(0) {
            return Err(RosterError::ZeroId);
        }
        if !ids.insert(node.id) {
            return Err(RosterError::DuplicateId(node.id));
        }
        for addr in [&node.client_addr, &node.peer_addr] {
            if let Some(first) = addrs.insert(addr, node.id) {
                return Err(RosterError::DuplicateAddr {
                    addr: addr.clone(),
                    first,
                    second: node.id,
                });
            }
        }
    }
    Ok(())
}

/// The content of `cluster.toml`. One that exists lists nodes that can be a cluster, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterFile {
    id: ClusterId,
    name: String,
    ca: CaFingerprint,
    nodes: Vec<NodeSpec>,
}

/// A `cluster.toml` that cannot be used, or not be written.
#[derive(Debug, thiserror::Error)]
pub enum ClusterFileError {
    /// The file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is too long to be one.
    #[error("{0} is longer than {FILE_MAX_BYTES} bytes")]
    TooLong(PathBuf),
    /// The text is no TOML of the right shape; the source has the line.
    #[error("not a cluster file")]
    Form(#[from] toml::de::Error),
    /// The nodes cannot be a cluster.
    #[error(transparent)]
    Roster(#[from] RosterError),
}

/// The shape in TOML.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    cluster: Head,
    #[serde(rename = "node", default)]
    nodes: Vec<NodeSpec>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: ClusterId,
    name: String,
    ca: CaFingerprint,
}

impl ClusterFile {
    /// The file of a cluster of these nodes.
    ///
    /// # Errors
    /// The nodes cannot be a cluster.
    pub fn new(id: ClusterId, name: &str, ca: CaFingerprint, nodes: &[NodeSpec]) -> Result<Self, RosterError> {
        check_roster(name, nodes)?;
        let mut nodes = nodes.to_vec();
        nodes.sort_by_key(|node| node.id);
        Ok(Self {
            id,
            name: name.to_owned(),
            ca,
            nodes,
        })
    }

    /// Reads the text of a file.
    ///
    /// # Errors
    /// It is not one, or its nodes cannot be a cluster.
    pub fn parse(text: &str) -> Result<Self, ClusterFileError> {
        let Document { cluster, nodes } = toml::from_str(text)?;
        Ok(Self::new(cluster.id, &cluster.name, cluster.ca, &nodes)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`ClusterFile::parse`], or it could not be read.
    pub fn load(path: &Path) -> Result<Self, ClusterFileError> {
        let failed = |source| ClusterFileError::Io {
            path: path.to_owned(),
            source,
        };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > FILE_MAX_BYTES {
            return Err(ClusterFileError::TooLong(path.to_owned()));
        }
        Self::parse(&text)
    }

    /// The text that [`ClusterFile::parse`] reads.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let head = Head {
            id: self.id.clone(),
            name: self.name.clone(),
            ca: self.ca,
        };
        let document = Document {
            cluster: head,
            nodes: self.nodes.clone(),
        };
        let text = toml::to_string(&document).expect("tables of texts and small integers are TOML");
        format!("{FILE_HEAD}{text}")
    }

    /// Writes a file that is not there yet, readable by all.
    ///
    /// # Errors
    /// It is there, or it could not be written.
    pub fn save(&self, path: &Path) -> Result<(), ClusterFileError> {
        let failed = |source| ClusterFileError::Io {
            path: path.to_owned(),
            source,
        };
        crate::create::write_new(path, self.to_toml().as_bytes(), crate::create::Readers::All).map_err(failed)
    }

    /// The id of the cluster.
    #[must_use]
    pub fn id(&self) -> &ClusterId {
        &self.id
    }

    /// What its operators call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The fingerprint of its CA.
    #[must_use]
    pub fn ca(&self) -> CaFingerprint {
        self.ca
    }

    /// The nodes, by id. At least one.
    #[must_use]
    pub fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    /// A node, by its id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodeSpec> {
        self.nodes.iter().find(|node| node.id == id)
    }
}
