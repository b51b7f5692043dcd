//! Why a node does not begin, or ends by itself.

use std::io;
use std::path::PathBuf;

use quorate_certs::{CaError, IdentityError, KekError, SecretsError};
use quorate_core::NodeId;
use quorate_formation::{AuthorityFileError, ClusterFileError};
use thiserror::Error;

use crate::admin::AdminSocketError;
use crate::consensus::{StartError, StopCause};
use crate::store::{OpenError, StoreError};

/// Each variant is something else for the operator to do.
#[derive(Debug, Error)]
pub enum NodeError {
    /// Mend the certificate files.
    #[error("this node's certificate cannot be used")]
    Identity(#[from] IdentityError),
    /// Mend the cluster file.
    #[error("the cluster file cannot be used")]
    ClusterFile(#[from] ClusterFileError),
    /// Look at the file, or give the node an empty data directory.
    #[error("{path}")]
    Place {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Say in the config where others reach this node.
    #[error("this node listens on all addresses, so its config must say where others reach it: [listen] {key}")]
    NoAdvertised {
        /// Which key is missing.
        key: &'static str,
    },
    /// The CA could not be made.
    #[error("the cluster's CA could not be made")]
    Ca(#[from] CaError),
    /// Mend the file with the key of the cluster.
    #[error("the cluster's key cannot be used")]
    Kek(#[from] KekError),
    /// Mend the file with the CA.
    #[error("the cluster's CA cannot be used")]
    Authority(#[from] AuthorityFileError),
    /// Give the node its own certificate.
    #[error("the certificate is node {certified}'s and the config says node {configured}")]
    OtherNode {
        /// Whose certificate it is.
        certified: NodeId,
        /// Whom the config or a flag names.
        configured: NodeId,
    },
    /// Give the node the certificate or the file of its own cluster.
    #[error("the certificate is of cluster {certified} and the cluster file of {listed}")]
    OtherCluster {
        /// The certificate's cluster.
        certified: String,
        /// The file's.
        listed: String,
    },
    /// Put the node into the file, or take another id.
    #[error("node {node} is not listed in the cluster file")]
    NotListed {
        /// This node.
        node: NodeId,
    },
    /// Look at the data directory: another node's, a newer version's, or damaged.
    #[error("the data directory {dir} cannot be used")]
    Open {
        /// Which.
        dir: PathBuf,
        /// Why.
        #[source]
        source: OpenError,
    },
    /// Look at the file that holds the endpoint's keys.
    #[error("the endpoint's keys cannot be used")]
    Secrets(#[from] SecretsError),
    /// Free the address or take another.
    #[error("the {port} port {addr} cannot be bound")]
    Bind {
        /// Which port.
        port: &'static str,
        /// Its address.
        addr: std::net::SocketAddr,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Free the socket's path or take another.
    #[error("the admin socket cannot be opened")]
    AdminSocket(#[from] AdminSocketError),
    /// Signals cannot be waited for.
    #[error("signals cannot be waited for")]
    Signals(#[source] io::Error),
    /// Raft did not begin.
    #[error("Raft does not begin")]
    Start(#[from] StartError),
    /// Look at the disk. Nothing was confirmed after the error.
    #[error("storage failed")]
    Storage(#[source] StoreError),
    /// Raft ended: by the cluster's word, which says what to do, or by a failure.
    #[error(transparent)]
    Stopped(#[from] StopCause),
}
