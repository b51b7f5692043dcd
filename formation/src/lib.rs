//! A cluster that is formed all at once, from one file.
//!
//! `cluster.toml` lists the nodes; [`new_cluster`] makes it, the CA, and for each node a folder with everything that its
//! daemon needs. The daemon reads the file to form the cluster, `chatctl cluster new` and the demo make it.
//!
//! Each node's folder also holds the CA's key, sealed ([`AuthorityFile`]), so that the cluster can let in nodes that were not
//! listed. A cluster that grows node by node from its first one has that file and no `cluster.toml`.
//!
//! Knows no socket, no consensus and no chat.

mod addr;
mod authority;
mod ca_dir;
mod create;
mod file;

pub use addr::{NodeAddr, NodeAddrError};
pub use authority::{AUTHORITY_FILE, AuthorityFile, AuthorityFileError, CERT_DIR, UNNAMED};
pub use ca_dir::{CaDirError, load_ca, save_ca};
pub use create::{CA_DIR, CLUSTER_FILE, NODE_CONFIG_FILE, NewCluster, NewClusterError, NewNode, new_cluster, node_dir};
pub use file::{CLUSTER_NAME_BYTES_MAX, ClusterFile, ClusterFileError, NODES_MAX, NodeSpec, RosterError, check_roster};
