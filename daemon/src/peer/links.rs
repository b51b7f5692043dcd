//! Outgoing connections to peers: one for each node and protocol, dialled when needed and by one dialler at a time.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::future::{Either, select};
use quorate_core::NodeId;
use quorate_transport::{
    Alpn, CloseCode, CloseReason, Connection, DialError, PeerDialer, Priority, RecvError, SendError,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::address::AddressBook;
use super::hello::{HelloError, HelloReply, Verdict};
use super::local::{JudgeError, Local};

/// From the first packet to the end of the greeting.
pub const LINK_DEADLINE: Duration = Duration::from_secs(2);
/// How long a peer is dialled where it is known to be, before it is also dialled where it was last seen.
const ELSEWHERE_AFTER: Duration = Duration::from_millis(200);
/// After the first failure a peer is left alone for about this long.
const REDIAL_MIN: Duration = Duration::from_millis(100);
/// After many failures, for about this long.
const REDIAL_MAX: Duration = Duration::from_secs(1);
/// Doublings after which [`REDIAL_MAX`] is reached for certain.
const REDIAL_DOUBLINGS_MAX: u32 = 4;
/// A connection keeps the certificate that it began with, so none lives for ever; plus up to an eighth.
const CONNECTION_AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Why there is no connection to a peer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LinkError {
    /// Nobody has said where it is.
    #[error("the node's addr is not known")]
    NoAddr,
    /// It was not reached. Also told to those who ask during the wait that follows.
    #[error("the node cannot be reached")]
    Unreachable(#[source] Arc<ReachError>),
    /// It knows another data directory under this node's id, and will not speak with this one. Ever.
    #[error("the node knows another data directory under this node's id")]
    Refused,
    /// It says that the cluster has removed this node. It ends.
    #[error("this node was removed from the cluster")]
    Removed,
    /// It is not who it was, or not who it should be.
    #[error("the node is not welcome")]
    NotWelcome(#[source] Arc<JudgeError>),
}

/// How an attempt to reach a peer ended.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// It took longer than [`LINK_DEADLINE`].
    #[error("no connection and greeting within {} s", LINK_DEADLINE.as_secs())]
    Deadline,
    /// The connection ended before the greeting was over.
    #[error("the connection ended before the greeting")]
    Closed(#[from] CloseReason),
    /// The greeting could not be sent.
    #[error("the hello was not taken")]
    Send(#[from] SendError),
    /// No answer to it came.
    #[error("the hello was not answered")]
    Recv(#[from] RecvError),
    /// The other side ended the stream without a word.
    #[error("the hello was not answered")]
    Silent,
    /// The answer makes no sense.
    #[error(transparent)]
    Hello(#[from] HelloError),
}

type Outcome = Result<Connection, LinkError>;

#[derive(Debug, Default)]
struct Slot {
    state: SlotState,
    /// Failures in a row.
    failures: u32,
}

#[derive(Debug, Default)]
enum SlotState {
    #[default]
    Idle,
    Dialling(watch::Receiver<Option<Outcome>>),
    Up {
        connection: Connection,
        until: Instant,
    },
    Down {
        error: LinkError,
        until: Instant,
    },
}

/// What there is to do for somebody who wants a connection.
enum Step {
    Have(Connection),
    Wait(watch::Receiver<Option<Outcome>>),
    Fail(LinkError),
}

/// All outgoing connections of this node.
#[derive(Debug)]
pub struct Links {
    dialer: PeerDialer,
    addrs: AddressBook,
    local: Arc<Local>,
    slots: Mutex<HashMap<(NodeId, Alpn), Slot>>,
    /// From where each peer has last dialled this node.
    seen: Mutex<HashMap<NodeId, SocketAddr>>,
}

impl Links {
    /// None yet.
    #[must_use]
    pub fn new(dialer: PeerDialer, addrs: AddressBook, local: Arc<Local>) -> Arc<Self> {
        Arc::new(Self {
            dialer,
            addrs,
            local,
            slots: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// Where the peers are. What is learned here counts from the next dial on.
    #[must_use]
    pub fn addrs(&self) -> &AddressBook {
        &self.addrs
    }

    /// The connection to this node for this protocol: the one that there is, or a new one within [`LINK_DEADLINE`].
    /// Whoever asks while it is being dialled waits for the same one; whoever asks soon after a failure is told of that.
    /// Cancel-safe: the dialling goes on.
    ///
    /// # Errors
    /// There is none.
    pub async fn connection(self: &Arc<Self>, node: NodeId, alpn: Alpn) -> Result<Connection, LinkError> {
        match self.step(node, alpn) {
            Step::Have(connection) => Ok(connection),
            Step::Fail(error) => Err(error),
            Step::Wait(mut outcome) => {
                let told = outcome.wait_for(Option::is_some).await;
                let told = told.ok().and_then(|told| told.clone());
                // The dialling task always tells; it is cut off only when the runtime ends.
                told.unwrap_or_else(|| Err(LinkError::Unreachable(Arc::new(ReachError::Deadline))))
            }
        }
    }

    /// The peer has dialled this node from there, and is who it should be: the wait after a failure is over.
    pub fn peer_is_back(&self, node: NodeId, from: SocketAddr) {
        self.seen().insert(node, from);
        for ((slot_node, _), slot) in self.slots().iter_mut() {
            if *slot_node == node && matches!(slot.state, SlotState::Down { .. }) {
                *slot = Slot::default();
            }
        }
    }

    /// Closes what there is, because this node stops.
    pub fn close_all(&self, code: CloseCode, reason: &str) {
        for (_, slot) in self.slots().drain() {
            if let SlotState::Up { connection, .. } = slot.state {
                connection.close(code, reason);
            }
        }
    }

    fn slots(&self) -> MutexGuard<'_, HashMap<(NodeId, Alpn), Slot>> {
        self.slots.lock().expect("nothing panics while it holds this lock")
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<NodeId, SocketAddr>> {
        self.seen.lock().expect("nothing panics while it holds this lock")
    }

    fn step(self: &Arc<Self>, node: NodeId, alpn: Alpn) -> Step {
        let mut slots = self.slots();
        let slot = slots.entry((node, alpn)).or_default();
        let now = Instant::now();
        match &slot.state {
            // An old connection is only forgotten here: its streams keep it until they end.
            SlotState::Up { connection, until } if connection.close_reason().is_none() && now < *until => {
                return Step::Have(connection.clone());
            }
            SlotState::Dialling(outcome) => return Step::Wait(outcome.clone()),
            SlotState::Down { error, until } if now < *until => return Step::Fail(error.clone()),
            SlotState::Idle | SlotState::Up { .. } | SlotState::Down { .. } => {}
        }
        let Some(addr) = self.addrs.addr(node) else {
            return Step::Fail(LinkError::NoAddr);
        };
        let (tell, outcome) = watch::channel(None);
        slot.state = SlotState::Dialling(outcome.clone());
        let links = Arc::clone(self);
        tokio::spawn(async move {
            let outcome = links.dial(&addr, node, alpn).await;
            links.settle(node, alpn, &outcome);
            tell.send_replace(Some(outcome));
        });
        Step::Wait(outcome)
    }

    fn settle(&self, node: NodeId, alpn: Alpn, outcome: &Outcome) {
        let mut slots = self.slots();
        let slot = slots.entry((node, alpn)).or_default();
        match outcome {
            Ok(connection) => {
                let age = CONNECTION_AGE_MAX.mul_f64(rand::random_range(1.0..1.125));
                let until = Instant::now() + age;
                *slot = Slot {
                    state: SlotState::Up {
                        connection: connection.clone(),
                        until,
                    },
                    failures: 0,
                };
            }
            Err(error) => {
                let wait = redial_wait(slot.failures, rand::random_range(0.75..1.25));
                slot.state = SlotState::Down {
                    error: error.clone(),
                    until: Instant::now() + wait,
                };
                slot.failures = slot.failures.saturating_add(1);
            }
        }
    }

    async fn dial(&self, addr: &str, node: NodeId, alpn: Alpn) -> Outcome {
        let attempt = async {
            let connection = self.reach(addr, node, alpn).await?;
            let reply = self.greet(&connection).await?;
            Ok::<_, ReachError>((connection, reply))
        };
        let reached = timeout(LINK_DEADLINE, attempt)
            .await
            .unwrap_or(Err(ReachError::Deadline));
        let (connection, reply) = reached.map_err(|error| {
            tracing::debug!(%node, %alpn, addr, error = &error as &dyn std::error::Error, "peer not reached");
            LinkError::Unreachable(Arc::new(error))
        })?;
        if reply.verdict == Verdict::Removed && reply.hello.check(self.local.cluster_id(), node).is_ok() {
            connection.close(CloseCode::Ok, "");
            self.local.note_removed_by(node);
            return Err(LinkError::Removed);
        }
        if let Err(error) = self.local.judge(&reply.hello, node).await {
            close_unwelcome(&connection, node, &error);
            return Err(LinkError::NotWelcome(Arc::new(error)));
        }
        if reply.verdict == Verdict::OtherIncarnation {
            connection.close(CloseCode::Ok, "");
            return Err(LinkError::Refused);
        }
        tracing::debug!(%node, %alpn, addr, "peer reached");
        Ok(connection)
    }

    /// A connection to where the peer is known to be, or else to where it has last dialled from. It dials from the port on which
    /// it listens, so that is where it is if it has moved. It may lead before anybody has said that it has: its own dials
    /// reach everybody, and without this no node could pass anything on to it, the news of its addr least of all.
    async fn reach(&self, addr: &str, node: NodeId, alpn: Alpn) -> Result<Connection, DialError> {
        let known = self.dialer.dial(addr, node, alpn);
        let seen = self.seen().get(&node).map(SocketAddr::to_string);
        let Some(seen) = seen.filter(|seen| seen != addr) else {
            return known.await;
        };
        let elsewhere = async {
            sleep(ELSEWHERE_AFTER).await;
            self.dialer.dial(&seen, node, alpn).await
        };
        match select(pin!(known), pin!(elsewhere)).await {
            Either::Left((Ok(connection), _)) | Either::Right((Ok(connection), _)) => Ok(connection),
            Either::Left((Err(error), elsewhere)) => elsewhere.await.map_err(|_| error),
            Either::Right((Err(_), known)) => known.await,
        }
    }

    async fn greet(&self, connection: &Connection) -> Result<HelloReply, ReachError> {
        let (mut send, mut recv) = connection.open(Priority::Urgent).await?;
        send.send(&self.local.hello().frame()).await?;
        // An end at once, because the answer needs nothing more.
        send.finish()?;
        let frame = recv.recv().await?.ok_or(ReachError::Silent)?;
        Ok(HelloReply::read(&frame)?)
    }
}

/// Closes a connection whose peer may not be spoken with, and says so on both sides.
pub(crate) fn close_unwelcome(connection: &Connection, node: NodeId, error: &JudgeError) {
    use super::hello::HelloRefusal;
    let code = match error {
        JudgeError::Refused(HelloRefusal::WrongCluster(_)) => CloseCode::WrongCluster,
        JudgeError::Refused(HelloRefusal::Version(_)) => CloseCode::Version,
        JudgeError::Refused(
            HelloRefusal::WrongNode { .. } | HelloRefusal::OtherIncarnation(_) | HelloRefusal::Removed(_),
        ) => CloseCode::NotAuthorized,
        JudgeError::Store(_) => CloseCode::Internal,
    };
    tracing::warn!(%node, addr = %connection.remote_addr(), error = error as &dyn std::error::Error, "peer refused");
    connection.close(code, &error.to_string());
}

fn redial_wait(failures: u32, jitter: f64) -> Duration {
    let wait = REDIAL_MIN * 2_u32.pow(failures.min(REDIAL_DOUBLINGS_MAX));
    wait.min(REDIAL_MAX).mul_f64(jitter).clamp(REDIAL_MIN, REDIAL_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_before_the_next_dial_grows_within_its_bounds() {
        let waits: Vec<u64> = (0..6)
            .map(|failures| redial_wait(failures, 1.0).as_millis() as u64)
            .collect();
        assert_eq!(waits, [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(redial_wait(0, 0.75), REDIAL_MIN);
        assert_eq!(redial_wait(u32::MAX, 1.25), REDIAL_MAX);
    }
}
