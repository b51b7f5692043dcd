//! Errors as JSON: `{"error":{"code":"...","message":"...","hint":"..."}}`, the same from the daemon and from `chatctl`.

use serde::{Deserialize, Serialize};

/// The codes that the admin API answers with. Scripts rely on them: one is never renamed.
pub mod code {
    /// No majority of the voters is within reach.
    pub const NO_QUORUM: &str = "no-quorum";
    /// The node belongs to no formed cluster yet.
    pub const NOT_FORMED: &str = "not-formed";
    /// There is a leader, and it does not answer this node.
    pub const LEADER_UNREACHABLE: &str = "leader-unreachable";
    /// No node has this id.
    pub const UNKNOWN_NODE: &str = "unknown-node";
    /// The API has no such path.
    pub const UNKNOWN_PATH: &str = "unknown-path";
    /// The path is there, the method is not.
    pub const METHOD_NOT_ALLOWED: &str = "method-not-allowed";
    /// A parameter that is none, or has a value that it cannot have.
    pub const BAD_REQUEST: &str = "bad-request";
    /// A request whose body is over the limit.
    pub const TOO_LARGE: &str = "too-large";
    /// An answer that was not there within the daemon's deadline. A change that was asked for is perhaps done.
    pub const TIMED_OUT: &str = "timed-out";
    /// A change that is perhaps done: look, before asking again.
    pub const OUTCOME_UNKNOWN: &str = "outcome-unknown";
    /// No user has this name.
    pub const UNKNOWN_USER: &str = "unknown-user";
    /// No room has this name.
    pub const UNKNOWN_ROOM: &str = "unknown-room";
    /// No invite has this id.
    pub const UNKNOWN_INVITE: &str = "unknown-invite";
    /// The config or the certificate has faults, so nothing was read again.
    pub const NOT_RELOADED: &str = "not-reloaded";
    /// No ban has this id.
    pub const UNKNOWN_BAN: &str = "unknown-ban";
    /// The user has no such device.
    pub const UNKNOWN_DEVICE: &str = "unknown-device";
    /// A password that is too short or too long.
    pub const BAD_PASSWORD: &str = "bad-password";
    /// Too much of the same is under way: ask again in a moment.
    pub const BUSY: &str = "busy";
    /// The node belongs to a cluster already.
    pub const ALREADY_FORMED: &str = "already-formed";
    /// The cluster would be worse off than an operator may want: said with numbers, and done when forced.
    pub const REFUSED: &str = "refused";
    /// No token has this id, or none that this cluster knows.
    pub const UNKNOWN_TOKEN: &str = "unknown-token";
    /// The node was removed.
    pub const NODE_REMOVED: &str = "node-removed";
    /// Somebody else has changed the nodes meanwhile.
    pub const NODES_CHANGED: &str = "nodes-changed";
    /// The cluster has no CA of its own.
    pub const NO_AUTHORITY: &str = "no-authority";
    /// The CA before the present one is still in use.
    pub const CA_ROTATING: &str = "ca-rotating";
    /// The cluster did not let the node in.
    pub const NOT_ADMITTED: &str = "not-admitted";
    /// No node of the cluster to join was reached, or none with a quorum.
    pub const NOBODY_ANSWERED: &str = "nobody-answered";
    /// A node that is no node of the token's cluster.
    pub const WRONG_CA: &str = "wrong-ca";
    /// A fault of the daemon.
    pub const INTERNAL: &str = "internal";
}

/// The body of an answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What went wrong.
    pub error: ErrorBody,
}

/// One error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// For programs, in kebab-case: one of [`code`], or one of the caller's own.
    pub code: String,
    /// For people, one sentence without a full stop.
    pub message: String,
    /// What to do next, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ErrorBody {
    /// An error without a hint.
    #[must_use]
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
