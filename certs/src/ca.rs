//! The cluster's CA: a P-256 key that signs the certificates of nodes and nothing else.

use std::time::{Duration, SystemTime};

use quorate_core::NodeId;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PublicKeyData, date_time_ymd,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use webpki::EndEntityCert;
use zeroize::{Zeroize, Zeroizing};

use crate::cluster::{ClusterId, ca_name, client_server_name, node_server_name};
use crate::fingerprint::CaFingerprint;
use crate::node::{IdentityError, NodeIdentity, NodeKey, NodePublicKey};
use crate::x509;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a CA lives.
const CA_LIFE: Duration = DAY.saturating_mul(3652);
/// How long a node's certificate lives. Short, since a removed node's certificate is not revoked but dies.
pub const NODE_CERT_LIFE: Duration = DAY.saturating_mul(30);
/// Certificates begin this much before they are made: clocks of nodes differ.
const BACKDATED_BY: Duration = Duration::from_secs(60 * 60);

/// Ends each certificate in PEM (RFC 7468, section 5).
const PEM_END: &str = "-----END CERTIFICATE-----\n";

/// When a certificate is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// In force from this time on.
    pub from: SystemTime,
    /// Expired after this time.
    pub until: SystemTime,
}

impl Validity {
    /// That of a node's certificate made at `now`: an hour before, to [`NODE_CERT_LIFE`] after.
    #[must_use]
    pub fn of_node(now: SystemTime) -> Self {
        Self {
            from: now - BACKDATED_BY,
            until: now + NODE_CERT_LIFE,
        }
    }

    fn of_ca(now: SystemTime) -> Self {
        Self {
            from: now - BACKDATED_BY,
            until: now + CA_LIFE,
        }
    }

    fn set_in(self, params: &mut CertificateParams) {
        let since_epoch = |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        params.not_before = date_time_ymd(1970, 1, 1) + since_epoch(self.from);
        params.not_after = date_time_ymd(1970, 1, 1) + since_epoch(self.until);
    }
}

/// Certificates that lead from CAs before to the present one. A device that was away for more rotations than one less needs a
/// new link; with the node's own and the CA's they are far below what a server may send in its first flight.
pub const LINEAGE_MAX: u8 = 4;

/// A node's certificate as its CA hands it out: what [`NodeIdentity::from_pem`] takes, beside the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCert {
    /// The node's certificate and the CA's, the chain that is sent in handshakes.
    pub chain_pem: String,
    /// The CA's certificate.
    pub ca_pem: String,
}

impl NodeCert {
    /// With what leads from CAs before to this one, for those who know only them, and with a CA whose nodes are believed as
    /// well; both PEM.
    #[must_use]
    pub fn after(mut self, lineage: &str, retiring: Option<&str>) -> Self {
        self.chain_pem.push_str(lineage);
        self.ca_pem.push_str(retiring.unwrap_or_default());
        self
    }
}

/// A CA that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// The certificate's text holds no certificate.
    #[error("the CA certificate is not readable")]
    Cert(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A certificate, but not one that names a cluster as a CA of ours does.
    #[error("the certificate is not that of a cluster's CA")]
    NotACa,
    /// The key's text holds no P-256 key.
    #[error("the CA key is not readable")]
    Key(#[source] rcgen::Error),
    /// The key is not that of the certificate.
    #[error("the CA key does not belong to the CA certificate")]
    KeyMismatch,
    /// Making a key or a signature failed.
    #[error("the CA could not sign")]
    Sign(#[from] rcgen::Error),
    /// What was signed is no identity: a fault of this crate or of the validity asked for.
    #[error("the certificate that was made is not usable")]
    Issued(#[from] IdentityError),
}

/// The CA of a cluster, key included. The key's bytes are wiped when it is dropped.
pub struct ClusterCa {
    cluster: ClusterId,
    key: KeyPair,
    cert_pem: String,
    fingerprint: CaFingerprint,
}

impl ClusterCa {
    /// A new CA for a cluster.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn generate(cluster: &ClusterId) -> Result<Self, CaError> {
        let key = KeyPair::generate()?;
        let mut params = ca_params(cluster)?;
        Validity::of_ca(SystemTime::now()).set_in(&mut params);
        let cert_pem = params.self_signed(&key)?.pem();
        let fingerprint = CaFingerprint::of_spki(&key.subject_public_key_info());
        Ok(Self {
            cluster: cluster.clone(),
            key,
            cert_pem,
            fingerprint,
        })
    }

    /// A CA from its certificate and key, both PEM.
    ///
    /// # Errors
    /// One of them is unreadable, the certificate is not that of a cluster's CA, or the two do not belong together.
    pub fn from_pem(cert_pem: &str, key_pem: &str) -> Result<Self, CaError> {
        let cert =
            CertificateDer::from_pem_slice(cert_pem.as_bytes()).map_err(|error| CaError::Cert(Box::new(error)))?;
        let parsed = EndEntityCert::try_from(&cert).map_err(|error| CaError::Cert(Box::new(error)))?;
        let cluster = x509::only_ca_cluster(&parsed).ok_or(CaError::NotACa)?;
        let key = KeyPair::from_pem(key_pem).map_err(CaError::Key)?;
        if parsed.subject_public_key_info().as_ref() != key.subject_public_key_info() {
            return Err(CaError::KeyMismatch);
        }
        let fingerprint = CaFingerprint::of_spki(&key.subject_public_key_info());
        Ok(Self {
            cluster,
            key,
            cert_pem: cert_pem.to_owned(),
            fingerprint,
        })
    }

    /// The CA that takes this one's place, and its lineage (PEM), given this one's: certificates for each CA's key by the CA
    /// before (RFC 4210, section 4.4: "new with old"), the newest first. The last is there for its key only: whoever trusts that
    /// key, or one of those that follow, comes to the new CA by the usual rules for chains (RFC 5280, section 6).
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn succeed(&self, cluster: &ClusterId, lineage: &str) -> Result<(Self, String), CaError> {
        let heir = Self::generate(cluster)?;
        let mut params = ca_params(cluster)?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(LINEAGE_MAX));
        Validity::of_ca(SystemTime::now()).set_in(&mut params);
        let vouched = params.signed_by(&heir.key, &Issuer::new(ca_params(&self.cluster)?, &self.key))?;
        let before = if lineage.is_empty() { &self.cert_pem } else { lineage };
        let vouched = vouched.pem();
        let certs = std::iter::once(vouched.as_str()).chain(before.split_inclusive(PEM_END));
        let lineage = certs.take(LINEAGE_MAX.into()).collect();
        Ok((heir, lineage))
    }

    /// The cluster that this CA was made for. A restored cluster may go on with an old CA under an id of its own, which is
    /// why those that issue name the cluster.
    #[must_use]
    pub fn cluster(&self) -> &ClusterId {
        &self.cluster
    }

    /// The certificate, PEM. Public.
    #[must_use]
    pub fn cert_pem(&self) -> &str {
        &self.cert_pem
    }

    /// The key, PEM (PKCS #8). Whoever has it can be any node.
    #[must_use]
    pub fn key_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.key.serialize_pem())
    }

    /// What invite links and join tokens carry.
    #[must_use]
    pub fn fingerprint(&self) -> CaFingerprint {
        self.fingerprint
    }

    /// A new key and a certificate for a node, in force from now on as nodes' certificates are.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn issue_node(&self, cluster: &ClusterId, node: NodeId) -> Result<NodeIdentity, CaError> {
        self.issue_node_for(cluster, node, Validity::of_node(SystemTime::now()))
    }

    /// A new key and a certificate for a node, in force for the time given.
    ///
    /// # Errors
    /// The validity ends before it begins, or the crypto library fails.
    pub fn issue_node_for(
        &self,
        cluster: &ClusterId,
        node: NodeId,
        validity: Validity,
    ) -> Result<NodeIdentity, CaError> {
        self.issue(cluster, node, validity, "")
    }

    /// As [`Self::issue_node`], for those who know only CAs before this one as well: with what leads from them to it, PEM.
    ///
    /// # Errors
    /// The lineage is unreadable, or the crypto library fails.
    pub fn issue_node_after(&self, cluster: &ClusterId, node: NodeId, lineage: &str) -> Result<NodeIdentity, CaError> {
        self.issue(cluster, node, Validity::of_node(SystemTime::now()), lineage)
    }

    fn issue(
        &self,
        cluster: &ClusterId,
        node: NodeId,
        validity: Validity,
        lineage: &str,
    ) -> Result<NodeIdentity, CaError> {
        let key = NodeKey::generate()?;
        let cert = self
            .certify_node(cluster, node, &key.public(), validity)?
            .after(lineage, None);
        Ok(NodeIdentity::from_pem(&cert.ca_pem, &cert.chain_pem, &key.to_pem())?)
    }

    /// A certificate for a node that made its key itself: the key never leaves it.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn certify_node(
        &self,
        cluster: &ClusterId,
        node: NodeId,
        key: &NodePublicKey,
        validity: Validity,
    ) -> Result<NodeCert, CaError> {
        let names = [node_server_name(cluster, node), client_server_name(cluster)];
        self.certify(&names, key, validity)
    }

    /// Signs these names for this key. Crate-wide only for tests of what is refused.
    pub(crate) fn certify(
        &self,
        names: &[String],
        key: &NodePublicKey,
        validity: Validity,
    ) -> Result<NodeCert, CaError> {
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "node");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        validity.set_in(&mut params);
        let issuer = Issuer::new(ca_params(&self.cluster)?, &self.key);
        let cert = params.signed_by(key, &issuer)?;
        Ok(NodeCert {
            chain_pem: cert.pem() + &self.cert_pem,
            ca_pem: self.cert_pem.clone(),
        })
    }
}

impl Drop for ClusterCa {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

impl std::fmt::Debug for ClusterCa {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterCa")
            .field("cluster", &self.cluster)
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// What a CA's certificate says, and so what its signatures name as issuer: the same each time, from the cluster's id alone.
fn ca_params(cluster: &ClusterId) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new([ca_name(cluster)])?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, format!("chat {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}
