//! Incoming connections from peers: greeted, and handed on by protocol.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use quorate_core::{DeviceId, NodeId};
use quorate_transport::{Alpn, CloseCode, CloseReason, Connection, FrameReceiver, FrameSender, Identity, Listener};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::hello::{Hello, HelloRefusal, Verdict};
use super::links::{Links, close_unwelcome};
use super::local::{JudgeError, Local};

/// How long an accepted connection may take to say hello.
const HELLO_DEADLINE: Duration = Duration::from_secs(2);
/// How long a refused peer has to read why, before its connection is closed.
const REFUSAL_DEADLINE: Duration = Duration::from_secs(1);

/// Takes the streams that peers open for one protocol.
pub trait StreamHandler: Send + Sync + 'static {
    /// A stream of this peer, which TLS and the hello have shown. The future is a task of its own; it is dropped when the
    /// connection ends or the node stops.
    fn stream(&self, peer: NodeId, send: FrameSender, recv: FrameReceiver) -> BoxFuture<'static, ()>;

    /// The peer has a new connection to this node, so it is up.
    fn peer_dialled(&self, peer: NodeId) {
        let _ = peer;
    }
}

/// Takes the connections of machines that want to become nodes. They have a key, and no certificate yet.
pub trait JoinHandler: Send + Sync + 'static {
    /// Such a connection. The future is a task of its own.
    fn joiner(&self, key: DeviceId, connection: Connection) -> BoxFuture<'static, ()>;
}

/// Who takes what comes in.
#[derive(Clone)]
pub struct PeerHandlers {
    /// Streams of [`Alpn::Raft`].
    pub raft: Arc<dyn StreamHandler>,
    /// Streams of [`Alpn::Relay`].
    pub relay: Arc<dyn StreamHandler>,
    /// Connections of [`Alpn::Join`]; `None` closes them.
    pub join: Option<Arc<dyn JoinHandler>>,
}

/// Accepts until the listener is closed. Dropping the future ends all that it has accepted.
pub async fn serve(mut listener: Listener, local: Arc<Local>, links: Arc<Links>, handlers: PeerHandlers) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            arrived = listener.accept() => {
                let Some(connection) = arrived else { break };
                let (local, links, handlers) = (Arc::clone(&local), Arc::clone(&links), handlers.clone());
                connections.spawn(receive(connection, local, links, handlers));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    connections.shutdown().await;
}

async fn receive(connection: Connection, local: Arc<Local>, links: Arc<Links>, handlers: PeerHandlers) {
    let alpn = connection.alpn();
    let (handler, node) = match (alpn, connection.identity(), &handlers.join) {
        (Alpn::Raft, Identity::Node(node), _) => (&handlers.raft, node),
        (Alpn::Relay, Identity::Node(node), _) => (&handlers.relay, node),
        (Alpn::Join, Identity::Device(key), Some(join)) => return join.joiner(key, connection).await,
        _ => return connection.close(CloseCode::NotAuthorized, ""),
    };
    match timeout(HELLO_DEADLINE, greeting(&connection, node, &local)).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => return,
        Ok(Err(fault)) => {
            tracing::debug!(%node, %fault, "no hello");
            return connection.close(CloseCode::Protocol, "no hello");
        }
        Err(_) => return connection.close(CloseCode::Protocol, "no hello in time"),
    }
    links.peer_is_back(node, connection.remote_addr());
    handler.peer_dialled(node);
    let why = streams(&connection, node, handler.as_ref(), &local).await;
    tracing::debug!(%node, %alpn, %why, "peer's connection ended");
}

async fn streams(connection: &Connection, node: NodeId, handler: &dyn StreamHandler, local: &Local) -> CloseReason {
    // As many as the endpoint lets a peer open at once.
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            accepted = connection.accept() => match accepted {
                // It dials again, and is told why.
                Ok(_) if local.is_removed(node) => connection.close(CloseCode::NotAuthorized, "removed"),
                Ok((send, recv)) => {
                    streams.spawn(handler.stream(node, send, recv));
                }
                Err(why) => return why,
            },
            Some(_) = streams.join_next(), if !streams.is_empty() => {}
        }
    }
}

/// What went wrong before there was a hello to judge.
#[derive(Debug, thiserror::Error)]
enum GreetingFault {
    #[error(transparent)]
    Closed(#[from] CloseReason),
    #[error(transparent)]
    Recv(#[from] quorate_transport::RecvError),
    #[error(transparent)]
    Send(#[from] quorate_transport::SendError),
    #[error(transparent)]
    Hello(#[from] super::hello::HelloError),
    #[error("the stream ended without a hello")]
    Silent,
}

/// Reads and judges the hello, and answers it. `false`: the connection is closed, because the peer is not welcome.
async fn greeting(connection: &Connection, node: NodeId, local: &Local) -> Result<bool, GreetingFault> {
    let (mut send, mut recv) = connection.accept().await?;
    let frame = recv.recv().await?.ok_or(GreetingFault::Silent)?;
    let judged = local.judge(&Hello::read(&frame)?, node).await;
    match judged {
        Ok(()) => {
            send.send(&local.reply(Verdict::Recorded).frame()).await?;
            send.finish()?;
            Ok(true)
        }
        Err(error) => {
            let ends_it = match error {
                JudgeError::Refused(HelloRefusal::OtherIncarnation(_)) => Some(Verdict::OtherIncarnation),
                JudgeError::Refused(HelloRefusal::Removed(_)) => Some(Verdict::Removed),
                _ => None,
            };
            if let Some(verdict) = ends_it {
                // It must learn this for certain, because it ends for it: no close may overtake the answer, so the reader
                // closes.
                send.send(&local.reply(verdict).frame()).await?;
                send.finish()?;
                let _ = timeout(REFUSAL_DEADLINE, connection.closed()).await;
            }
            close_unwelcome(connection, node, &error);
            Ok(false)
        }
    }
}
