//! The cluster's CA.

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

/// The answer of `GET /v1/ca` and `POST /v1/ca/rotate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaReport {
    /// What links and tokens carry of it: the SHA-256 of its public key, in hex.
    pub fingerprint: String,
    /// The one before it, while that one's nodes are still believed.
    pub retiring: Option<String>,
    /// Whose certificates the nodes have.
    pub nodes: Vec<NodeCa>,
}

/// Whose certificate a node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCa {
    /// The node.
    pub id: NodeId,
    /// The fingerprint of the CA; `null` for a node that does not answer.
    pub ca: Option<String>,
    /// It is the present CA's.
    pub is_present: bool,
}

/// The answer of `POST /v1/ca/export`. Whoever has it can be any node.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaKey {
    /// What links and tokens carry of it.
    pub fingerprint: String,
    /// Its certificate, PEM.
    pub cert: String,
    /// Its key, PEM.
    pub key: String,
    /// What leads to it from CAs before it, PEM; empty for the first.
    pub lineage: String,
}

impl std::fmt::Debug for CaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaKey")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}
