//! What a program may be told about its connection while it runs.

use quorate_core::NodeId;
use tokio::sync::broadcast;

/// Whether there is a session with a node that can change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// There is.
    Connected,
    /// There is none; nodes are being dialled.
    Reconnecting,
    /// There is a session, but its node has no quorum: it can be read and not written.
    NoQuorum,
    /// The cluster ended the session because this device is not logged in, or not any more (it was revoked, say). What is
    /// asked is refused as `not-logged-in` until somebody logs in; no node is dialled before something is asked.
    LoggedOut,
}

impl ConnectionState {
    /// In kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Reconnecting => "reconnecting",
            Self::NoQuorum => "no-quorum",
            Self::LoggedOut => "logged-out",
        }
    }
}

/// The connection at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// In which state.
    pub state: ConnectionState,
    /// With which node.
    pub node: Option<NodeId>,
    /// Why it is not what one would wish.
    pub cause: Option<String>,
}

impl Connection {
    pub(crate) fn new(state: ConnectionState, node: Option<NodeId>, cause: Option<String>) -> Self {
        Self { state, node, cause }
    }
}

/// Something that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The connection.
    Connection(Connection),
    /// Who leads, as the node in use says.
    Leader(Option<NodeId>),
}

/// Notices as they come. One that is not read for long misses the oldest.
#[derive(Debug)]
pub struct Notices(pub(crate) broadcast::Receiver<Notice>);

impl Notices {
    /// The next one; `None` when the client is closed. Cancel-safe.
    pub async fn next(&mut self) -> Option<Notice> {
        loop {
            match self.0.recv().await {
                Ok(notice) => return Some(notice),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
