//! Why a dial failed, in words that tell its user what to do.

use std::io;

use crate::connection::CloseReason;

/// TLS alerts (RFC 8446, section 6) that mean something of their own here.
mod alert {
    pub(super) const BAD_CERTIFICATE: u8 = 42;
    pub(super) const CERTIFICATE_EXPIRED: u8 = 45;
    pub(super) const CERTIFICATE_UNKNOWN: u8 = 46;
    pub(super) const UNKNOWN_CA: u8 = 48;
    pub(super) const DECRYPT_ERROR: u8 = 51;
    pub(super) const NO_APPLICATION_PROTOCOL: u8 = 120;
}

/// Why there is no connection. Only [`DialError::WrongCa`], [`DialError::WrongNode`] and [`DialError::Alpn`] are not worth
/// another try at the same address.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name means nothing, or the resolver does not answer.
    #[error("cannot resolve {addr}")]
    Unresolved {
        /// What was to be resolved.
        addr: String,
        /// Why it was not.
        source: io::Error,
    },
    /// The name has no address that this socket can reach.
    #[error("{addr} has no address that can be dialled from here")]
    NoAddress {
        /// What was resolved.
        addr: String,
    },
    /// No answer in time: nothing listens there, or UDP does not pass.
    #[error("no answer in time")]
    TimedOut,
    /// The node is draining or has no room.
    #[error("the node refused: it is shutting down or has no room")]
    Refused,
    /// The node's CA is not the one that is trusted here. Not to be waved through.
    #[error("the node is not of the trusted cluster: {detail}")]
    WrongCa {
        /// What was wrong with it.
        detail: String,
    },
    /// A node answered, but another one.
    #[error("another node answered: {detail}")]
    WrongNode {
        /// What was wrong with it.
        detail: String,
    },
    /// The node's certificate has expired or is not valid yet, by this machine's clock.
    #[error("the node's certificate is not in force: {detail} (is this machine's clock right?)")]
    NotInForce {
        /// What was wrong with it.
        detail: String,
    },
    /// Nothing there speaks this protocol in this version.
    #[error("the node does not speak this protocol or version there")]
    Alpn,
    /// The handshake failed in another way, or the node closed the connection in the middle of it.
    #[error("the handshake failed: {0}")]
    Handshake(#[source] CloseReason),
    /// This end could not even begin.
    #[error("cannot dial from this machine")]
    Local(#[source] io::Error),
}

impl From<CloseReason> for DialError {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::TimedOut => Self::TimedOut,
            CloseReason::Refused => Self::Refused,
            CloseReason::TlsByUs { alert: number, detail } => match number {
                // rustls says 42 for a name that does not match; a pin that does not match is ours, and told as 46. A CA
                // of the right name with another key shows as a signature that does not fit.
                alert::BAD_CERTIFICATE => Self::WrongNode { detail },
                alert::CERTIFICATE_UNKNOWN | alert::UNKNOWN_CA | alert::DECRYPT_ERROR => Self::WrongCa { detail },
                alert::CERTIFICATE_EXPIRED => Self::NotInForce { detail },
                alert::NO_APPLICATION_PROTOCOL => Self::Alpn,
                _ => Self::Handshake(CloseReason::TlsByUs { alert: number, detail }),
            },
            CloseReason::TlsByPeer {
                alert: alert::NO_APPLICATION_PROTOCOL,
            } => Self::Alpn,
            other => Self::Handshake(other),
        }
    }
}
