//! Who may speak what, and where: one table, in which what is not listed is refused.

use std::fmt;

use quorate_certs::Presented;
use quorate_core::{DeviceId, NodeId};

use crate::alpn::Alpn;

/// The two endpoints of a daemon. They share nothing, so that a flood of clients does not delay heartbeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Port {
    /// For devices.
    Client,
    /// For nodes, and for those that want to become one.
    Peer,
}

impl Port {
    /// What is offered in handshakes here.
    #[must_use]
    pub const fn alpns(self) -> &'static [Alpn] {
        match self {
            Self::Client => &[Alpn::Client],
            Self::Peer => &[Alpn::Raft, Alpn::Relay, Alpn::Join],
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Client => "client port",
            Self::Peer => "peer port",
        })
    }
}

/// The other end of a connection, proven by its handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// This node of our cluster.
    Node(NodeId),
    /// The holder of this key. Whose device it is, the replicated state says.
    Device(DeviceId),
}

impl Identity {
    /// The node, if it is one.
    #[must_use]
    pub fn node(self) -> Option<NodeId> {
        match self {
            Self::Node(node) => Some(node),
            Self::Device(_) => None,
        }
    }

    /// The device, if it is one.
    #[must_use]
    pub fn device(self) -> Option<DeviceId> {
        match self {
            Self::Device(device) => Some(device),
            Self::Node(_) => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => write!(f, "node {node}"),
            Self::Device(device) => write!(f, "device {device}"),
        }
    }
}

/// An identity that must not speak this protocol here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{identity} may not speak {alpn} on the {port}")]
pub struct Refused {
    /// What it wanted to speak.
    pub alpn: Alpn,
    /// Who it is.
    pub identity: Identity,
    /// Where it came.
    pub port: Port,
}

/// The table. A node does not act as a client: nobody could tell then for whom it acts.
///
/// # Errors
/// The combination is not in the table.
pub fn authorise(alpn: Alpn, presented: &Presented, port: Port) -> Result<Identity, Refused> {
    let identity = match *presented {
        Presented::Node(node) => Identity::Node(node),
        Presented::Device(device) => Identity::Device(device),
    };
    match (port, alpn, identity) {
        (Port::Client, Alpn::Client, Identity::Device(_))
        | (Port::Peer, Alpn::Raft | Alpn::Relay, Identity::Node(_))
        | (Port::Peer, Alpn::Join, Identity::Device(_)) => Ok(identity),
        _ => Err(Refused { alpn, identity, port }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_is_as_the_table_says() {
        const NODE: Presented = Presented::Node(NodeId(1));
        const DEVICE: Presented = Presented::Device(DeviceId([7; 32]));
        let table = [
            (Port::Client, Alpn::Raft, NODE, false),
            (Port::Client, Alpn::Raft, DEVICE, false),
            (Port::Client, Alpn::Relay, NODE, false),
            (Port::Client, Alpn::Relay, DEVICE, false),
            (Port::Client, Alpn::Join, NODE, false),
            (Port::Client, Alpn::Join, DEVICE, false),
            (Port::Client, Alpn::Client, NODE, false),
            (Port::Client, Alpn::Client, DEVICE, true),
            (Port::Peer, Alpn::Raft, NODE, true),
            (Port::Peer, Alpn::Raft, DEVICE, false),
            (Port::Peer, Alpn::Relay, NODE, true),
            (Port::Peer, Alpn::Relay, DEVICE, false),
            (Port::Peer, Alpn::Join, NODE, false),
            (Port::Peer, Alpn::Join, DEVICE, true),
            (Port::Peer, Alpn::Client, NODE, false),
            (Port::Peer, Alpn::Client, DEVICE, false),
        ];
        for (port, alpn, presented, allowed) in table {
            assert_eq!(
                authorise(alpn, &presented, port).is_ok(),
                allowed,
                "{port}, {alpn}, {presented:?}"
            );
        }
    }

    #[test]
    fn what_is_offered_is_what_somebody_may_speak() {
        for port in [Port::Client, Port::Peer] {
            for alpn in Alpn::ALL {
                let somebody = [Presented::Node(NodeId(1)), Presented::Device(DeviceId([7; 32]))];
                let may = somebody
                    .iter()
                    .any(|presented| authorise(alpn, presented, port).is_ok());
                assert_eq!(port.alpns().contains(&alpn), may, "{port}, {alpn}");
            }
        }
    }
}
