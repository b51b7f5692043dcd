//! The identity in use, which may be replaced while connections are made with it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use quorate_core::NodeId;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::cluster::ClusterId;
use crate::node::NodeIdentity;

/// A node's identity behind a pointer that can be swapped. All clones see the same; handshakes that begin after a swap use
/// the new one, and connections keep what they began with.
#[derive(Clone, Debug)]
pub struct SharedIdentity(Arc<ArcSwap<NodeIdentity>>);

/// An identity that must not take the place of the present one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the new certificate is for node {node} of cluster {cluster}, which this node is not")]
pub struct OtherNode {
    /// The cluster that the new identity names.
    pub cluster: ClusterId,
    /// The node that the new identity names.
    pub node: NodeId,
}

impl SharedIdentity {
    /// To begin with this identity.
    #[must_use]
    pub fn new(identity: NodeIdentity) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(identity)))
    }

    /// The identity at present.
    #[must_use]
    pub fn current(&self) -> Arc<NodeIdentity> {
        self.0.load_full()
    }

    /// Puts another identity, of the same node, in place of the present one.
    ///
    /// # Errors
    /// It is that of another node or cluster. Nothing has changed.
    pub fn replace(&self, identity: NodeIdentity) -> Result<(), OtherNode> {
        let present = self.current();
        if present.node_id() != identity.node_id() || present.cluster_id() != identity.cluster_id() {
            return Err(OtherNode {
                cluster: identity.cluster_id().clone(),
                node: identity.node_id(),
            });
        }
        self.0.store(Arc::new(identity));
        Ok(())
    }
}

impl ResolvesServerCert for SharedIdentity {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.current().certified()))
    }
}

impl ResolvesClientCert for SharedIdentity {
    fn resolve(&self, _hints: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(self.current().certified()))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ca::ClusterCa;

    #[test]
    fn only_the_same_node_takes_its_own_place() {
        let cluster = ClusterId::random();
        let ca = ClusterCa::generate(&cluster).unwrap();
        let shared = SharedIdentity::new(ca.issue_node(&cluster, NodeId(1)).unwrap());
        let before = shared.current().chain_pem().to_owned();
        assert!(shared.replace(ca.issue_node(&cluster, NodeId(2)).unwrap()).is_err());
        assert!(
            shared
                .replace(ca.issue_node(&ClusterId::random(), NodeId(1)).unwrap())
                .is_err()
        );
        assert_eq!(shared.current().chain_pem(), before);
        shared
            .clone()
            .replace(ca.issue_node(&cluster, NodeId(1)).unwrap())
            .unwrap();
        assert_ne!(shared.current().chain_pem(), before);
    }
}
