//! The protocols: what two ends agree to speak, major version included, before a byte of it is sent (RFC 7301).

use std::fmt;

/// A protocol of ours, in its major version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Alpn {
    /// Raft between nodes.
    Raft,
    /// Submissions and signals from node to node.
    Relay,
    /// A machine that wants to become a node.
    Join,
    /// A device.
    Client,
}

impl Alpn {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Raft, Self::Relay, Self::Join, Self::Client];

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raft => "chat-raft/1",
            Self::Relay => "chat-relay/1",
            Self::Join => "chat-join/1",
            Self::Client => "chat/1",
        }
    }

    /// The name on the wire, in bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        self.as_str().as_bytes()
    }

    /// The protocol of this name.
    #[must_use]
    pub fn from_wire(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|alpn| alpn.as_bytes() == name)
    }
}

impl fmt::Display for Alpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
