//! What the calls of this crate end with when they do not end well.

use std::path::PathBuf;

use thiserror::Error;

/// Why a request has no answer. The three ends of a write are told apart: it is done (`Ok`), it surely did not happen
/// ([`Refused`](Self::Refused), [`Unavailable`](Self::Unavailable), [`Untrusted`](Self::Untrusted)), or
/// nobody can say yet ([`Unknown`](Self::Unknown)).
#[derive(Clone, Debug, Error)]
pub enum RequestError {
    /// Told no, and nothing happened. Asking again the same way is answered the same way.
    #[error("{message}")]
    Refused {
        /// Stable, in kebab-case: `not-a-member`, `name-taken`, `too-large`, ...
        code: String,
        /// For people.
        message: String,
    },
    /// Nothing happened, since until the deadline no node could be reached (`no-node`) or none had a quorum
    /// (`no-quorum`), or for the reason that the code names. Worth asking again.
    #[error("{message}")]
    Unavailable {
        /// Stable, in kebab-case.
        code: String,
        /// For people.
        message: String,
    },
    /// It may have happened. Asking for the same thing again (a message: with the same id) finds out.
    #[error("timed out: the outcome is unknown")]
    Unknown,
    /// A server's certificate is not from the CA that the profile knows. No retry helps; an operator must say which CA is
    /// right.
    #[error("{0}")]
    Untrusted(String),
}

impl RequestError {
    /// Stable, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Refused { code, .. } | Self::Unavailable { code, .. } => code,
            Self::Unknown => "unknown",
            Self::Untrusted(_) => "untrusted",
        }
    }

    /// Whether what was asked may have happened.
    #[must_use]
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Unknown)
    }

    pub(crate) fn refused(code: &str, message: impl Into<String>) -> Self {
        Self::Refused {
            code: code.to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn not_logged_in() -> Self {
        Self::refused("not-logged-in", "this profile is not logged in")
    }

    pub(crate) fn odd_answer() -> Self {
        Self::refused("protocol", "the node answered something else than it was asked")
    }

    pub(crate) fn closed() -> Self {
        Self::Unavailable {
            code: "closed".to_owned(),
            message: "the client is closed".to_owned(),
        }
    }
}

/// Why there is no client: something is wrong on this machine.
#[derive(Debug, Error)]
pub enum OpenError {
    /// A file or folder of the profile cannot be used.
    #[error("{path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The profile's settings do not parse.
    #[error("{path} is damaged or of a newer version")]
    Settings {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// The device's key cannot be had.
    #[error("the device key cannot be used")]
    DeviceKey(#[from] quorate_certs::DeviceKeyError),
    /// The profile names no server.
    #[error("no server is known")]
    NoServers,
}
