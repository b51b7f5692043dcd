//! A connection: who is at the other end, streams to it, and how it ended.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{ConnectionError, TransportErrorCode, VarInt};
use quorate_certs::{CaFingerprint, ca_shown_in};
use quorate_protocol::{FRAME_MAX_BEFORE_LOGIN_BYTES, FRAME_MAX_CLIENT_BYTES, FRAME_MAX_PEER_BYTES};

use crate::admission::Slot;
use crate::alpn::Alpn;
use crate::authorise::Identity;
use crate::code::{CloseCode, cut_reason, shown_reason};
use crate::listener::peer_chain;
use crate::settings::Side;
use crate::stream::{FrameReceiver, FrameSender, Priority, stream_pair};

/// A connection that was authorised. Cheap to clone. When the last clone and the last of its streams are dropped, the
/// connection closes; better is [`Connection::close`], which says why.
#[derive(Clone)]
pub struct Connection(Arc<Inner>);

struct Inner {
    quic: quinn::Connection,
    alpn: Alpn,
    identity: Identity,
    side: Side,
    /// Its place among the listener's connections; none if this end dialled.
    _slot: Option<Slot>,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The other end closed it.
    ByPeer {
        /// With this code, if it is one of ours.
        code: Option<CloseCode>,
        /// The code as a number.
        number: u64,
        /// With these words, made safe to show.
        reason: String,
    },
    /// The other end refused the attempt: it is draining or has no room.
    Refused,
    /// The other end's TLS gave up on this end: it does not accept the certificate, or speaks nothing in common.
    TlsByPeer {
        /// The alert (RFC 8446, section 6).
        alert: u8,
    },
    /// This end's TLS gave up on the other end.
    TlsByUs {
        /// The alert (RFC 8446, section 6).
        alert: u8,
        /// What was wrong.
        detail: String,
    },
    /// The other end knows nothing of this connection: it was restarted.
    Reset,
    /// Nothing was heard for too long.
    TimedOut,
    /// This end closed it.
    ByUs,
    /// One of the two QUIC stacks gave up.
    Quic(String),
}

impl CloseReason {
    /// The other end's code, if it sent one of ours.
    #[must_use]
    pub fn code(&self) -> Option<CloseCode> {
        match self {
            Self::ByPeer { code, .. } => *code,
            _ => None,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByPeer { code, number, reason } => {
                match code {
                    Some(code) => write!(f, "closed by the other end: {code}")?,
                    None => write!(f, "closed by the other end with code {number:#x}")?,
                }
                if reason.is_empty() {
                    Ok(())
                } else {
                    write!(f, " ({reason})")
                }
            }
            Self::Refused => f.write_str("refused: the node is shutting down or has no room"),
            Self::TlsByPeer { alert } => write!(f, "the other end refused the handshake (TLS alert {alert})"),
            Self::TlsByUs { alert, detail } => write!(f, "the handshake failed: {detail} (TLS alert {alert})"),
            Self::Reset => f.write_str("the other end was restarted"),
            Self::TimedOut => f.write_str("nothing was heard for too long"),
            Self::ByUs => f.write_str("closed by this end"),
            Self::Quic(detail) => write!(f, "QUIC failed: {detail}"),
        }
    }
}

impl std::error::Error for CloseReason {}

/// TLS alerts are the last byte of a QUIC error from 0x100 to 0x1ff (RFC 9001, section 4.8).
fn tls_alert(code: TransportErrorCode) -> Option<u8> {
    u8::try_from(u64::from(code).checked_sub(0x100)?).ok()
}

impl From<ConnectionError> for CloseReason {
    fn from(error: ConnectionError) -> Self {
        match error {
            ConnectionError::ApplicationClosed(close) => Self::ByPeer {
                code: CloseCode::from_number(close.error_code.into_inner()),
                number: close.error_code.into_inner(),
                reason: shown_reason(&close.reason),
            },
            ConnectionError::ConnectionClosed(close) if close.error_code == TransportErrorCode::CONNECTION_REFUSED => {
                Self::Refused
            }
            ConnectionError::ConnectionClosed(close) => match tls_alert(close.error_code) {
                Some(alert) => Self::TlsByPeer { alert },
                None => Self::Quic(shown_reason(close.to_string().as_bytes())),
            },
            ConnectionError::TransportError(error) => match tls_alert(error.code) {
                Some(alert) => Self::TlsByUs {
                    alert,
                    detail: error.reason,
                },
                None => Self::Quic(error.to_string()),
            },
            ConnectionError::Reset => Self::Reset,
            ConnectionError::TimedOut => Self::TimedOut,
            ConnectionError::LocallyClosed => Self::ByUs,
            ConnectionError::VersionMismatch | ConnectionError::CidsExhausted => Self::Quic(error.to_string()),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Connection({} with {} at {})",
            self.alpn(),
            self.identity(),
            self.remote_addr()
        )
    }
}

/// What a connection has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkStats {
    /// The time there and back, as last estimated.
    pub rtt: Duration,
    /// Packets that were lost on the way out.
    pub lost_packets: u64,
    /// Packets that were sent.
    pub sent_packets: u64,
    /// The longest packet that goes through, in bytes.
    pub mtu_bytes: u16,
}

impl Connection {
    pub(crate) fn new(quic: quinn::Connection, alpn: Alpn, identity: Identity, side: Side, slot: Option<Slot>) -> Self {
        Self(Arc::new(Inner {
            quic,
            alpn,
            identity,
            side,
            _slot: slot,
        }))
    }

    /// What is spoken.
    #[must_use]
    pub fn alpn(&self) -> Alpn {
        self.0.alpn
    }

    /// Who is at the other end.
    #[must_use]
    pub fn identity(&self) -> Identity {
        self.0.identity
    }

    /// The CA that the other end showed behind its certificate.
    #[must_use]
    pub fn ca(&self) -> Option<CaFingerprint> {
        ca_shown_in(&peer_chain(&self.0.quic))
    }

    /// Where the other end is now. An IPv4 address is told as such, whatever the socket.
    #[must_use]
    pub fn remote_addr(&self) -> SocketAddr {
        let addr = self.0.quic.remote_address();
        SocketAddr::new(addr.ip().to_canonical(), addr.port())
    }

    /// The time there and back, as last estimated.
    #[must_use]
    pub fn rtt(&self) -> Duration {
        self.0.quic.rtt()
    }

    /// A number that no other connection of this process has while this one lives.
    #[must_use]
    pub fn stable_id(&self) -> usize {
        self.0.quic.stable_id()
    }

    /// What it has been through.
    #[must_use]
    pub fn stats(&self) -> LinkStats {
        let path = self.0.quic.stats().path;
        LinkStats {
            rtt: path.rtt,
            lost_packets: path.lost_packets,
            sent_packets: path.sent_packets,
            mtu_bytes: path.current_mtu,
        }
    }

    /// Opens a stream. The other end learns of it with the first frame. Waits while the other end allows no more streams:
    /// put a deadline around it.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn open(&self, priority: Priority) -> Result<(FrameSender, FrameReceiver), CloseReason> {
        let (send, recv) = self.0.quic.open_bi().await?;
        Ok(stream_pair(self.clone(), send, recv, priority, self.frame_limit()))
    }

    /// The next stream that the other end opens, at [`Priority::Normal`]. Cancel-safe.
    ///
    /// # Errors
    /// The connection has ended.
    pub async fn accept(&self) -> Result<(FrameSender, FrameReceiver), CloseReason> {
        let (send, recv) = self.0.quic.accept_bi().await?;
        Ok(stream_pair(
            self.clone(),
            send,
            recv,
            Priority::Normal,
            self.frame_limit(),
        ))
    }

    /// Waits until the connection has ended, and says how. Cancel-safe.
    pub async fn closed(&self) -> CloseReason {
        self.0.quic.closed().await.into()
    }

    /// How the connection ended, if it has.
    #[must_use]
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.0.quic.close_reason().map(CloseReason::from)
    }

    /// Ends the connection now. What was sent and has not arrived is lost, on both sides: the receiver of the last word
    /// closes, or its sender waits for [`FrameSender::delivered`] first. Of the reason, 128 bytes are sent; no secrets.
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.0.quic.close(code.to_wire(), cut_reason(reason).as_bytes());
    }

    /// How many streams the other end may have open at once, from now on.
    pub fn set_streams_max(&self, streams: u32) {
        self.0.quic.set_max_concurrent_bi_streams(VarInt::from_u32(streams));
    }

    /// What a new stream takes at first; [`FrameReceiver::set_limit`] raises it after a login.
    fn frame_limit(&self) -> usize {
        match (self.0.alpn, self.0.side) {
            (Alpn::Client | Alpn::Join, Side::Listens) => FRAME_MAX_BEFORE_LOGIN_BYTES,
            (Alpn::Client, Side::Dials) => FRAME_MAX_CLIENT_BYTES,
            (Alpn::Raft | Alpn::Relay, _) | (Alpn::Join, Side::Dials) => FRAME_MAX_PEER_BYTES,
        }
    }
}
