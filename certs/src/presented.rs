//! Who the other side of a connection is, as far as its certificates tell.

use quorate_core::{DeviceId, NodeId};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::EndEntityCert;

use crate::ca::LINEAGE_MAX;
use crate::cluster::ClusterId;
use crate::x509;

/// The longest certificate that is parsed. A node's has about 600 bytes, a device's about 250.
pub const CERT_MAX_BYTES: usize = 2 * 1024;
/// A node sends its own certificate, the CA's, and what leads to that from CAs before.
const CHAIN_MAX: usize = 2 + LINEAGE_MAX as usize;

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
        Err(_) if intermediates.is_empty() && leaf.issuer() == leaf.subject() => {
            Ok(Presented::Device(x509::device_id(&leaf)))
        }
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use proptest::prelude::{any, prop};
    use proptest::{prop_assert, proptest};
    use rustls::pki_types::pem::PemObject;

    use super::*;
    use crate::ca::{ClusterCa, Validity};
    use crate::cluster::{client_server_name, node_server_name};
    use crate::device::DeviceKey;
    use crate::node::NodeKey;

    const HOUR: Duration = Duration::from_secs(3600);

    struct Cluster {
        id: ClusterId,
        ca: ClusterCa,
        roots: RootCertStore,
    }

    impl Cluster {
        fn new() -> Self {
            let id = ClusterId::random();
            let ca = ClusterCa::generate(&id).unwrap();
            let mut roots = RootCertStore::empty();
            roots.add(chain_of(ca.cert_pem()).remove(0)).unwrap();
            Self { id, ca, roots }
        }

        fn classify(&self, chain: &[CertificateDer<'_>]) -> Result<Presented, PresentedError> {
            classify(chain, &self.roots, &self.id, UnixTime::now())
        }

        fn node(&self, validity: Validity) -> Vec<CertificateDer<'static>> {
            self.ca
                .issue_node_for(&self.id, NodeId(3), validity)
                .unwrap()
                .certified()
                .cert
                .clone()
        }

        fn signed(&self, names: &[String]) -> Vec<CertificateDer<'static>> {
            let key = NodeKey::generate().unwrap().public();
            chain_of(
                &self
                    .ca
                    .certify(names, &key, Validity::of_node(SystemTime::now()))
                    .unwrap()
                    .chain_pem,
            )
        }
    }

    fn chain_of(pem: &str) -> Vec<CertificateDer<'static>> {
        CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap()
    }

    fn now() -> Validity {
        Validity::of_node(SystemTime::now())
    }

    #[test]
    fn a_certificate_from_our_ca_is_the_node_that_it_names() {
        let cluster = Cluster::new();
        let chain = cluster.node(now());
        assert_eq!(chain.len(), 2);
        assert!(chain.iter().all(|cert| cert.len() < CERT_MAX_BYTES / 2));
        assert_eq!(cluster.classify(&chain), Ok(Presented::Node(NodeId(3))));
        assert_eq!(
            cluster.classify(&chain[..1]),
            Ok(Presented::Node(NodeId(3))),
            "the CA is known anyway"
        );
    }

    #[test]
    fn a_key_by_itself_is_a_device() {
        let cluster = Cluster::new();
        let key = DeviceKey::generate().unwrap();
        assert_eq!(cluster.classify(&key.certified().cert), Ok(Presented::Device(key.id())));
    }

    #[test]
    fn a_joiner_is_the_device_that_its_public_key_says() {
        let cluster = Cluster::new();
        let key = NodeKey::generate().unwrap();
        let shown = cluster.classify(&key.to_device().unwrap().certified().cert);
        assert_eq!(shown, Ok(Presented::Device(key.public().device_id())));
    }

    #[test]
    fn a_node_of_another_ca_is_neither() {
        let (ours, theirs) = (Cluster::new(), Cluster::new());
        let foreign = theirs.node(now());
        assert!(matches!(ours.classify(&foreign), Err(PresentedError::NotTrusted(_))));
        assert!(matches!(
            ours.classify(&foreign[..1]),
            Err(PresentedError::NotTrusted(_))
        ));
    }

    #[test]
    fn another_ca_with_our_name_does_not_pass_for_ours() {
        let ours = Cluster::new();
        let forged = ClusterCa::generate(&ours.id)
            .unwrap()
            .issue_node(&ours.id, NodeId(3))
            .unwrap();
        assert!(matches!(
            ours.classify(&forged.certified().cert),
            Err(PresentedError::NotTrusted(_))
        ));
    }

    #[test]
    fn a_node_of_another_cluster_with_the_same_ca_is_neither() {
        let cluster = Cluster::new();
        let before = ClusterId::random();
        let node = cluster.ca.issue_node(&before, NodeId(3)).unwrap();
        assert_eq!(
            cluster.classify(&node.certified().cert),
            Err(PresentedError::OtherCluster(before))
        );
    }

    #[test]
    fn a_certificate_from_our_ca_that_names_no_node_or_two_is_neither() {
        let cluster = Cluster::new();
        let (one, two) = (
            node_server_name(&cluster.id, NodeId(1)),
            node_server_name(&cluster.id, NodeId(2)),
        );
        for names in [
            vec![client_server_name(&cluster.id)],
            vec![one, two],
            vec!["example.org".to_owned()],
            vec![],
        ] {
            assert_eq!(
                cluster.classify(&cluster.signed(&names)),
                Err(PresentedError::NotANode),
                "{names:?}"
            );
        }
    }

    #[test]
    fn a_node_is_one_only_while_its_certificate_is_in_force() {
        let cluster = Cluster::new();
        let time = SystemTime::now();
        let expired = cluster.node(Validity {
            from: time - 2 * HOUR,
            until: time - HOUR,
        });
        let early = cluster.node(Validity {
            from: time + HOUR,
            until: time + 2 * HOUR,
        });
        for chain in [expired, early] {
            assert!(matches!(cluster.classify(&chain), Err(PresentedError::NotTrusted(_))));
        }
    }

    #[test]
    fn a_node_of_the_next_ca_is_known_by_its_lineage_and_by_that_alone() {
        let cluster = Cluster::new();
        let (heir, lineage) = cluster.ca.succeed(&cluster.id, "").unwrap();
        let key = NodeKey::generate().unwrap().public();
        let cert = heir.certify_node(&cluster.id, NodeId(3), &key, now()).unwrap();
        let chain = chain_of(&cert.chain_pem);
        assert!(matches!(cluster.classify(&chain), Err(PresentedError::NotTrusted(_))));
        let chain = chain_of(&cert.after(&lineage, None).chain_pem);
        assert_eq!(cluster.classify(&chain), Ok(Presented::Node(NodeId(3))));
    }

    #[test]
    fn a_lineage_of_another_cluster_leads_nowhere() {
        let (ours, theirs) = (Cluster::new(), Cluster::new());
        let (heir, lineage) = theirs.ca.succeed(&ours.id, "").unwrap();
        let key = NodeKey::generate().unwrap().public();
        let cert = heir.certify_node(&ours.id, NodeId(3), &key, now()).unwrap();
        let chain = chain_of(&cert.after(&lineage, None).chain_pem);
        assert!(matches!(ours.classify(&chain), Err(PresentedError::NotTrusted(_))));
    }

    #[test]
    fn the_ca_before_vouches_for_no_node_itself() {
        // Its certificate for the next CA's key lets it sign nothing, and its own nodes are none once it is out of the roots.
        let cluster = Cluster::new();
        let old = cluster.node(now());
        let (heir, _) = cluster.ca.succeed(&cluster.id, "").unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(chain_of(heir.cert_pem()).remove(0)).unwrap();
        let shown = classify(&old, &roots, &cluster.id, UnixTime::now());
        assert!(matches!(shown, Err(PresentedError::NotTrusted(_))));
    }

    #[test]
    fn a_lineage_is_as_long_as_it_may_be_and_leads_from_each_of_its_cas() {
        let cluster = Cluster::new();
        let mut cas = vec![ClusterCa::from_pem(cluster.ca.cert_pem(), &cluster.ca.key_pem()).unwrap()];
        let mut lineage = String::new();
        for _ in 0..LINEAGE_MAX + 2 {
            let (heir, longer) = cas.last().unwrap().succeed(&cluster.id, &lineage).unwrap();
            cas.push(heir);
            lineage = longer;
            assert!(chain_of(&lineage).len() <= LINEAGE_MAX.into());
        }
        let key = NodeKey::generate().unwrap().public();
        let cert = cas
            .last()
            .unwrap()
            .certify_node(&cluster.id, NodeId(3), &key, now())
            .unwrap();
        let chain = chain_of(&cert.after(&lineage, None).chain_pem);
        let known_to = |ca: &ClusterCa| {
            let mut roots = RootCertStore::empty();
            roots.add(chain_of(ca.cert_pem()).remove(0)).unwrap();
            classify(&chain, &roots, &cluster.id, UnixTime::now()).is_ok()
        };
        let known: Vec<bool> = cas.iter().rev().map(known_to).collect();
        assert_eq!(known, [true, true, true, true, true, false, false]);
    }

    #[test]
    fn a_device_with_a_second_certificate_is_neither() {
        let cluster = Cluster::new();
        let device = DeviceKey::generate().unwrap().certified().cert.clone();
        let chain = [device[0].clone(), cluster.node(now())[1].clone()];
        assert!(matches!(cluster.classify(&chain), Err(PresentedError::NotTrusted(_))));
    }

    #[test]
    fn sizes_are_judged_before_anything_is_parsed() {
        let cluster = Cluster::new();
        let junk = CertificateDer::from(vec![0x30; CERT_MAX_BYTES + 1]);
        assert_eq!(cluster.classify(&[]), Err(PresentedError::Nothing));
        assert_eq!(
            cluster.classify(&[junk]),
            Err(PresentedError::TooLong(CERT_MAX_BYTES + 1))
        );
        let many = cluster.node(now())[0].clone();
        let many = vec![many; CHAIN_MAX + 1];
        assert_eq!(cluster.classify(&many), Err(PresentedError::TooMany(CHAIN_MAX + 1)));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            junk in prop::collection::vec(any::<u8>(), 0..300),
            flips in prop::collection::vec((0_usize..250, any::<u8>()), 1..4),
        ) {
            let id: ClusterId = "aaaaaaaaaaaaaaaa".parse().unwrap();
            let refused = classify(&[CertificateDer::from(junk)], &RootCertStore::empty(), &id, UnixTime::now());
            prop_assert!(refused.is_err());
            let mut damaged = DeviceKey::generate().unwrap().certified().cert[0].to_vec();
            for (at, value) in flips {
                let at = at % damaged.len();
                damaged[at] = value;
            }
            let _ = classify(&[CertificateDer::from(damaged)], &RootCertStore::empty(), &id, UnixTime::now());
        }
    }
}
