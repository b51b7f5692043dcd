//! The id of a cluster, and the DNS names that stand for its nodes in certificates.

use std::fmt;
use std::str::FromStr;

use quorate_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::provider;

/// 80 random bits at 5 bits a character: no two clusters meet by chance.
const CLUSTER_ID_CHARS: usize = 16;
const BASE32_LOWER: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The id of a cluster: 16 characters of `a-z0-9`, random when made here. A valid DNS label, and part of the names in each
/// node's certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterId(String);

/// A text that is no cluster id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cluster id is {CLUSTER_ID_CHARS} characters of a-z and 0-9")]
pub struct ClusterIdError;

impl ClusterId {
    /// A new id, from the system's random source.
    #[must_use]
    pub fn random() -> Self {
        let mut dice = [0_u8; CLUSTER_ID_CHARS];
        provider::fill_random(&mut dice);
        Self(
            dice.iter()
                .map(|die| char::from(BASE32_LOWER[usize::from(die % 32)]))
                .collect(),
        )
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClusterId {
    type Err = ClusterIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = text.len() == CLUSTER_ID_CHARS && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        fits.then(|| Self(text.to_owned())).ok_or(ClusterIdError)
    }
}

impl TryFrom<String> for ClusterId {
    type Error = ClusterIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ClusterId> for String {
    fn from(id: ClusterId) -> Self {
        id.0
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClusterId({})", self.0)
    }
}

/// The name that only this node's certificate carries: `n<id>.<cluster>.node.internal`.
#[must_use]
pub fn node_server_name(cluster: &ClusterId, node: NodeId) -> String {
    format!("n{node}.{cluster}.node.internal")
}

/// The name that every node's certificate carries, and that devices verify: `chat.<cluster>.internal`.
#[must_use]
pub fn client_server_name(cluster: &ClusterId) -> String {
    format!("chat.{cluster}.internal")
}

/// The name in a CA's own certificate: `ca.<cluster>.internal`.
pub(crate) fn ca_name(cluster: &ClusterId) -> String {
    format!("ca.{cluster}.internal")
}

/// A DNS name out of a certificate, as far as it means something here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CertName {
    Node(ClusterId, NodeId),
    Ca(ClusterId),
    /// Anything else, ill-formed ones of ours included.
    Other,
}

impl CertName {
    pub(crate) fn parse(name: &str) -> Self {
        Self::parse_ours(name).unwrap_or(Self::Other)
    }

    fn parse_ours(name: &str) -> Option<Self> {
        let rest = name.strip_suffix(".internal")?;
        if let Some(rest) = rest.strip_suffix(".node") {
            let (node, cluster) = rest.strip_prefix('n')?.split_once('.')?;
            let canonical = node.bytes().all(|byte| byte.is_ascii_digit()) && (node == "0" || !node.starts_with('0'));
            let node = canonical.then(|| node.parse().ok())??;
            return Some(Self::Node(cluster.parse().ok()?, node));
        }
        let (what, cluster) = rest.split_once('.')?;
        let cluster = cluster.parse().ok()?;
        (what == "ca").then_some(Self::Ca(cluster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_id_parses_and_differs_from_the_next() {
        let id = ClusterId::random();
        assert_eq!(id.to_string().parse(), Ok(id.clone()));
        assert_ne!(id, ClusterId::random());
    }

    #[test]
    fn what_is_no_label_of_sixteen_is_refused() {
        for text in [
            "",
            "abc",
            "ABCDEFGHIJKLMNOP",
            "abcdefghijklmno.",
            "abcdefghijklmnopq",
            "abcdefghijklmn\u{e9}",
        ] {
            assert_eq!(text.parse::<ClusterId>(), Err(ClusterIdError), "{text}");
        }
    }

    #[test]
    fn names_are_read_back_and_only_in_their_one_spelling() {
        let cluster = ClusterId::random();
        let node = NodeId(12);
        assert_eq!(
            CertName::parse(&node_server_name(&cluster, node)),
            CertName::Node(cluster.clone(), node)
        );
        assert_eq!(
            CertName::parse(&client_server_name(&cluster)),
            CertName::Other,
            "webpki compares it as a whole"
        );
        assert_eq!(CertName::parse(&ca_name(&cluster)), CertName::Ca(cluster.clone()));
        for odd in ["n012", "n+12", "n", "12", "n1.2", "n99999999999999999999999", "N12"] {
            assert_eq!(
                CertName::parse(&format!("{odd}.{cluster}.node.internal")),
                CertName::Other,
                "{odd}"
            );
        }
        assert_eq!(CertName::parse("*.node.internal"), CertName::Other);
    }
}
