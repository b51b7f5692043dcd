//! The nodes of the cluster as the log knows them: who was let in and by what, who votes by the operators' wish, who is gone
//! for ever, and the key of the CA, sealed.
//!
//! Raft's own membership is what is; this is what should be. The leader brings the one to the other.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{DeviceId, LogIndex, NodeId, Operator, Timestamp, TokenId, TokenKey};

/// The longest addr, in bytes: a name (RFC 1035, section 2.3.4), a colon and a port.
pub const ADDR_BYTES_MAX: usize = 253 + 6;

/// Where something is reached: `host:port`, as others are told it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Addr(String);

/// A text that is no addr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an address is a host and a port, like h1:7401, of at most {ADDR_BYTES_MAX} bytes")]
pub struct AddrError;

impl Addr {
    /// Whether it can be dialled, only dialling tells.
    ///
    /// # Errors
    /// It has no port, is too long, or has characters that no addr has.
    pub fn parse(text: &str) -> Result<Self, AddrError> {
        let (host, port) = text.rsplit_once(':').ok_or(AddrError)?;
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        let is_host = !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic());
        match is_host && is_port && text.len() <= ADDR_BYTES_MAX {
            true => Ok(Self(text.to_owned())),
            false => Err(AddrError),
        }
    }

    /// The addr as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Addr {
    type Error = AddrError;

    fn try_from(text: String) -> Result<Self, AddrError> {
        Self::parse(&text)
    }
}

impl From<Addr> for String {
    fn from(addr: Addr) -> Self {
        addr.0
    }
}

impl std::str::FromStr for Addr {
    type Err = AddrError;

    fn from_str(text: &str) -> Result<Self, AddrError> {
        Self::parse(text)
    }
}

impl std::fmt::Display for Addr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a node is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Reach {
    /// By other nodes.
    pub peer: Addr,
    /// By clients.
    pub client: Addr,
}

/// The cluster's CA, so that any node can certify another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Authority {
    /// Its certificate, PEM.
    pub cert: String,
    /// Its key, sealed under a key that no log and no snapshot holds; hex.
    pub sealed_key: String,
    /// What leads to it from CAs before it, for those who know only them; PEM, empty for the first.
    #[serde(default)]
    pub lineage: String,
    /// The certificate of the CA before it, PEM, while that one's nodes are still believed.
    #[serde(default)]
    pub retiring: Option<String>,
}

/// What holds for all nodes; there is one, once a leader has written the founders down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Roster {
    /// What operators call the cluster.
    pub name: String,
    /// The CA, where it was handed to the cluster.
    pub authority: Option<Authority>,
    /// The entry that last changed who should vote or where a node is: whoever decides on what they saw names it, and is
    /// refused when it has moved.
    pub changed_at: LogIndex,
    /// Whether a higher id gets leadership by itself; `None`: as each node's config says.
    #[serde(default)]
    pub hand_back: Option<bool>,
}

/// A node, for ever: the id of one that is gone is never given again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// How it came to the cluster; `None` for a founder.
    pub admission: Option<Admission>,
    /// Where it stands.
    pub standing: NodeStanding,
    /// It should vote, as soon as it has caught up.
    pub votes: bool,
    /// It should lead its clients elsewhere, and not lead.
    pub drained: bool,
    /// Where it is to be reached, until the membership says so too.
    pub moving: Option<Reach>,
    /// Its certificate should be of this time or later, in whole seconds; 0 while nobody asked for a new one.
    pub cert_since: Timestamp,
}

/// How a node came to the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    /// Its public key, by which it is known until it has a certificate.
    pub key: DeviceId,
    /// By which token.
    pub token: TokenId,
    /// When, in log time.
    pub at: Timestamp,
    /// Who asked, by the word of the node itself.
    pub by: Operator,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeStanding {
    /// It was let in, and is to be added to the membership.
    #[serde(rename = "1")]
    Admitted,
    /// It was added.
    #[serde(rename = "2")]
    Member,
    /// It is of the cluster no more, and never again.
    #[serde(rename = "3")]
    Removed {
        /// Since when, in log time.
        at: Timestamp,
        /// In which entry.
        index: LogIndex,
        /// Who takes its place in the same change.
        replaced_by: Option<NodeId>,
    },
}

impl Node {
    /// One that is there from the beginning.
    #[must_use]
    pub const fn founder() -> Self {
        Self {
            admission: None,
            standing: NodeStanding::Member,
            votes: true,
            drained: false,
            moving: None,
            cert_since: Timestamp(0),
        }
    }

    /// Whether it is of the cluster no more.
    #[must_use]
    pub const fn is_removed(&self) -> bool {
        matches!(self.standing, NodeStanding::Removed { .. })
    }

    /// Whether it may lead, by the operators' wish.
    #[must_use]
    pub const fn may_lead(&self) -> bool {
        self.votes && !self.drained && !self.is_removed()
    }
}

/// What lets a node in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinToken {
    /// Of its secret.
    pub key: TokenKey,
    /// When it was made, in log time.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// For how many nodes it was made.
    pub uses: u32,
    /// How many it is still good for. One without is kept until it has run out, to say so to who shows it.
    pub uses_left: u32,
    /// Nodes that come with it may vote.
    pub votes: bool,
    /// Who made it.
    pub by: Operator,
}

impl JoinToken {
    /// Whether it has run out by now.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_addr_is_a_host_and_a_port() {
        for text in ["h1:7401", "10.0.0.1:1", "[::1]:65535"] {
            assert_eq!(Addr::parse(text).map(String::from).as_deref(), Ok(text));
        }
        for text in ["", "h1", ":1", "h1:", "h1:0", "h1:65536", "h 1:7", "h\n:7"] {
            assert_eq!(Addr::parse(text), Err(AddrError), "{text:?}");
        }
        assert_eq!(Addr::parse(&format!("{}:65535", "h".repeat(254))), Err(AddrError));
    }
}
