//! A node's own identity: its key, its certificate, and the CAs that it trusts.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use quorate_core::{DeviceId, NodeId};
use rcgen::{KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::RootCertStore;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::{CertifiedKey, SigningKey};
use webpki::EndEntityCert;
use zeroize::{Zeroize, Zeroizing};

use crate::cluster::ClusterId;
use crate::device::{DeviceKey, DeviceKeyError};
use crate::file::{self, Readers};
use crate::fingerprint::CaFingerprint;
use crate::provider::sha256;
use crate::x509;

/// The name of the file with the CA certificates that a node trusts, in its certificate directory.
pub const CA_CERT_FILE: &str = "ca.crt";
/// The name of the file with a node's certificate chain.
pub const NODE_CERT_FILE: &str = "node.crt";
/// The name of the file with a node's key.
pub const NODE_KEY_FILE: &str = "node.key";

/// In front of each P-256 public key: the fixed part of its SubjectPublicKeyInfo (RFC 5480, sections 2 and 2.1.1).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
    0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// An uncompressed point: 4, x, y.
const P256_POINT_BYTES: usize = 65;

/// The private key of a node to be, P-256. Wiped when dropped.
pub struct NodeKey(KeyPair);

impl NodeKey {
    /// A new key.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn generate() -> Result<Self, rcgen::Error> {
        KeyPair::generate().map(Self)
    }

    /// The key in this file, or a new one if there is none: whoever asks twice to join asks with the same key.
    ///
    /// # Errors
    /// The file cannot be read, made or understood.
    pub fn load_or_create(path: &Path) -> Result<Self, IdentityError> {
        let fresh = || {
            let key = Self::generate().map_err(io::Error::other)?;
            Ok(Zeroizing::new(key.to_pem().as_bytes().to_vec()))
        };
        let pem = file::read_or_create(path, fresh).map_err(|source| IdentityError::Io {
            path: path.to_owned(),
            source,
        })?;
        let pem = std::str::from_utf8(&pem).map_err(|_| IdentityError::Key)?;
        let key = KeyPair::from_pem(pem).map_err(|_| IdentityError::Key)?;
        let is_p256 = NodePublicKey::from_spki(&key.subject_public_key_info()).is_some();
        is_p256.then_some(Self(key)).ok_or(IdentityError::Key)
    }

    /// The key, PEM (PKCS #8).
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.serialize_pem())
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> NodePublicKey {
        let spki = self.0.subject_public_key_info();
        NodePublicKey::from_spki(&spki).expect("the key was generated on P-256")
    }

    /// The key as that of a device: a joiner shows it before it has a certificate, and so proves that it has it.
    ///
    /// # Errors
    /// Only if the crypto library fails.
    pub fn to_device(&self) -> Result<DeviceKey, DeviceKeyError> {
        DeviceKey::of(&self.0)
    }
}

impl Drop for NodeKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl std::fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NodeKey(..)")
    }
}

/// The public key of a node to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePublicKey {
    point: [u8; P256_POINT_BYTES],
}

impl NodePublicKey {
    /// From a SubjectPublicKeyInfo in DER; `None` unless it is a P-256 key, uncompressed, and nothing else.
    #[must_use]
    pub fn from_spki(spki_der: &[u8]) -> Option<Self> {
        let point: [u8; P256_POINT_BYTES] = spki_der.strip_prefix(&P256_SPKI_PREFIX)?.try_into().ok()?;
        aws_lc_rs::signature::ParsedPublicKey::new(&aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1, point).ok()?;
        Some(Self { point })
    }

    /// The SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        self.subject_public_key_info()
    }

    /// The id under which the holder of the key appears before it has a certificate. A node that certifies a joiner's key
    /// compares this with the identity of the connection.
    #[must_use]
    pub fn device_id(&self) -> DeviceId {
        DeviceId(sha256(&self.to_spki()))
    }
}

impl PublicKeyData for NodePublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

/// An identity that cannot be used, or not be kept.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file could not be read or written.
    #[error("{path}")]
    Io {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no readable certificate in a place where one must be.
    #[error("no readable certificate in {0}")]
    Cert(&'static str),
    /// There is no readable private key.
    #[error("no readable private key in {NODE_KEY_FILE}")]
    Key,
    /// The key is not that of the certificate.
    #[error("{NODE_KEY_FILE} does not belong to {NODE_CERT_FILE}")]
    KeyMismatch,
    /// The certificate does not name exactly one node.
    #[error("{NODE_CERT_FILE} does not name exactly one node")]
    NotANode,
    /// The certificate is not from the CA beside it.
    #[error("{NODE_CERT_FILE} was not issued by a CA in {CA_CERT_FILE}")]
    OtherCa(#[source] webpki::Error),
}

/// A node's identity, checked: the key is that of the certificate, the certificate names one node and comes from the CA
/// beside it. It may have expired: a node that was off for long must still be able to start and renew it.
#[derive(Clone)]
pub struct NodeIdentity {
    cluster: ClusterId,
    node: NodeId,
    from: SystemTime,
    until: SystemTime,
    certified: Arc<CertifiedKey>,
    roots: Arc<RootCertStore>,
    ca: CaFingerprint,
    ca_pem: String,
    chain_pem: String,
    key_pem: Zeroizing<String>,
}

impl NodeIdentity {
    /// An identity from PEM texts: the trusted CAs, the chain (own certificate first), the key.
    ///
    /// # Errors
    /// One of them is unreadable, or they do not belong together.
    pub fn from_pem(ca_pem: &str, chain_pem: &str, key_pem: &str) -> Result<Self, IdentityError> {
        let cas = certs(ca_pem, CA_CERT_FILE)?;
        let mut chain = certs(chain_pem, NODE_CERT_FILE)?;
        let mut roots = RootCertStore::empty();
        for ca in &cas {
            roots.add(ca.clone()).map_err(|_| IdentityError::Cert(CA_CERT_FILE))?;
        }
        let ca = x509::fingerprint(chain.get(1).unwrap_or(&cas[0])).ok_or(IdentityError::Cert(CA_CERT_FILE))?;
        // A device that holds only the CA's fingerprint finds the CA itself in the chain.
        if chain.len() == 1 {
            chain.push(cas[0].clone());
        }
        let leaf = EndEntityCert::try_from(&chain[0]).map_err(|_| IdentityError::Cert(NODE_CERT_FILE))?;
        let (cluster, node) = x509::only_node(&leaf).ok_or(IdentityError::NotANode)?;
        let (from, until) = x509::validity(&leaf).ok_or(IdentityError::Cert(NODE_CERT_FILE))?;
        let in_force = UnixTime::since_unix_epoch(until.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        x509::verify_as_client(&leaf, &chain[1..], &roots, in_force).map_err(IdentityError::OtherCa)?;
        let certified = CertifiedKey::new(chain.clone(), signing_key(key_pem).ok_or(IdentityError::Key)?);
        certified.keys_match().map_err(|_| IdentityError::KeyMismatch)?;
        Ok(Self {
            cluster,
            node,
            from,
            until,
            certified: Arc::new(certified),
            roots: Arc::new(roots),
            ca,
            ca_pem: ca_pem.to_owned(),
            chain_pem: chain_pem.to_owned(),
            key_pem: Zeroizing::new(key_pem.to_owned()),
        })
    }

    /// Reads [`CA_CERT_FILE`], [`NODE_CERT_FILE`] and [`NODE_KEY_FILE`] from a directory.
    ///
    /// # Errors
    /// As [`NodeIdentity::load_files`].
    pub fn load(dir: &Path) -> Result<Self, IdentityError> {
        Self::load_files(
            &dir.join(CA_CERT_FILE),
            &dir.join(NODE_CERT_FILE),
            &dir.join(NODE_KEY_FILE),
        )
    }

    /// Reads the three files wherever they are.
    ///
    /// # Errors
    /// One of them is missing or unreadable, or they do not belong together.
    pub fn load_files(ca_cert: &Path, node_cert: &Path, node_key: &Path) -> Result<Self, IdentityError> {
        let (ca, chain, key) = (read(ca_cert)?, read(node_cert)?, read(node_key)?);
        let key = std::str::from_utf8(&key).map_err(|_| IdentityError::Key)?;
        let ca = std::str::from_utf8(&ca).map_err(|_| IdentityError::Cert(CA_CERT_FILE))?;
        let chain = std::str::from_utf8(&chain).map_err(|_| IdentityError::Cert(NODE_CERT_FILE))?;
        Self::from_pem(ca, chain, key)
    }

    /// Writes the three files into a directory, each whole or not at all, the key readable by its owner only. The key goes
    /// first and the certificate last; a node that dies in between finds a mismatch and is given a new certificate.
    ///
    /// # Errors
    /// A file could not be written.
    pub fn save(&self, dir: &Path) -> Result<(), IdentityError> {
        std::fs::create_dir_all(dir).map_err(|source| IdentityError::Io {
            path: dir.to_owned(),
            source,
        })?;
        write(&dir.join(CA_CERT_FILE), &self.ca_pem, Readers::All)?;
        write(&dir.join(NODE_KEY_FILE), &self.key_pem, Readers::Owner)?;
        write(&dir.join(NODE_CERT_FILE), &self.chain_pem, Readers::All)
    }

    /// The cluster that the certificate names.
    #[must_use]
    pub fn cluster_id(&self) -> &ClusterId {
        &self.cluster
    }

    /// The node that the certificate names.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.node
    }

    /// In force from this time on.
    #[must_use]
    pub fn valid_from(&self) -> SystemTime {
        self.from
    }

    /// Expired after this time.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.until
    }

    /// The fingerprint of the CA that issued the certificate.
    #[must_use]
    pub fn ca_fingerprint(&self) -> CaFingerprint {
        self.ca
    }

    /// Whether the chain leads from this CA, and another one issued the certificate.
    #[must_use]
    pub fn came_after(&self, ca: CaFingerprint) -> bool {
        let mut lineage = self.certified.cert.iter().skip(2);
        ca != self.ca && lineage.any(|cert| x509::fingerprint(cert) == Some(ca))
    }

    /// The trusted CAs, PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The certificate chain, own certificate first, PEM.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The public key, for a renewal of the certificate with the same key.
    #[must_use]
    pub fn public_key(&self) -> Option<NodePublicKey> {
        let leaf = EndEntityCert::try_from(&self.certified.cert[0]).ok()?;
        NodePublicKey::from_spki(leaf.subject_public_key_info().as_ref())
    }

    /// The same key with another certificate for it, and the CAs that come with that.
    ///
    /// # Errors
    /// As [`NodeIdentity::from_pem`].
    pub fn renewed(&self, cert: &crate::ca::NodeCert) -> Result<Self, IdentityError> {
        Self::from_pem(&cert.ca_pem, &cert.chain_pem, &self.key_pem)
    }

    /// The CAs whose nodes are believed.
    #[must_use]
    pub fn roots(&self) -> &Arc<RootCertStore> {
        &self.roots
    }

    pub(crate) fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl std::fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("NodeIdentity");
        shown
            .field("cluster", &self.cluster)
            .field("node", &self.node)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// A key for signing handshakes, out of PEM. The bytes read on the way are wiped.
pub(crate) fn signing_key(key_pem: &str) -> Option<Arc<dyn SigningKey>> {
    let mut der = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).ok()?;
    let key = any_supported_type(&der).ok();
    der.zeroize();
    key
}

fn certs(pem: &str, place: &'static str) -> Result<Vec<CertificateDer<'static>>, IdentityError> {
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    certs
        .ok()
        .filter(|certs| !certs.is_empty())
        .ok_or(IdentityError::Cert(place))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
    file::read(path).map_err(|source| IdentityError::Io {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str, readers: Readers) -> Result<(), IdentityError> {
    file::replace(path, text.as_bytes(), readers).map_err(|source| IdentityError::Io {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ca::{CaError, ClusterCa, NODE_CERT_LIFE, Validity};

    const NODE: NodeId = NodeId(7);

    fn cluster() -> (ClusterId, ClusterCa) {
        let id = ClusterId::random();
        let ca = ClusterCa::generate(&id).unwrap();
        (id, ca)
    }

    #[test]
    fn what_is_saved_is_loaded() {
        let (id, ca) = cluster();
        let made = ca.issue_node(&id, NODE).unwrap();
        let dir = tempfile::tempdir().unwrap();
        made.save(dir.path()).unwrap();
        let loaded = NodeIdentity::load(dir.path()).unwrap();
        assert_eq!((loaded.cluster_id(), loaded.node_id()), (&id, NODE));
        assert_eq!(loaded.ca_fingerprint(), ca.fingerprint());
        assert_eq!(loaded.expires_at(), made.expires_at());
        #[cfg(unix)]
        {
            let mode = dir.path().join(NODE_KEY_FILE).metadata().unwrap().permissions();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600);
        }
    }

    #[test]
    fn the_dates_are_those_that_were_asked_for() {
        let (id, ca) = cluster();
        let now = SystemTime::now();
        let identity = ca.issue_node_for(&id, NODE, Validity::of_node(now)).unwrap();
        let second = Duration::from_secs(1);
        let apart = |one: SystemTime, other: SystemTime| one.duration_since(other).unwrap();
        assert!(apart(now + NODE_CERT_LIFE, identity.expires_at()) < second);
        assert!(apart(now - Duration::from_secs(3600), identity.valid_from()) < second);
    }

    #[test]
    fn an_expired_identity_still_loads_so_that_it_can_be_renewed() {
        let (id, ca) = cluster();
        let until = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000);
        let from = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let expired = ca.issue_node_for(&id, NODE, Validity { from, until }).unwrap();
        assert_eq!(expired.expires_at(), until);
        let key = expired.public_key().unwrap();
        let cert = ca
            .certify_node(&id, NODE, &key, Validity::of_node(SystemTime::now()))
            .unwrap();
        let renewed = expired.renewed(&cert).unwrap();
        assert!(renewed.expires_at() > SystemTime::now());
        assert_eq!(renewed.public_key(), Some(key));
    }

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(NODE_KEY_FILE);
        let made = NodeKey::load_or_create(&path).unwrap().public();
        assert_eq!(NodeKey::load_or_create(&path).unwrap().public(), made);
        std::fs::write(&path, "not a key").unwrap();
        assert!(matches!(NodeKey::load_or_create(&path), Err(IdentityError::Key)));
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let (id, ca) = cluster();
        let (one, other) = (ca.issue_node(&id, NODE).unwrap(), ca.issue_node(&id, NODE).unwrap());
        let mixed = NodeIdentity::from_pem(&one.ca_pem, &one.chain_pem, &other.key_pem);
        assert!(matches!(mixed, Err(IdentityError::KeyMismatch)), "{mixed:?}");
    }

    #[test]
    fn a_certificate_of_another_ca_is_refused() {
        let (id, ca) = cluster();
        let (one, foreign) = (ca.issue_node(&id, NODE).unwrap(), cluster().1);
        let mixed = NodeIdentity::from_pem(foreign.cert_pem(), &one.chain_pem, &one.key_pem);
        assert!(matches!(mixed, Err(IdentityError::OtherCa(_))), "{mixed:?}");
    }

    #[test]
    fn a_ca_in_place_of_a_node_is_refused() {
        let (_, ca) = cluster();
        let mixed = NodeIdentity::from_pem(ca.cert_pem(), ca.cert_pem(), &ca.key_pem());
        assert!(matches!(mixed, Err(IdentityError::NotANode)), "{mixed:?}");
    }

    #[test]
    fn a_file_that_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let missing = NodeIdentity::load(dir.path());
        assert!(matches!(missing, Err(IdentityError::Io { path, .. }) if path.ends_with(CA_CERT_FILE)));
    }

    #[test]
    fn a_ca_comes_back_from_its_files_and_signs_what_its_nodes_believe() {
        let (id, ca) = cluster();
        let again = ClusterCa::from_pem(ca.cert_pem(), &ca.key_pem()).unwrap();
        assert_eq!((again.cluster(), again.fingerprint()), (&id, ca.fingerprint()));
        let node = again.issue_node(&id, NODE).unwrap();
        assert!(NodeIdentity::from_pem(ca.cert_pem(), node.chain_pem(), &node.key_pem).is_ok());
    }

    #[test]
    fn a_ca_with_another_key_or_without_its_name_is_refused() {
        let (id, ca) = cluster();
        let node = ca.issue_node(&id, NODE).unwrap();
        let foreign = cluster().1;
        assert!(matches!(
            ClusterCa::from_pem(ca.cert_pem(), &foreign.key_pem()),
            Err(CaError::KeyMismatch)
        ));
        assert!(matches!(
            ClusterCa::from_pem(&node.chain_pem, &node.key_pem),
            Err(CaError::NotACa)
        ));
        assert!(matches!(ClusterCa::from_pem("", &ca.key_pem()), Err(CaError::Cert(_))));
        assert!(matches!(ClusterCa::from_pem(ca.cert_pem(), ""), Err(CaError::Key(_))));
    }

    #[test]
    fn only_a_p256_key_is_a_public_key_for_a_node() {
        let key = NodeKey::generate().unwrap().public();
        assert_eq!(NodePublicKey::from_spki(&key.to_spki()), Some(key.clone()));
        let mut off_the_curve = key.to_spki();
        *off_the_curve.last_mut().unwrap() ^= 1;
        let device = KeyPair::generate_for(&rcgen::PKCS_ED25519)
            .unwrap()
            .subject_public_key_info();
        for spki in [&off_the_curve[..], &device, &key.to_spki()[..90], b""] {
            assert_eq!(NodePublicKey::from_spki(spki), None);
        }
    }

    #[test]
    fn no_key_is_in_debug_output() {
        let (id, ca) = cluster();
        let node = ca.issue_node(&id, NODE).unwrap();
        for shown in [
            format!("{node:?}"),
            format!("{ca:?}"),
            format!("{:?}", NodeKey::generate().unwrap()),
        ] {
            assert!(!shown.contains("PRIVATE"), "{shown}");
        }
    }
}
