//! Who the other side of a connection is, as far as its certificates tell.

use quorate_core::{DeviceId, NodeId};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use crate::cluster::ClusterId;
use crate::x509;

/// The longest certificate that is parsed. A node's has about 600 bytes, a device's about 250.
pub const CERT_MAX_BYTES: usize = 2 * 1024;
/// A node sends its own certificate and the CA's.
const CHAIN_MAX: usize = 2;

/// What a peer showed in its handshake; TLS has proven that it has the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Presented {
    /// A certificate in force, from our CA, that names this node of our cluster.
    Node(NodeId),
    /// A key by itself, in a certificate that claims nothing. What the key may do is for the replicated state to say.
    Device(DeviceId),
}

/// Certificates that make their sender neither a node nor a device.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PresentedError {
    /// There were none.
    #[error("no certificate was presented")]
    Nothing,
    /// More than a node sends.
    #[error("{0} certificates were presented, at most {CHAIN_MAX} are read")]
    TooMany(usize),
    /// A certificate longer than any of ours.
    #[error("a certificate of {0} bytes was presented, at most {CERT_MAX_BYTES} are read")]
    TooLong(usize),
    /// It does not parse.
    #[error("the certificate is malformed")]
    Malformed(#[source] webpki::Error),
    /// It claims an issuer that is not our CA, or has expired, or must not be used so.
    #[error("the certificate is not from this cluster's CA, or not in force")]
    NotTrusted(#[source] webpki::Error),
    /// From our CA, but it does not name exactly one node.
    #[error("the certificate does not name exactly one node")]
    NotANode,
    /// From our CA, for a node of another cluster.
    #[error("the certificate is for a node of the cluster {0}")]
    OtherCluster(ClusterId),
}

/// Classifies a chain, the peer's own certificate first. What leads to our CA must be a node; what does not must be one
/// certificate that is its own issuer, and is a device. All else is refused.
///
/// # Errors
/// The chain makes neither.
pub fn classify(
    chain: &[CertificateDer<'_>],
    roots: &RootCertStore,
    cluster: &ClusterId,
    now: UnixTime,
) -> Result<Presented, PresentedError> {
    let Some((leaf, intermediates)) = chain.split_first() else {
        return Err(PresentedError::Nothing);
    };
    check_sizes(chain)?;
    let leaf = EndEntityCert::try_from(leaf).map_err(PresentedError::Malformed)?;
    match x509::verify_as_client(&leaf, intermediates, roots, now) {
        Ok(()) => match x509::only_node(&leaf) {
            Some((of, node)) if of == *cluster => Ok(Presented::Node(node)),
            Some((other, _)) => Err(PresentedError::OtherCluster(other)),
            None => Err(PresentedError::NotANode),
        },
        Err(_) if intermediates.is_empty() && leaf.issuer() == leaf.subject() => Ok(Presented::Device(x509::device_id(&leaf))),
        Err(error) => Err(PresentedError::NotTrusted(error)),
    }
}

/// Before anything is parsed.
pub(crate) fn check_sizes(chain: &[CertificateDer<'_>]) -> Result<(), PresentedError> {
    if chain.len() > CHAIN_MAX {
        return Err(PresentedError::TooMany(chain.len()));
    }
    match chain.iter().find(|cert| cert.len() > CERT_MAX_BYTES) {
        Some(cert) => Err(PresentedError::TooLong(cert.len())),
        None => Ok(()),
    }
}
