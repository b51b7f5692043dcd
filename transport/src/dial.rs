//! Dialling: nodes dial nodes over their peer port's socket, devices and joiners dial from sockets of their own.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Endpoint, TokioRuntime, TransportConfig};
use quorate_certs::{
    DEVICE_SERVER_NAME, NodeSecrets, SharedIdentity, node_named_in, node_server_name, peer_client_config,
};
use quorate_core::NodeId;

use crate::alpn::Alpn;
use crate::authorise::{Identity, Port};
use crate::code::CloseCode;
use crate::connection::{CloseReason, Connection};
use crate::dial_error::DialError;
use crate::limits::Limits;
use crate::listener::{negotiated, peer_chain};
use crate::resolve::race;
use crate::settings::{self, Side};
use crate::socket;

/// How long a dial may take, from resolving the name to the end of the handshake. Without it, a dead node costs a whole
/// idle timeout.
pub const DIAL_DEADLINE: Duration = Duration::from_secs(3);

/// Dials other nodes from the peer port. Cheap to clone.
#[derive(Clone, Debug)]
pub struct PeerDialer {
    endpoint: Endpoint,
    identity: SharedIdentity,
    raft: ClientConfig,
    relay: ClientConfig,
}

impl PeerDialer {
    pub(crate) fn new(endpoint: Endpoint, identity: SharedIdentity, transport: Arc<TransportConfig>) -> Self {
        let config = |alpn: Alpn| {
            let tls = Arc::new(peer_client_config(&identity, alpn.as_bytes()));
            client_config(tls, &transport).expect("our TLS 1.3 has what QUIC needs")
        };
        Self {
            raft: config(Alpn::Raft),
            relay: config(Alpn::Relay),
            endpoint,
            identity,
        }
    }

    /// Dials this node at this address (`host:port`, resolved each time), to speak Raft or relay. That the other end is
    /// this very node is proven by its certificate.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn dial(&self, addr: &str, node: NodeId, alpn: Alpn) -> Result<Connection, DialError> {
        let config = match alpn {
            Alpn::Raft => &self.raft,
            Alpn::Relay => &self.relay,
            Alpn::Join | Alpn::Client => return Err(DialError::Alpn),
        };
        let name = node_server_name(self.identity.current().cluster_id(), node);
        let own_is_v4 = self.endpoint.local_addr().is_ok_and(|own| own.is_ipv4());
        race(
            addr,
            DIAL_DEADLINE,
            |found| found.is_ipv4() || !own_is_v4,
            |to| {
                let (endpoint, config, name) = (self.endpoint.clone(), config.clone(), name.clone());
                async move {
                    let connection = connect(&endpoint, config, to, &name).await?;
                    if connection.identity() == Identity::Node(node) {
                        Ok(connection)
                    } else {
                        Err(unnamed(&connection))
                    }
                }
            },
        )
        .await
    }
}

/// Dials nodes as a device or as a joiner, from one socket per address family, made when first needed. After several
/// failures in a row it is worth making a new one: some systems break a socket for good while they sleep. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct ClientDialer {
    endpoints: Arc<Mutex<HashMap<Family, Endpoint>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Family {
    V4,
    V6,
}

impl ClientDialer {
    /// One without sockets yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Dials any node of the cluster at this address (`host:port`, resolved each time), with a configuration from
    /// [`quorate_certs::device_client_config`] for one ALPN of ours. That the node accepts the device is known only when
    /// it answers a frame: in TLS 1.3 this side is done before the other has judged it.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn dial(&self, addr: &str, tls: Arc<rustls::ClientConfig>) -> Result<Connection, DialError> {
        let transport = settings::transport(Port::Client, Side::Dials, Limits::of(Port::Client).idle_timeout);
        let config = client_config(tls, &transport).map_err(DialError::Local)?;
        race(
            addr,
            DIAL_DEADLINE,
            |_| true,
            |to| {
                let (dialer, config) = (self.clone(), config.clone());
                async move {
                    let endpoint = dialer.endpoint_for(to).map_err(DialError::Local)?;
                    connect(&endpoint, config, to, DEVICE_SERVER_NAME).await
                }
            },
        )
        .await
    }

    /// Closes all connections that were dialled here, and waits up to [`crate::CLOSE_DEADLINE`] for them to be told.
    pub async fn close(&self, code: CloseCode) {
        let endpoints: Vec<_> = self
            .endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .drain()
            .collect();
        for (_, endpoint) in &endpoints {
            endpoint.close(code.to_wire(), b"");
        }
        for (_, endpoint) in endpoints {
            let _ = tokio::time::timeout(crate::CLOSE_DEADLINE, endpoint.wait_idle()).await;
        }
    }

    fn endpoint_for(&self, to: SocketAddr) -> io::Result<Endpoint> {
        let (family, any): (_, IpAddr) = match to {
            SocketAddr::V4(_) => (Family::V4, Ipv4Addr::UNSPECIFIED.into()),
            SocketAddr::V6(_) => (Family::V6, Ipv6Addr::UNSPECIFIED.into()),
        };
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(endpoint) = endpoints.get(&family) {
            return Ok(endpoint.clone());
        }
        let socket = socket::bind((any, 0).into(), socket::DIALER_BUFFER_BYTES)?;
        // Nobody needs to recognise this process after its end: fresh secrets each time.
        let config = settings::endpoint(&NodeSecrets::random());
        let endpoint = Endpoint::new(config, None, socket, Arc::new(TokioRuntime))?;
        endpoints.insert(family, endpoint.clone());
        Ok(endpoint)
    }
}

fn client_config(tls: Arc<rustls::ClientConfig>, transport: &Arc<TransportConfig>) -> io::Result<ClientConfig> {
    let tls = QuicClientConfig::try_from(tls).map_err(io::Error::other)?;
    let mut config = ClientConfig::new(Arc::new(tls));
    config.transport_config(Arc::clone(transport));
    Ok(config)
}

async fn connect(
    endpoint: &Endpoint,
    config: ClientConfig,
    to: SocketAddr,
    name: &str,
) -> Result<Connection, DialError> {
    let connecting = endpoint
        .connect_with(config, to, name)
        .map_err(|error| DialError::Local(io::Error::other(error)))?;
    let quic = connecting.await.map_err(CloseReason::from)?;
    let alpn = negotiated(&quic).ok_or(DialError::Alpn)?;
    // The handshake has verified the certificate; only the name is still to be read.
    let node = peer_chain(&quic).first().and_then(node_named_in).map(|(_, node)| node);
    let Some(node) = node else {
        quic.close(CloseCode::NotAuthorized.to_wire(), b"");
        return Err(DialError::WrongNode {
            detail: "its certificate names no node".to_owned(),
        });
    };
    Ok(Connection::new(quic, alpn, Identity::Node(node), Side::Dials, None))
}

fn unnamed(connection: &Connection) -> DialError {
    connection.close(CloseCode::NotAuthorized, "");
    DialError::WrongNode {
        detail: connection.identity().to_string(),
    }
}
