//! What is read out of a certificate. webpki parses; nothing here walks DER by itself.

use std::time::{Duration, SystemTime};

use quorate_core::{DeviceId, NodeId};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use webpki::{EndEntityCert, KeyUsage};

use crate::cluster::{CertName, ClusterId};
use crate::fingerprint::CaFingerprint;
use crate::provider::{algorithms, sha256};

/// The device id that belongs to a certificate's key.
pub(crate) fn device_id(cert: &EndEntityCert<'_>) -> DeviceId {
    DeviceId(sha256(cert.subject_public_key_info().as_ref()))
}

/// The fingerprint of a certificate's key, `None` if it is no certificate.
pub(crate) fn fingerprint(cert: &CertificateDer<'_>) -> Option<CaFingerprint> {
    let parsed = EndEntityCert::try_from(cert).ok()?;
    Some(CaFingerprint::of_spki(parsed.subject_public_key_info().as_ref()))
}

/// The fingerprint of the CA that a node shows behind its own certificate. A device's handshake has verified that it signed that.
#[must_use]
pub fn ca_shown_in(chain: &[CertificateDer<'_>]) -> Option<CaFingerprint> {
    fingerprint(chain.get(1)?)
}

/// The node that a certificate names, if it names exactly one.
pub(crate) fn only_node(cert: &EndEntityCert<'_>) -> Option<(ClusterId, NodeId)> {
    only(cert, |name| match name {
        CertName::Node(cluster, node) => Some((cluster, node)),
        _ => None,
    })
}

/// The node that a certificate names, if it names exactly one. It says nothing about who signed that: for certificates that
/// a handshake has already verified.
#[must_use]
pub fn node_named_in(cert: &CertificateDer<'_>) -> Option<(ClusterId, NodeId)> {
    only_node(&EndEntityCert::try_from(cert).ok()?)
}

/// The cluster that a CA certificate was made for, if it names exactly one.
pub(crate) fn only_ca_cluster(cert: &EndEntityCert<'_>) -> Option<ClusterId> {
    only(cert, |name| match name {
        CertName::Ca(cluster) => Some(cluster),
        _ => None,
    })
}

fn only<T>(cert: &EndEntityCert<'_>, pick: impl Fn(CertName) -> Option<T>) -> Option<T> {
    let mut picked = cert.valid_dns_names().filter_map(|name| pick(CertName::parse(name)));
    let first = picked.next()?;
    picked.next().is_none().then_some(first)
}

/// Whether a certificate leads to one of the roots, and is in force, as a client's.
pub(crate) fn verify_as_client(
    cert: &EndEntityCert<'_>,
    intermediates: &[CertificateDer<'_>],
    roots: &RootCertStore,
    now: UnixTime,
) -> Result<(), webpki::Error> {
    let usage = KeyUsage::client_auth();
    cert.verify_for_usage(algorithms().all, &roots.roots, intermediates, now, usage, None, None)
        .map(|_| ())
}

/// From when and until when a certificate is in force. webpki tells these dates only in its errors, so it is asked about
/// the beginning of time and then about the end; it looks at the dates before all else.
pub(crate) fn validity(cert: &EndEntityCert<'_>) -> Option<(SystemTime, SystemTime)> {
    let asked_at = |secs| {
        let now = UnixTime::since_unix_epoch(Duration::from_secs(secs));
        verify_as_client(cert, &[], &RootCertStore::empty(), now)
    };
    let from = match asked_at(0) {
        Err(webpki::Error::CertNotValidYet { not_before, .. }) => not_before.as_secs(),
        _ => 0,
    };
    match asked_at(u64::MAX) {
        Err(webpki::Error::CertExpired { not_after, .. }) => Some((at(from), at(not_after.as_secs()))),
        _ => None,
    }
}

fn at(unix_secs: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(unix_secs)
}
