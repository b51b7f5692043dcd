//! The first words on each connection between nodes, in both directions.
//!
//! TLS has shown which node of which cluster the other is. The hello adds what a certificate cannot say: which data
//! directory speaks. The dialling side opens the first stream and says [`Hello`]; the accepting side judges it, records the
//! incarnation on disk, and answers with its own hello and its verdict. Nothing else is read from a connection before.

use quorate_certs::ClusterId;
use quorate_core::NodeId;
use quorate_protocol::Frame;
use serde::{Deserialize, Serialize};

use crate::store::Incarnation;

/// The kind of [`Hello`] on the wire.
pub(crate) const KIND_HELLO: u16 = 1;
/// The kind of [`HelloReply`] on the wire.
pub(crate) const KIND_HELLO_REPLY: u16 = 2;
/// The version of what peers say to each other that this build speaks.
pub const PEER_VERSION: u16 = 1;

/// Who speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The cluster it belongs to.
    pub cluster: ClusterId,
    /// Its id; must be the one in its certificate.
    pub node: NodeId,
    /// Its data directory.
    pub incarnation: Incarnation,
    /// What it speaks.
    pub version: u16,
    /// Whether it takes part in Raft, or waits to.
    pub enrolled: bool,
}

/// Why a node does not speak with another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HelloRefusal {
    /// A certificate of this cluster, and a hello of another.
    #[error("it belongs to cluster {0}")]
    WrongCluster(ClusterId),
    /// A hello that is not the certificate's, or a node that says it is this one.
    #[error("it calls itself node {claimed}, and its certificate is node {certified}'s")]
    WrongNode {
        /// What the hello says.
        claimed: NodeId,
        /// What TLS has shown.
        certified: NodeId,
    },
    /// Its data are not those that were here before under this id.
    #[error("node {0}'s data directory is not the one this cluster knows; replace the node under a new id")]
    OtherIncarnation(NodeId),
    /// It was taken out of the cluster.
    #[error("node {0} was removed from the cluster")]
    Removed(NodeId),
    /// It does not speak what is spoken here.
    #[error("it speaks version {0} of the peer protocol, and this node does not")]
    Version(u16),
}

/// What the accepting side says of a hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The incarnation stands on its disk now, if it did not before.
    Recorded,
    /// The other's data directory is not the one that it knows under this id.
    OtherIncarnation,
    /// The other was taken out of the cluster.
    Removed,
}

/// The accepting side's hello and what it says of the dialling side's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloReply {
    /// Who answers.
    pub hello: Hello,
    /// What it says.
    pub verdict: Verdict,
}

#[derive(Serialize, Deserialize)]
struct WireHello {
    /// First, and never moved: a newer hello must be readable this far.
    version: u16,
    cluster: String,
    node: u64,
    incarnation: (u64, u64),
    enrolled: bool,
}

#[derive(Serialize, Deserialize)]
struct WireHelloReply {
    hello: WireHello,
    /// 0 recorded, 1 other incarnation, 40 removed.
    verdict: u8,
}

/// Bytes that are no hello.
#[derive(Debug, thiserror::Error)]
pub enum HelloError {
    /// Something else came first.
    #[error("a frame of kind {0} came instead of a hello")]
    Kind(u16),
    /// It cannot be read.
    #[error("the hello cannot be read")]
    Unreadable(#[source] rmp_serde::decode::Error),
    /// It names no cluster that could be.
    #[error("the hello names no cluster")]
    Cluster(#[source] quorate_certs::ClusterIdError),
    /// The answer is neither yes nor no.
    #[error("verdict {0} is not known")]
    Verdict(u8),
}

impl Hello {
    /// Whether this may be a hello of the node that TLS has shown. The incarnation is not judged here.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, own_cluster: &ClusterId, certified: NodeId) -> Result<(), HelloRefusal> {
        if self.version != PEER_VERSION {
            return Err(HelloRefusal::Version(self.version));
        }
        if self.cluster != *own_cluster {
            return Err(HelloRefusal::WrongCluster(self.cluster.clone()));
        }
        if self.node != certified {
            return Err(HelloRefusal::WrongNode {
                claimed: self.node,
                certified,
            });
        }
        Ok(())
    }

    pub(crate) fn frame(&self) -> Frame {
        Frame::new(KIND_HELLO, encode(&self.wire()))
    }

    pub(crate) fn read(frame: &Frame) -> Result<Self, HelloError> {
        if frame.kind != KIND_HELLO {
            return Err(HelloError::Kind(frame.kind));
        }
        Self::from_wire(rmp_serde::from_slice(&frame.body).map_err(HelloError::Unreadable)?)
    }

    fn wire(&self) -> WireHello {
        let Incarnation(incarnation) = self.incarnation;
        WireHello {
            version: self.version,
            cluster: self.cluster.to_string(),
            node: self.node.0,
            incarnation: ((incarnation >> 64) as u64, incarnation as u64),
            enrolled: self.enrolled,
        }
    }

    fn from_wire(wire: WireHello) -> Result<Self, HelloError> {
        let (high, low) = wire.incarnation;
        Ok(Self {
            cluster: wire.cluster.parse().map_err(HelloError::Cluster)?,
            node: NodeId(wire.node),
            incarnation: Incarnation(u128::from(high) << 64 | u128::from(low)),
            version: wire.version,
            enrolled: wire.enrolled,
        })
    }
}

impl HelloReply {
    pub(crate) fn frame(&self) -> Frame {
        let verdict = match self.verdict {
            Verdict::Recorded => 0,
            Verdict::OtherIncarnation => 1,
            Verdict::Removed => 40,
        };
        Frame::new(
            KIND_HELLO_REPLY,
            encode(&WireHelloReply {
                hello: self.hello.wire(),
                verdict,
            }),
        )
    }

    pub(crate) fn read(frame: &Frame) -> Result<Self, HelloError> {
        if frame.kind != KIND_HELLO_REPLY {
            return Err(HelloError::Kind(frame.kind));
        }
        let wire: WireHelloReply = rmp_serde::from_slice(&frame.body).map_err(HelloError::Unreadable)?;
        let verdict = match wire.verdict {
            0 => Verdict::Recorded,
            1 => Verdict::OtherIncarnation,
            40 => Verdict::Removed,
            other => return Err(HelloError::Verdict(other)),
        };
        Ok(Self {
            hello: Hello::from_wire(wire.hello)?,
            verdict,
        })
    }
}

fn encode(body: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec(body).expect("plain numbers and strings always encode into memory")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> Hello {
        Hello {
            cluster: "abcdefghijklmnop".parse().unwrap(),
            node: NodeId(3),
            incarnation: Incarnation(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
            version: PEER_VERSION,
            enrolled: true,
        }
    }

    #[test]
    fn a_hello_is_these_bytes() {
        let frame = hello().frame();
        assert_eq!(frame.kind, 1);
        let mut bytes = vec![0x95, 0x01, 0xb0];
        bytes.extend_from_slice(b"abcdefghijklmnop");
        bytes.extend_from_slice(&[
            0x03, 0x92, 0xcf, 1, 2, 3, 4, 5, 6, 7, 8, 0xcf, 9, 10, 11, 12, 13, 14, 15, 16, 0xc3,
        ]);
        assert_eq!(frame.body[..], bytes);
        assert_eq!(Hello::read(&frame).unwrap(), hello());
    }

    #[test]
    fn a_reply_is_a_hello_and_a_verdict() {
        for (verdict, byte) in [
            (Verdict::Recorded, 0),
            (Verdict::OtherIncarnation, 1),
            (Verdict::Removed, 40),
        ] {
            let reply = HelloReply {
                hello: hello(),
                verdict,
            };
            let frame = reply.frame();
            assert_eq!(
                (frame.kind, frame.body[0], *frame.body.last().unwrap()),
                (2, 0x92, byte)
            );
            assert_eq!(HelloReply::read(&frame).unwrap(), reply);
        }
    }

    #[test]
    fn a_hello_must_be_that_of_the_certificate() {
        let own = hello().cluster;
        assert_eq!(hello().check(&own, NodeId(3)), Ok(()));
        let other: ClusterId = "ponmlkjihgfedcba".parse().unwrap();
        assert_eq!(
            hello().check(&other, NodeId(3)),
            Err(HelloRefusal::WrongCluster(own.clone()))
        );
        let refusal = HelloRefusal::WrongNode {
            claimed: NodeId(3),
            certified: NodeId(4),
        };
        assert_eq!(hello().check(&own, NodeId(4)), Err(refusal));
        let newer = Hello {
            version: PEER_VERSION + 1,
            ..hello()
        };
        assert_eq!(
            newer.check(&own, NodeId(3)),
            Err(HelloRefusal::Version(PEER_VERSION + 1))
        );
    }

    #[test]
    fn other_frames_are_no_hello() {
        assert!(matches!(
            Hello::read(&Frame::new(16, vec![1])),
            Err(HelloError::Kind(16))
        ));
        assert!(matches!(
            Hello::read(&Frame::new(KIND_HELLO, vec![0xc1])),
            Err(HelloError::Unreadable(_))
        ));
    }
}
