//! A port of a daemon: binds, shakes hands, authorises, and hands over what is left.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::{HandshakeData, QuicServerConfig};
use quinn::{Endpoint, Incoming, TokioRuntime};
use quorate_certs::{NodeSecrets, PresentedError, SharedIdentity, classify, server_config};
use rustls::pki_types::{CertificateDer, UnixTime};
use socket2::SockRef;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::time::timeout;

use crate::admission::{Admission, HalfOpen, Slot};
use crate::alpn::Alpn;
use crate::authorise::{Port, Refused, authorise};
use crate::code::{CloseCode, cut_reason};
use crate::connection::{CloseReason, Connection};
use crate::dial::PeerDialer;
use crate::limits::Limits;
use crate::settings::{self, Side};
use crate::socket;

/// How long a handshake may take, and after it the hand-over.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);
/// How long [`ListenerHandle::close`] waits for the last packets.
pub const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// Finished handshakes that nobody has taken yet. More wait in their handshake tasks, within the deadline.
const ARRIVALS_MAX: usize = 64;

/// A bound port. Once it is dropped, newcomers get no answer ([`ListenerHandle::stop_accepting`] gives them one); the socket
/// is released when the last connection and the last handle are gone, or by [`ListenerHandle::close`].
#[derive(Debug)]
pub struct Listener {
    handle: ListenerHandle,
    arrivals: mpsc::Receiver<Connection>,
}

/// What can be done with a port from elsewhere. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ListenerHandle {
    port: Port,
    endpoint: Endpoint,
    admission: Admission,
    identity: SharedIdentity,
    limits: Limits,
    buffers: SocketBuffers,
}

/// The kernel's buffers of a port's socket, in bytes, as it says itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketBuffers {
    /// What was asked for, in each direction.
    pub asked: usize,
    /// What was given for receiving.
    pub receive: usize,
    /// What was given for sending.
    pub send: usize,
}

impl Listener {
    /// Binds and begins to accept. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn bind(
        port: Port,
        addr: SocketAddr,
        identity: SharedIdentity,
        secrets: &NodeSecrets,
        limits: Limits,
    ) -> io::Result<Self> {
        let socket = socket::bind(addr, socket::LISTENER_BUFFER_BYTES)?;
        let buffers = SocketBuffers {
            asked: socket::LISTENER_BUFFER_BYTES,
            receive: SockRef::from(&socket).recv_buffer_size()?,
            send: SockRef::from(&socket).send_buffer_size()?,
        };
        let server = quic_server_config(port, &identity, &limits)?;
        let config = settings::endpoint(secrets);
        let endpoint = Endpoint::new(config, Some(server), socket, Arc::new(TokioRuntime))?;
        let (hand_over, arrivals) = mpsc::channel(ARRIVALS_MAX);
        let handle = ListenerHandle {
            port,
            endpoint,
            admission: Admission::new(limits),
            identity,
            limits,
            buffers,
        };
        tokio::spawn(accept_all(handle.clone(), hand_over));
        Ok(Self { handle, arrivals })
    }

    /// The next connection: its handshake is done, and it may speak what it speaks. `None` once the port is closed.
    /// Cancel-safe.
    pub async fn accept(&mut self) -> Option<Connection> {
        self.arrivals.recv().await
    }

    /// To stop, close and dial from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ListenerHandle {
        self.handle.clone()
    }

    /// Where it is bound.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.handle.local_addr()
    }
}

impl ListenerHandle {
    /// Where it is bound.
    ///
    /// # Errors
    /// The system does not say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// What the kernel gave its socket.
    #[must_use]
    pub fn buffers(&self) -> SocketBuffers {
        self.buffers
    }

    /// Connections from one address from now on; 0 = no limit. Those that are there stay.
    pub fn set_sessions_per_address(&self, sessions: usize) {
        self.admission.set_sessions_per_address(sessions);
    }

    /// Connections in all from now on. Those that are there stay.
    pub fn set_sessions_max(&self, sessions: usize) {
        self.admission.set_sessions_max(sessions);
    }

    /// Connections that take up a place now, half-open ones included.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.admission.sessions()
    }

    /// Refuses whoever comes from now on, at once, so that they go to another node. Connections that are there stay.
    pub fn stop_accepting(&self) {
        self.admission.drain();
    }

    /// Closes the port with all its connections, dialled ones included, and waits up to [`CLOSE_DEADLINE`] for them to be
    /// told. After that [`Listener::accept`] returns `None`.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        self.admission.drain();
        self.endpoint.close(code.to_wire(), cut_reason(reason).as_bytes());
        if timeout(CLOSE_DEADLINE, self.endpoint.wait_idle()).await.is_err() {
            tracing::debug!(port = %self.port, "closed without hearing from everyone");
        }
    }

    /// A dialler to other nodes over this very socket; `None` on the client port, where no node is to be found.
    #[must_use]
    pub fn peer_dialer(&self) -> Option<PeerDialer> {
        let transport = settings::transport(Port::Peer, Side::Dials, self.limits.idle_timeout);
        (self.port == Port::Peer).then(|| PeerDialer::new(self.endpoint.clone(), self.identity.clone(), transport))
    }
}

fn quic_server_config(port: Port, identity: &SharedIdentity, limits: &Limits) -> io::Result<quinn::ServerConfig> {
    let alpns: Vec<&[u8]> = port.alpns().iter().map(|alpn| alpn.as_bytes()).collect();
    let tls = QuicServerConfig::try_from(server_config(identity, &alpns)).map_err(io::Error::other)?;
    let mut server = quinn::ServerConfig::with_crypto(Arc::new(tls));
    server
        .transport_config(settings::transport(port, Side::Listens, limits.idle_timeout))
        // A laptop's address changes under way; a node's does not.
        .migration(port == Port::Client)
        .max_incoming(settings::INCOMING_MAX)
        .incoming_buffer_size(settings::INCOMING_BUFFER_BYTES)
        .incoming_buffer_size_total(settings::INCOMING_BUFFERS_TOTAL_BYTES);
    Ok(server)
}

/// Awaits nothing but newcomers: each handshake is a task of its own, and one that stalls holds up nobody.
async fn accept_all(handle: ListenerHandle, hand_over: mpsc::Sender<Connection>) {
    loop {
        let incoming = tokio::select! {
            incoming = handle.endpoint.accept() => incoming,
            () = hand_over.closed() => None,
        };
        let Some(incoming) = incoming else { break };
        let Some((slot, half_open)) = handle.admission.admit(incoming.remote_address().ip()) else {
            incoming.refuse();
            continue;
        };
        if incoming.may_retry() && !incoming.remote_address_validated() && handle.admission.wants_proof_of_address() {
            // It cannot fail, as it may retry.
            let _ = incoming.retry();
            continue;
        }
        let (port, identity, hand_over) = (handle.port, handle.identity.clone(), hand_over.clone());
        tokio::spawn(receive(port, identity, incoming, slot, half_open, hand_over));
    }
}

/// Why a newcomer was turned away.
#[derive(Debug, thiserror::Error)]
enum TurnedAway {
    #[error(transparent)]
    Handshake(#[from] CloseReason),
    #[error("no protocol in common")]
    Alpn,
    #[error(transparent)]
    Presented(#[from] PresentedError),
    #[error(transparent)]
    Refused(#[from] Refused),
}

async fn receive(
    port: Port,
    identity: SharedIdentity,
    incoming: Incoming,
    slot: Slot,
    half_open: HalfOpen,
    hand_over: mpsc::Sender<Connection>,
) {
    let from = incoming.remote_address();
    match timeout(HANDSHAKE_DEADLINE, shake_hands(port, &identity, incoming, slot)).await {
        Ok(Ok(connection)) => match hand_over.send_timeout(connection, HANDSHAKE_DEADLINE).await {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(connection)) => connection.close(CloseCode::Overloaded, ""),
            Err(SendTimeoutError::Closed(connection)) => connection.close(CloseCode::Draining, ""),
        },
        Ok(Err(why)) => tracing::debug!(%port, %from, %why, "turned away"),
        Err(_) => tracing::debug!(%port, %from, "the handshake took too long"),
    }
    drop(half_open);
}

async fn shake_hands(
    port: Port,
    identity: &SharedIdentity,
    incoming: Incoming,
    slot: Slot,
) -> Result<Connection, TurnedAway> {
    let quic = incoming
        .accept()
        .map_err(CloseReason::from)?
        .await
        .map_err(CloseReason::from)?;
    match authorised(port, identity, &quic) {
        Ok((alpn, who)) => Ok(Connection::new(quic, alpn, who, Side::Listens, Some(slot))),
        Err(why) => {
            // What exactly is wrong is for this node's traces, not for a stranger.
            quic.close(CloseCode::NotAuthorized.to_wire(), b"");
            Err(why)
        }
    }
}

fn authorised(
    port: Port,
    identity: &SharedIdentity,
    quic: &quinn::Connection,
) -> Result<(Alpn, crate::authorise::Identity), TurnedAway> {
    let alpn = negotiated(quic).ok_or(TurnedAway::Alpn)?;
    let ours = identity.current();
    let presented = classify(&peer_chain(quic), ours.roots(), ours.cluster_id(), UnixTime::now())?;
    Ok((alpn, authorise(alpn, &presented, port)?))
}

pub(crate) fn negotiated(quic: &quinn::Connection) -> Option<Alpn> {
    let data = quic.handshake_data()?.downcast::<HandshakeData>().ok()?;
    Alpn::from_wire(data.protocol.as_deref()?)
}

pub(crate) fn peer_chain(quic: &quinn::Connection) -> Vec<CertificateDer<'static>> {
    let chain = quic
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    chain.map(|chain| *chain).unwrap_or_default()
}
