//! Where this node's certificate is.

use quorate_certs::{IdentityError, NODE_CERT_FILE, NodeIdentity};

use crate::config::Config;

/// Reads the certificate that the config names. Where there is none, as beside a plain config, that of the data directory
/// counts: a restored node has it there.
pub(super) fn load(config: &Config) -> Result<NodeIdentity, IdentityError> {
    let (tls, data_dir) = (&config.tls, &config.node.data_dir);
    if !tls.cert.exists() && data_dir.join(NODE_CERT_FILE).exists() {
        return NodeIdentity::load(data_dir);
    }
    NodeIdentity::load_files(&tls.ca, &tls.cert, &tls.key)
}
