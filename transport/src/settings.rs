//! What is set in quinn and why.

use std::sync::Arc;
use std::time::Duration;

use quinn::{EndpointConfig, IdleTimeout, TransportConfig, VarInt};
use quinn_proto::HashedConnectionIdGenerator;
use quorate_certs::NodeSecrets;

use crate::authorise::Port;

/// A dead node's peers all ask at once after its restart; at quinn's 20 ms between resets, thousands wait for their idle
/// timeout instead. Connection ids are keyed, so strangers get no resets out of this.
const RESET_INTERVAL_MIN: Duration = Duration::from_micros(100);

/// Handshakes not looked at yet, and what is held of them: far below quinn's own 65,536 and 100 MB.
pub(crate) const INCOMING_MAX: usize = 1024;
pub(crate) const INCOMING_BUFFER_BYTES: u64 = 64 * 1024;
pub(crate) const INCOMING_BUFFERS_TOTAL_BYTES: u64 = 16 * 1024 * 1024;

/// A device's requests and feed are one stream, each bulk transfer has another. quinn holds memory for every stream that is
/// allowed, used or not.
const CLIENT_STREAMS_MAX: u32 = 16;
const CLIENT_STREAM_WINDOW_BYTES: u32 = 128 * 1024;
const CLIENT_WINDOW_BYTES: u32 = 512 * 1024;
const CLIENT_SEND_WINDOW_BYTES: u64 = 1024 * 1024;
/// Below the 30 s after which NATs forget; only the dialling side sends it.
const CLIENT_KEEP_ALIVE: Duration = Duration::from_secs(5);

const PEER_STREAMS_MAX: u32 = 64;
/// 100 ms at 1 Gbit/s are 12.5 MB in flight.
const PEER_STREAM_WINDOW_BYTES: u32 = 4 * 1024 * 1024;
const PEER_WINDOW_BYTES: u32 = 16 * 1024 * 1024;
const PEER_SEND_WINDOW_BYTES: u64 = 16 * 1024 * 1024;
const PEER_KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Until there is a sample. quinn's 333 ms is for the open internet, and makes the first loss cost a second.
const PEER_INITIAL_RTT: Duration = Duration::from_millis(50);

/// The side of a connection that is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Dials,
    Listens,
}

pub(crate) fn transport(port: Port, side: Side, idle_timeout: Duration) -> Arc<TransportConfig> {
    let mut config = TransportConfig::default();
    config
        .max_idle_timeout(Some(
            IdleTimeout::try_from(idle_timeout).unwrap_or(IdleTimeout::from(VarInt::MAX)),
        ))
        // Every stream of ours has two directions, and what is not accepted would hold its window for ever.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None);
    match port {
        Port::Client => config
            .max_concurrent_bidi_streams(VarInt::from_u32(CLIENT_STREAMS_MAX))
            .stream_receive_window(VarInt::from_u32(CLIENT_STREAM_WINDOW_BYTES))
            .receive_window(VarInt::from_u32(CLIENT_WINDOW_BYTES))
            .send_window(CLIENT_SEND_WINDOW_BYTES)
            .keep_alive_interval((side == Side::Dials).then_some(CLIENT_KEEP_ALIVE.min(idle_timeout / 3))),
        Port::Peer => config
            .max_concurrent_bidi_streams(VarInt::from_u32(PEER_STREAMS_MAX))
            .stream_receive_window(VarInt::from_u32(PEER_STREAM_WINDOW_BYTES))
            .receive_window(VarInt::from_u32(PEER_WINDOW_BYTES))
            .send_window(PEER_SEND_WINDOW_BYTES)
            .initial_rtt(PEER_INITIAL_RTT)
            .keep_alive_interval(Some(PEER_KEEP_ALIVE.min(idle_timeout / 3))),
    };
    Arc::new(config)
}

/// An endpoint whose stateless resets are those of the process before it. Both keys are needed: with a random
/// connection-id key the old connections' packets are dropped as noise before a reset is thought of.
pub(crate) fn endpoint(secrets: &NodeSecrets) -> EndpointConfig {
    let reset_key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secrets.reset_key());
    let connection_id_key = secrets.connection_id_key();
    let mut config = EndpointConfig::new(Arc::new(reset_key));
    config
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(connection_id_key)))
        .min_reset_interval(RESET_INTERVAL_MIN);
    config
}
