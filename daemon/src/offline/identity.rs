//! Who a restored node is: its cluster, its CA, its certificate, and where its daemon finds them.

use std::path::{Path, PathBuf};

use quorate_certs::{ClusterCa, ClusterId, ClusterKek, NodeIdentity};
use quorate_core::NodeId;
use quorate_formation::{AuthorityFile, CA_DIR, CERT_DIR, load_ca, save_ca};

use super::RestoreError;

/// What a node is known by.
pub(super) struct NewIdentity {
    pub(super) cluster: ClusterId,
    pub(super) ca: ClusterCa,
    /// What leads to it from CAs before it.
    lineage: String,
    pub(super) node: NodeIdentity,
    /// Whether the CA is new, and nobody has it yet.
    ca_is_new: bool,
}

impl NewIdentity {
    /// Of the first node of a new cluster: with a CA of its own, or with one that was saved, which clients know then.
    pub(super) fn make(node: NodeId, saved_ca: Option<&Path>) -> Result<Self, RestoreError> {
        let cluster = ClusterId::random();
        let (ca, lineage) = match saved_ca {
            Some(dir) => load_ca(dir)?,
            None => (ClusterCa::generate(&cluster)?, String::new()),
        };
        let node = ca.issue_node_after(&cluster, node, &lineage)?;
        Ok(Self {
            cluster,
            ca,
            lineage,
            node,
            ca_is_new: saved_ca.is_none(),
        })
    }

    /// Puts into the data directory what a node has there that was made by `chatctl cluster init`: certificate and key, and the CA,
    /// sealed, for its daemon to hand to the cluster. A new CA also goes into a folder of its own, for the operator.
    pub(super) fn save(&self, data_dir: &Path, name: &str) -> Result<Option<PathBuf>, RestoreError> {
        self.node.save(&data_dir.join(CERT_DIR))?;
        let kek = ClusterKek::random();
        kek.save(data_dir)?;
        AuthorityFile::seal_with(name, None, (&self.cluster, &kek), &self.ca, &self.lineage).save(data_dir)?;
        if !self.ca_is_new {
            return Ok(None);
        }
        let dir = data_dir.join(CA_DIR);
        save_ca(&dir, &self.ca, &self.lineage)?;
        Ok(Some(dir))
    }
}
