//! Opening a session, keeping it, and ending it.

use quorate_core::{LogIndex, NodeId, Timestamp, UserName};
use serde::{Deserialize, Serialize};

/// The client's first frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The highest minor version that the client speaks.
    pub minor: u16,
    /// The client's name and version, for traces.
    pub program: String,
    /// The highest applied index that the client has seen; the node answers when it is there too.
    pub seen: LogIndex,
    /// The id of the cluster in which it was seen, where the client knows it. A node of another one has nothing to wait for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// The node's first frame: the session is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The minor version in use.
    pub minor: u16,
    /// The cluster's id.
    pub cluster: String,
    /// The node's id.
    pub node: NodeId,
    /// The node's version.
    pub version: String,
    /// The node's clock.
    pub now: Timestamp,
    /// Whom the device speaks for, if for anybody.
    pub user: Option<UserName>,
    /// Who leads.
    pub leader: Option<NodeId>,
    /// Where the nodes are reached, in the order of their ids.
    pub nodes: Vec<NodeAddr>,
    /// The node has applied up to here.
    pub seen: LogIndex,
    /// The fingerprint of the cluster's CA in hex, to be pinned from now on in place of what is; none while it is changing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
}

/// Where a node is reached by clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddr {
    /// Which.
    pub id: NodeId,
    /// `host:port`.
    pub addr: String,
}

/// Is the node there?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back.
    pub token: u64,
}

/// It is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// From the ping.
    pub token: u64,
}

/// The node is about to go: move to another one, then close.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// Why.
    pub reason: String,
}

/// Nodes have come or gone, or are reached elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nodes {
    /// As in [`Welcome`].
    pub nodes: Vec<NodeAddr>,
}

/// Another node leads, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leader {
    /// Who.
    pub leader: Option<NodeId>,
}
