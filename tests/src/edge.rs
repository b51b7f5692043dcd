//! Somebody who speaks the wire itself: for what no program of ours would ever send.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quorate_certs::{CaPin, DeviceKey, FirstUse, NodeIdentity, NodeSecrets, SharedIdentity, device_client_config};
use quorate_core::{LogIndex, NodeId};
use quorate_protocol::client::{Hello, MINOR, Welcome, frame, parse};
use quorate_transport::{
    Alpn, ClientDialer, Connection, DialError, FrameReceiver, FrameSender, Limits, Listener, Port, Priority,
};
use tokio::time::timeout;

/// How long a node may take to answer, or to close.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// A device that nobody knows.
#[derive(Clone, Debug)]
pub struct Stranger {
    key: DeviceKey,
    dialer: ClientDialer,
}

impl Stranger {
    /// With a fresh key.
    ///
    /// # Panics
    /// The crypto library fails.
    #[must_use]
    pub fn new() -> Self {
        Self {
            key: DeviceKey::generate().expect("a key can be made"),
            dialer: ClientDialer::new(),
        }
    }

    /// Dials an address in this protocol, believing any CA.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn dial(&self, addr: &str, alpn: Alpn) -> Result<Connection, DialError> {
        let pin = CaPin::FirstUse(FirstUse::new());
        let config = device_client_config(&self.key, pin, alpn.as_bytes());
        self.dialer.dial(addr, Arc::new(config)).await
    }

    /// Opens a session at a client port: says hello, and hears the welcome.
    ///
    /// # Panics
    /// The node does not welcome it.
    pub async fn session(&self, addr: &str) -> (Connection, FrameSender, FrameReceiver) {
        let connection = self
            .dial(addr, Alpn::Client)
            .await
            .expect("a client port takes any device");
        let (mut sender, mut receiver) = connection.open(Priority::Control).await.expect("a first stream");
        let hello = Hello {
            minor: MINOR,
            program: "stranger/1".into(),
            seen: LogIndex(0),
            cluster: None,
        };
        sender.send(&frame(&hello)).await.expect("the hello goes out");
        let answer = timeout(ANSWER_DEADLINE, receiver.recv())
            .await
            .expect("an answer in time");
        let first = answer.expect("a frame").expect("no end before the welcome");
        let _: Welcome = parse(&first).expect("a welcome");
        (connection, sender, receiver)
    }

    /// Dials a peer port as the node that this identity names, from a peer port of its own.
    ///
    /// # Errors
    /// There is no connection.
    ///
    /// # Panics
    /// Loopback has no port left.
    pub async fn dial_as_node(identity: NodeIdentity, addr: &str, node: NodeId) -> Result<Connection, DialError> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let shared = SharedIdentity::new(identity);
        let listener = Listener::bind(Port::Peer, any, shared, &NodeSecrets::random(), Limits::of(Port::Peer))
            .expect("loopback has a free port");
        let dialer = listener.handle().peer_dialer().expect("a peer port dials");
        dialer.dial(addr, node, Alpn::Raft).await
    }

    /// Whether the other end gives a connection up within the deadline, without having said anything on a stream of it.
    pub async fn is_turned_away(connection: &Connection, deadline: Duration) -> bool {
        let heard = async {
            let Ok((mut sender, mut receiver)) = connection.open(Priority::Control).await else {
                return false;
            };
            // A stream is only seen by the other end when something is on it.
            let _ = sender.send(&quorate_protocol::Frame::new(1, vec![0])).await;
            matches!(receiver.recv().await, Ok(Some(_)))
        };
        let answered = timeout(deadline, heard).await;
        let closed = timeout(deadline, connection.closed()).await.is_ok();
        closed && matches!(answered, Ok(false))
    }
}

impl Default for Stranger {
    fn default() -> Self {
        Self::new()
    }
}
