//! What a machine that wants to become a node says under the ALPN `chat-join/1`, and what it is told: one question on one
//! stream, and one answer.
//!
//! TLS has shown both sides what they need before: the joiner has checked that the node's CA is the one in its token, and the
//! node knows the joiner's key. Bodies are positional MessagePack.

use bytes::Bytes;
use quorate_core::{NodeId, TokenId};
use serde::{Deserialize, Serialize};

pub use crate::relay::{frame, parse};

/// The version of what is said here.
pub const JOIN_VERSION: u16 = 1;

/// A frame's kind. Numbers are never given anew.
pub mod kind {
    /// [`super::Join`].
    pub const JOIN: u16 = 40;
    /// [`super::Joined`].
    pub const JOINED: u16 = 41;
    /// [`super::JoinRefused`].
    pub const JOIN_REFUSED: u16 = 42;
}

/// Let me in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// First, and never moved: a newer question must be readable this far.
    pub version: u16,
    /// The token.
    pub token: TokenId,
    /// Its secret, 16 bytes.
    pub secret: Bytes,
    /// The public key to certify (SubjectPublicKeyInfo, DER): that of this connection.
    pub key: Bytes,
    /// Where other nodes will reach it.
    pub peer_addr: String,
    /// Where clients will reach it.
    pub client_addr: String,
    /// Whether it wants to vote; without a word, if the token allows that.
    pub votes: Option<bool>,
    /// The uid of the operator there, for the record.
    pub uid: u32,
}

impl std::fmt::Debug for Join {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Join")
            .field("token", &self.token)
            .field("peer_addr", &self.peer_addr)
            .finish_non_exhaustive()
    }
}

/// It is let in, for ever under this id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joined {
    /// The cluster.
    pub cluster: String,
    /// What operators call it.
    pub name: String,
    /// The new node's id.
    pub node: NodeId,
    /// It is to vote, once it has caught up.
    pub votes: bool,
    /// Its certificate and the CA's, PEM.
    pub chain: String,
    /// The CA's certificate, PEM.
    pub ca: String,
    /// The key that seals the CA's key, 32 bytes.
    pub kek: Bytes,
    /// The nodes that there are, and where.
    pub members: Vec<(NodeId, String)>,
}

impl std::fmt::Debug for Joined {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Joined")
            .field("cluster", &self.cluster)
            .field("node", &self.node)
            .finish_non_exhaustive()
    }
}

/// It is not let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinRefused {
    /// For programs, in kebab-case.
    pub code: String,
    /// For people.
    pub message: String,
    /// The same may come to something else soon, or at another node.
    pub again: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_keeps_its_golden_bytes() {
        let join = Join {
            version: JOIN_VERSION,
            token: TokenId(7),
            secret: Bytes::from_static(&[1, 2]),
            key: Bytes::from_static(&[3]),
            peer_addr: "h:1".to_owned(),
            client_addr: "h:2".to_owned(),
            votes: None,
            uid: 5,
        };
        let sent = frame(kind::JOIN, &join);
        assert_eq!(sent.kind, 40);
        assert_eq!(
            sent.body,
            b"\x98\x01\x07\xc4\x02\x01\x02\xc4\x01\x03\xa3h:1\xa3h:2\xc0\x05".as_slice()
        );
        assert_eq!(parse::<Join>(&sent).unwrap(), join);
        assert!(!format!("{join:?}").contains("secret"));
    }
}
