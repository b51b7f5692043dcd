//! TLS for the side that dials: a node that looks for one other node, or a device that looks for any node of its cluster.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, Resumption, verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};

use crate::cluster::{ClusterId, client_server_name};
use crate::device::DeviceKey;
use crate::fingerprint::CaFingerprint;
use crate::presented::{PresentedError, check_sizes};
use crate::provider::{algorithms, provider, sha256};
use crate::shared::SharedIdentity;
use crate::x509::{self, node_named_in};

/// The server name to dial with [`device_client_config`]. It is not sent and not compared: before the handshake a device
/// does not know its cluster's id, so the name to verify comes out of the certificate that the CA signed.
pub const DEVICE_SERVER_NAME: &str = "chat.internal";

/// Handshakes of one [`FirstUse`] that may be under way at once; of more, the oldest are forgotten and fail.
const PENDING_MAX: usize = 64;

/// For a node that dials another under [`node_server_name`](crate::node_server_name): the peer must be that very node, by a
/// certificate from a CA that this node trusts at that time.
#[must_use]
pub fn peer_client_config(identity: &SharedIdentity, alpn: &[u8]) -> ClientConfig {
    client_config(
        Arc::new(TrustedNode(identity.clone())),
        Arc::new(identity.clone()),
        alpn,
    )
}

/// For a device that dials any node of its cluster, under [`DEVICE_SERVER_NAME`].
#[must_use]
pub fn device_client_config(key: &DeviceKey, pin: CaPin, alpn: &[u8]) -> ClientConfig {
    client_config(Arc::new(PinnedCa(pin)), Arc::new(key.clone()), alpn)
}

fn client_config(verifier: Arc<dyn ServerCertVerifier>, own: Arc<dyn ResolvesClientCert>, alpn: &[u8]) -> ClientConfig {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("the provider has TLS 1.3");
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(own);
    config.alpn_protocols = vec![alpn.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    // The names are of no use to a server that has one certificate, and of some to who listens on the way.
    config.enable_sni = false;
    config
}

/// Which CA a device accepts.
#[derive(Clone, Debug)]
pub enum CaPin {
    /// This one, from an invite link or from an earlier first use, or one to which it leads by its lineage.
    Pinned(CaFingerprint),
    /// Whichever comes first, and from then on as if that were pinned.
    FirstUse(Arc<FirstUse>),
}

/// A CA as a device first met it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenCa {
    /// What to pin from now on.
    pub fingerprint: CaFingerprint,
    /// The cluster of the node that was met.
    pub cluster: ClusterId,
}

/// Trust on first use: remembers the CA of the first node that proved its certificate to be its own.
#[derive(Debug, Default)]
pub struct FirstUse {
    seen: OnceLock<SeenCa>,
    /// CAs of chains that were shown and not yet proven, by the hash of the node's certificate. A chain can be shown by
    /// anybody; were it believed already, a liar could spoil the first use for the true server.
    pending: Mutex<VecDeque<([u8; 32], SeenCa)>>,
}

impl FirstUse {
    /// Nothing seen yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// The CA that was met, after the first finished handshake.
    #[must_use]
    pub fn seen(&self) -> Option<&SeenCa> {
        self.seen.get()
    }

    fn shown(&self, leaf: &CertificateDer<'_>, ca: SeenCa) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.len() == PENDING_MAX {
            pending.pop_front();
        }
        pending.push_back((sha256(leaf), ca));
    }

    fn proven(&self, leaf: &CertificateDer<'_>) -> Result<(), PinRefused> {
        let hash = sha256(leaf);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let index = pending
            .iter()
            .position(|(shown, _)| *shown == hash)
            .ok_or(PinRefused::NoCa)?;
        let (_, ca) = pending.remove(index).ok_or(PinRefused::NoCa)?;
        let expected = self.seen.get_or_init(|| ca.clone()).fingerprint;
        if expected == ca.fingerprint {
            Ok(())
        } else {
            Err(PinRefused::Changed {
                expected,
                presented: ca.fingerprint,
            })
        }
    }
}

/// Why a device does not believe a server. Never a question to the user: a changed CA is either an attack or an
/// operator's doing, and the operator hands out the new fingerprint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinRefused {
    /// The server's CA is not the one that this device knows.
    #[error(
        "the server's CA has the fingerprint {presented}, but this device trusts {expected}; ask the operator for a new link"
    )]
    Changed {
        /// The CA that the device knows.
        expected: CaFingerprint,
        /// The CA that the server showed.
        presented: CaFingerprint,
    },
    /// No CA certificate came with the server's.
    #[error("the server did not present its CA's certificate")]
    NoCa,
    /// Certificates that no node sends.
    #[error("the server's certificates are not those of a node")]
    Malformed(#[source] PresentedError),
    /// The server's certificate does not name exactly one node.
    #[error("the server's certificate does not name a node")]
    NotANode,
}

impl From<PinRefused> for rustls::Error {
    fn from(refused: PinRefused) -> Self {
        CertificateError::Other(OtherError(Arc::new(refused))).into()
    }
}

fn verify_chain(
    leaf: &ParsedCertificate<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &RootCertStore,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, rustls::Error> {
    verify_server_cert_signed_by_trust_anchor(leaf, roots, intermediates, now, algorithms().all)?;
    verify_server_name(leaf, name)?;
    Ok(ServerCertVerified::assertion())
}

/// Trust in this CA alone.
fn only(ca: &CertificateDer<'_>) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone().into_owned())?;
    Ok(roots)
}

#[derive(Debug)]
struct TrustedNode(SharedIdentity);

#[derive(Debug)]
struct PinnedCa(CaPin);

impl PinnedCa {
    fn verify(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let ca = intermediates.first().ok_or(PinRefused::NoCa)?;
        let chain = [std::slice::from_ref(end_entity), intermediates].concat();
        check_sizes(&chain).map_err(PinRefused::Malformed)?;
        let presented = x509::fingerprint(ca).ok_or(PinRefused::NoCa)?;
        let expected = match &self.0 {
            CaPin::Pinned(expected) => Some(*expected),
            CaPin::FirstUse(first) => first.seen().map(|seen| seen.fingerprint),
        };
        let expected = expected.unwrap_or(presented);
        // The present CA's certificate, or that of one before it: its key is what is trusted, and the chain has to lead there.
        let anchor = intermediates
            .iter()
            .find(|cert| x509::fingerprint(cert) == Some(expected));
        let anchor = anchor.ok_or(PinRefused::Changed { expected, presented })?;
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let (cluster, _) = node_named_in(end_entity).ok_or(PinRefused::NotANode)?;
        let name = ServerName::try_from(client_server_name(&cluster)).map_err(|_| PinRefused::NotANode)?;
        // Whatever leads there, the CA that is shown is the one that signed: a device may be told to pin it.
        let verified = verify_chain(&parsed, &[], &only(ca)?, &name, now)?;
        if expected != presented {
            let algorithms = algorithms().all;
            verify_server_cert_signed_by_trust_anchor(&parsed, &only(anchor)?, intermediates, now, algorithms)?;
        }
        if let CaPin::FirstUse(first) = &self.0 {
            first.shown(
                end_entity,
                SeenCa {
                    fingerprint: expected,
                    cluster,
                },
            );
        }
        Ok(verified)
    }
}

impl ServerCertVerifier for TrustedNode {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let leaf = ParsedCertificate::try_from(end_entity)?;
        verify_chain(&leaf, intermediates, self.0.current().roots(), server_name, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &algorithms())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

impl ServerCertVerifier for PinnedCa {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.verify(end_entity, intermediates, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &algorithms())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let valid = verify_tls13_signature(message, cert, dss, &algorithms())?;
        if let CaPin::FirstUse(first) = &self.0 {
            first.proven(cert)?;
        }
        Ok(valid)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        algorithms().supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::NodeId;
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::ca::{ClusterCa, Validity};
    use crate::node::NodeKey;

    fn certs(pem: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap()
    }

    /// What a node may say to be pinned is the CA behind its certificate. If that could be any, a node's key alone could turn
    /// devices away from their cluster.
    #[test]
    fn a_ca_is_shown_only_by_those_that_it_has_certified() {
        let cluster = ClusterId::random();
        let old = ClusterCa::generate(&cluster).unwrap();
        let (new, lineage) = old.succeed(&cluster, "").unwrap();
        let foreign = ClusterCa::generate(&cluster).unwrap();
        let key = NodeKey::generate().unwrap().public();
        let validity = Validity::of_node(std::time::SystemTime::now());
        let cert = new.certify_node(&cluster, NodeId(1), &key, validity).unwrap();
        let chain = certs(&cert.after(&lineage, None).chain_pem);
        let (leaf, behind) = chain.split_first().unwrap();
        let pin = PinnedCa(CaPin::Pinned(old.fingerprint()));
        assert!(pin.verify(leaf, behind, UnixTime::now()).is_ok());
        let mut lying = behind.to_vec();
        lying[0] = certs(foreign.cert_pem()).remove(0);
        assert!(pin.verify(leaf, &lying, UnixTime::now()).is_err());
    }
}
