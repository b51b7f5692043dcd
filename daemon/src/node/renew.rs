//! Certificates renew themselves: when two thirds of their life are over, or an operator asks, a node opens the CA that the
//! state holds and certifies its own key anew. Connections keep what they began with; handshakes from then on use the new one.
//!
//! A cluster that was off for longer than its certificates live starts all the same, since each node does that before it
//! binds its ports.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use quorate_certs::{CaFingerprint, ClusterKek, NodeIdentity, SharedIdentity, Validity};
use quorate_core::{Authority, Timestamp};
use tokio::time::sleep;

use super::place;
use crate::steward::Founding;
use crate::store::Reader;

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(2);
/// After a renewal that failed.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

/// Why a certificate was not renewed.
#[derive(Debug, thiserror::Error)]
enum NotRenewed {
    #[error("this node has no key to the cluster's CA")]
    NoKek,
    #[error("the cluster's CA cannot be opened")]
    Kek(#[from] quorate_certs::KekError),
    #[error("the certificate could not be made")]
    Ca(#[from] quorate_certs::CaError),
    #[error("the certificate could not be kept")]
    Identity(#[from] quorate_certs::IdentityError),
    #[error("the key of this node is not one that the CA certifies")]
    Key,
}

/// What the state says about this node's certificate.
struct Wish {
    authority: Option<Authority>,
    since: Timestamp,
}

/// Renews the certificate if that is due, before it is used. What a founder has of the CA will do. Blocks.
pub(super) fn at_start(
    data_dir: &Path,
    identity: NodeIdentity,
    kek: Option<&ClusterKek>,
    reader: &Reader,
    founding: &Founding,
) -> NodeIdentity {
    let wish = wish(reader, &identity);
    let Some(authority) = wish.authority.as_ref().or(founding.authority.as_ref()) else {
        return identity;
    };
    // By time only: the state here is that of the last checkpoint, and the entries after it are not applied yet.
    if !is_due(&identity, SystemTime::now(), wish.since) {
        return identity;
    }
    match renewed(data_dir, &identity, kek, authority, wish.since) {
        Ok(renewed) => renewed,
        Err(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the certificate is not renewed"
            );
            identity
        }
    }
}

/// Renews the certificate whenever that is due.
pub(super) async fn keep(data_dir: PathBuf, identity: SharedIdentity, kek: Option<ClusterKek>, reader: Reader) {
    loop {
        sleep(PERIOD).await;
        let present = identity.current();
        let wish = wish(&reader, &present);
        let Some(authority) = wish.authority else { continue };
        let is_as_it_should = is_of(&present, &authority) || is_ahead(&present, &authority);
        if is_as_it_should && !is_due(&present, SystemTime::now(), wish.since) {
            continue;
        }
        let (dir, kek, since) = (data_dir.clone(), kek.clone(), wish.since);
        let made = tokio::task::spawn_blocking(move || renewed(&dir, &present, kek.as_ref(), &authority, since)).await;
        let failed = match made.expect("it does not panic") {
            Ok(renewed) => identity.replace(renewed).is_err(),
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "the certificate is not renewed"
                );
                true
            }
        };
        if failed {
            sleep(RETRY_PAUSE).await;
        }
    }
}

fn wish(reader: &Reader, identity: &NodeIdentity) -> Wish {
    reader.with_state(|state| {
        let node = state.node(identity.node_id());
        Wish {
            // Who was removed certifies itself no more.
            authority: state
                .authority()
                .filter(|_| node.is_none_or(|node| !node.is_removed()))
                .cloned(),
            since: node.map_or(Timestamp(0), |node| node.cert_since),
        }
    })
}

/// Whether the certificate is of the present CA, and those CAs are believed that should be. Both are looked at: who dies while an
/// identity is saved may find one of them new and the other old.
fn is_of(identity: &NodeIdentity, authority: &Authority) -> bool {
    let wanted = authority.cert.clone() + authority.retiring.as_deref().unwrap_or_default();
    // Files that went through an editor may differ in the ends of their lines.
    let believes = identity.ca_pem().split_whitespace().eq(wanted.split_whitespace());
    believes && CaFingerprint::of_cert_pem(&authority.cert) == Some(identity.ca_fingerprint())
}

/// Whether the certificate is of a CA that came after the one in the state: that is behind what this node has on its disk already,
/// after a crash, and a certificate of the CA before may be believed by nobody any more.
fn is_ahead(identity: &NodeIdentity, authority: &Authority) -> bool {
    CaFingerprint::of_cert_pem(&authority.cert).is_some_and(|ca| identity.came_after(ca))
}

/// Whether two thirds of its life are over, or it is older than an operator wants.
fn is_due(identity: &NodeIdentity, now: SystemTime, since: Timestamp) -> bool {
    let (from, until) = (identity.valid_from(), identity.expires_at());
    let life = until.duration_since(from).unwrap_or_default();
    now >= from + life * 2 / 3 || Validity::of_node(at(since)).from > from
}

fn renewed(
    data_dir: &Path,
    identity: &NodeIdentity,
    kek: Option<&ClusterKek>,
    authority: &Authority,
    since: Timestamp,
) -> Result<NodeIdentity, NotRenewed> {
    let (cluster, node) = (identity.cluster_id(), identity.node_id());
    let kek = kek.ok_or(NotRenewed::NoKek)?;
    let ca = kek.open(cluster, &authority.cert, &authority.sealed_key)?;
    let key = identity.public_key().ok_or(NotRenewed::Key)?;
    // Not before the wish, which is dated by the log: a clock that is behind would renew without end.
    let now = SystemTime::now().max(at(since));
    let cert = ca.certify_node(cluster, node, &key, Validity::of_node(now))?;
    let cert = cert.after(&authority.lineage, authority.retiring.as_deref());
    let renewed = identity.renewed(&cert)?;
    place::keep_identity(data_dir, &renewed)?;
    tracing::info!(expires = ?renewed.expires_at(), "the certificate is renewed");
    Ok(renewed)
}

fn at(time: Timestamp) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(time.0)
}

#[cfg(test)]
mod tests {
    use quorate_certs::{ClusterCa, ClusterId};
    use quorate_core::NodeId;

    use super::*;

    #[test]
    fn an_identity_is_of_the_ca_that_the_state_names_and_of_no_other() {
        let cluster = ClusterId::random();
        let ca = ClusterCa::generate(&cluster).unwrap();
        let identity = ca.issue_node(&cluster, NodeId(1)).unwrap();
        let mut authority = Authority {
            cert: ca.cert_pem().to_owned(),
            sealed_key: String::new(),
            lineage: String::new(),
            retiring: None,
        };
        assert!(is_of(&identity, &authority));
        authority.cert = ca.cert_pem().replace('\n', "\r\n");
        assert!(is_of(&identity, &authority), "an editor's doing");
        authority.retiring = Some(ClusterCa::generate(&cluster).unwrap().cert_pem().to_owned());
        assert!(!is_of(&identity, &authority), "another one is to be believed too");
        authority.cert = authority.retiring.take().unwrap();
        assert!(!is_of(&identity, &authority));
    }

    #[test]
    fn what_a_crash_left_half_new_is_made_anew_and_what_is_ahead_of_the_state_is_kept() {
        let cluster = ClusterId::random();
        let old = ClusterCa::generate(&cluster).unwrap();
        let (new, lineage) = old.succeed(&cluster, "").unwrap();
        let state = |ca: &ClusterCa, retiring: Option<&ClusterCa>| Authority {
            cert: ca.cert_pem().to_owned(),
            sealed_key: String::new(),
            lineage: String::new(),
            retiring: retiring.map(|ca| ca.cert_pem().to_owned()),
        };
        let before = old.issue_node(&cluster, NodeId(1)).unwrap();
        let cert = new
            .certify_node(
                &cluster,
                NodeId(1),
                &before.public_key().unwrap(),
                Validity::of_node(SystemTime::now()),
            )
            .unwrap();
        let after = before.renewed(&cert.after(&lineage, Some(old.cert_pem()))).unwrap();
        assert!(is_of(&after, &state(&new, Some(&old))));
        assert!(is_ahead(&after, &state(&old, None)), "the state is that of before");
        assert!(!is_ahead(&before, &state(&new, Some(&old))));
        // The CAs were written, and the certificate was not.
        let dir = tempfile::tempdir().unwrap();
        before.save(dir.path()).unwrap();
        std::fs::write(dir.path().join(quorate_certs::CA_CERT_FILE), after.ca_pem()).unwrap();
        let half = NodeIdentity::load(dir.path()).unwrap();
        assert!(!is_of(&half, &state(&new, Some(&old))));
    }

    #[test]
    fn a_certificate_is_due_after_two_thirds_of_its_life_or_on_a_wish() {
        let cluster = ClusterId::random();
        let ca = ClusterCa::generate(&cluster).unwrap();
        let made = SystemTime::now();
        let identity = ca.issue_node_for(&cluster, NodeId(1), Validity::of_node(made)).unwrap();
        let day = Duration::from_secs(24 * 3600);
        let never = Timestamp(0);
        assert!(!is_due(&identity, made + 19 * day, never));
        assert!(is_due(&identity, made + 21 * day, never));
        assert!(is_due(&identity, made + 40 * day, never), "also when it is over");
        let ms =
            |time: SystemTime| Timestamp(u64::try_from(time.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap());
        assert!(!is_due(&identity, made, ms(made - day)));
        assert!(is_due(&identity, made, ms(made + Duration::from_secs(2))));
    }
}
