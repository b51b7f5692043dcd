//! QUIC: endpoints, who may speak what on them, and frames on their streams.
//!
//! The only crate that names quinn. Knows no chat: not what a kind of frame means, what a session or an account is, nor when
//! to dial again. It retries nothing.

mod admission;
mod alpn;
mod authorise;
mod code;
mod connection;
mod dial;
mod dial_error;
mod limits;
mod listener;
mod probe;
mod resolve;
mod settings;
mod socket;
mod stream;

pub use alpn::Alpn;
pub use authorise::{Identity, Port, Refused, authorise};
pub use code::{CloseCode, REASON_MAX_BYTES, ResetCode};
pub use connection::{CloseReason, Connection, LinkStats};
pub use dial::{ClientDialer, DIAL_DEADLINE, PeerDialer};
pub use dial_error::DialError;
pub use limits::Limits;
pub use listener::{CLOSE_DEADLINE, HANDSHAKE_DEADLINE, Listener, ListenerHandle, SocketBuffers};
pub use probe::is_refused;
pub use stream::{FrameReceiver, FrameSender, Priority, RecvError, SendError};
