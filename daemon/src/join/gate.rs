//! The side of a node that is asked.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quorate_certs::{ClusterId, ClusterKek, JoinSecret, NodePublicKey, Validity};
use quorate_core::{
    Actor, Addr, AdmitNode, Command, DeviceId, Done, NodeId, Operate, Operation, Operator, Reach, Refusal,
    RosterOperation, TokenId, TokenKey,
};
use quorate_protocol::Frame;
use quorate_protocol::join::{JOIN_VERSION, Join, JoinRefused, Joined, frame, kind, parse};
use quorate_protocol::relay::End;
use quorate_transport::{CloseCode, Connection};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use crate::consensus::Consensus;
use crate::peer::JoinHandler;
use crate::relay::Relay;
use crate::store::Reader;

/// Strangers that are answered at once; more are turned away. Each may cost an entry of the log.
const JOINERS_MAX: usize = 4;
/// How long a stranger may take to say what it wants.
const QUESTION_DEADLINE: Duration = Duration::from_secs(5);
/// How long the token's way through the log may take.
const ADMIT_DEADLINE: Duration = Duration::from_secs(5);
/// A refused stranger waits for so long, and holds its place meanwhile: guessing is slow.
const REFUSAL_PAUSE: Duration = Duration::from_millis(200);
/// How long the other side has to read the answer before its connection is closed.
const READ_DEADLINE: Duration = Duration::from_secs(2);

/// What a gate needs.
#[derive(Debug)]
pub struct GateParts {
    /// The cluster.
    pub cluster: ClusterId,
    /// The key that seals the CA's; `None` on a node that was never given it.
    pub kek: Option<ClusterKek>,
    /// For the members, as this node knows them.
    pub consensus: Consensus,
    /// The way to the log.
    pub relay: Arc<Relay>,
    /// The state, with the CA in it.
    pub reader: Reader,
}

/// Lets machines in that show a token.
#[derive(Clone, Debug)]
pub struct Gate {
    parts: Arc<GateParts>,
    places: Arc<Semaphore>,
}

impl Gate {
    /// A gate of this node.
    #[must_use]
    pub fn new(parts: GateParts) -> Self {
        Self {
            parts: Arc::new(parts),
            places: Arc::new(Semaphore::new(JOINERS_MAX)),
        }
    }

    async fn receive(self, key: DeviceId, connection: Connection) {
        let Ok(_place) = self.places.try_acquire() else {
            return connection.close(CloseCode::Overloaded, "others are joining");
        };
        let asked = async {
            let (send, mut recv) = connection.accept().await.ok()?;
            let question = recv.recv().await.ok()??;
            Some((send, question))
        };
        let Ok(Some((mut send, question))) = timeout(QUESTION_DEADLINE, asked).await else {
            return connection.close(CloseCode::Protocol, "no question");
        };
        let from = connection.remote_addr();
        let answer = match self.parts.answer(key, &question).await {
            Ok(joined) => {
                tracing::info!(node = %joined.node, %from, "a node was let in");
                frame(kind::JOINED, &joined)
            }
            Err(refused) => {
                tracing::warn!(%from, code = refused.code, "a machine was not let in: {}", refused.message);
                sleep(REFUSAL_PAUSE).await;
                frame(kind::JOIN_REFUSED, &refused)
            }
        };
        // The reader closes: a close from here could overtake the answer.
        if send.send(&answer).await.is_ok() && send.finish().is_ok() {
            let _ = timeout(READ_DEADLINE, connection.closed()).await;
        }
        connection.close(CloseCode::Ok, "");
    }
}

impl JoinHandler for Gate {
    fn joiner(&self, key: DeviceId, connection: Connection) -> BoxFuture<'static, ()> {
        self.clone().receive(key, connection).boxed()
    }
}

impl GateParts {
    async fn answer(&self, key: DeviceId, question: &Frame) -> Result<Joined, JoinRefused> {
        let (application, public) = read(key, question)?;
        self.look(application.token, &application.token_key).await?;
        let by = Operator { uid: application.uid };
        let operation = Operation::Roster(RosterOperation::AdmitNode(AdmitNode {
            token: application.token,
            token_key: application.token_key,
            node_key: key,
            reach: application.reach,
            votes: application.votes,
        }));
        let command = Command::Operate(Operate {
            by,
            operation,
            // Of the machine that joins, whose users this one does not know.
            actor: Actor::default(),
        });
        let (index, node) = match self.relay.submit(&command, Instant::now() + ADMIT_DEADLINE).await {
            End::Applied { index, outcome } => match outcome {
                Ok(Done::NodeAdmitted { node }) => (index, node),
                Ok(other) => return Err(later("internal", &format!("the admission came to {other:?}"))),
                Err(refusal) => return Err(no(&refusal)),
            },
            End::NotProposed { .. } => return Err(later("no-quorum", "no majority is within reach of this node")),
            End::Unknown => return Err(later("outcome-unknown", "the admission was not confirmed in time")),
        };
        let applied = self.reader.wait_applied(index, Instant::now() + ADMIT_DEADLINE).await;
        applied.map_err(|_| later("timed-out", "this node is behind"))?;
        self.certify(node, &public)
    }

    /// Whether the token may be known, so that guessing costs the log nothing. This node may be behind, so what it does not
    /// know it looks up as of now.
    async fn look(&self, token: TokenId, key: &TokenKey) -> Result<(), JoinRefused> {
        let knows = || {
            let found =
                |state: &quorate_core::State| state.join_tokens().any(|(id, known)| id == token && known.key == *key);
            self.reader.with_state(found)
        };
        if knows() {
            return Ok(());
        }
        let deadline = Instant::now() + ADMIT_DEADLINE;
        let index = self.relay.read_index(deadline).await;
        let index = index.map_err(|_| later("no-quorum", "no majority is within reach of this node"))?;
        let applied = self.reader.wait_applied(index, deadline).await;
        applied.map_err(|_| later("timed-out", "this node is behind"))?;
        knows().then_some(()).ok_or_else(|| no(&Refusal::UnknownToken))
    }

    fn certify(&self, node: NodeId, public: &NodePublicKey) -> Result<Joined, JoinRefused> {
        let (roster, votes) = self.reader.with_state(|state| {
            let votes = state.node(node).is_some_and(|node| node.votes);
            (state.roster().cloned(), votes)
        });
        let known = roster.and_then(|roster| Some((roster.name, roster.authority?)));
        let (name, authority) = known.ok_or_else(|| no(&Refusal::NoAuthority))?;
        let kek = self
            .kek
            .as_ref()
            .ok_or_else(|| later("no-authority", "this node was not given the key to the cluster's CA"))?;
        let unusable = |error: &dyn std::error::Error| {
            tracing::error!(%error, "the cluster's CA cannot be used on this node");
            later("no-authority", "the cluster's CA cannot be used on this node")
        };
        let ca = kek
            .open(&self.cluster, &authority.cert, &authority.sealed_key)
            .map_err(|error| unusable(&error))?;
        let validity = Validity::of_node(SystemTime::now());
        let cert = ca
            .certify_node(&self.cluster, node, public, validity)
            .map_err(|error| unusable(&error))?
            .after(&authority.lineage, authority.retiring.as_deref());
        let view = self.consensus.view();
        let members = view.borrow().members.clone();
        Ok(Joined {
            cluster: self.cluster.to_string(),
            name,
            node,
            votes,
            chain: cert.chain_pem,
            ca: cert.ca_pem,
            kek: bytes::Bytes::copy_from_slice(kek.as_bytes()),
            members: members
                .into_iter()
                .map(|(id, member)| (id, member.addrs.peer))
                .collect(),
        })
    }
}

struct Application {
    token: TokenId,
    token_key: TokenKey,
    reach: Reach,
    votes: Option<bool>,
    uid: u32,
}

/// Parses the question of whoever has shown this key.
fn read(key: DeviceId, question: &Frame) -> Result<(Application, NodePublicKey), JoinRefused> {
    let unreadable = || refused("bad-request", "the question is not understood");
    if question.kind != kind::JOIN {
        return Err(unreadable());
    }
    let join: Join = parse(question).map_err(|_| unreadable())?;
    if join.version != JOIN_VERSION {
        return Err(refused("version", "this node speaks another version of joining"));
    }
    let public = NodePublicKey::from_spki(&join.key).ok_or_else(unreadable)?;
    if public.device_id() != key {
        return Err(refused("bad-request", "the key is not that of this connection"));
    }
    let secret = JoinSecret::from_bytes(&join.secret).ok_or_else(unreadable)?;
    let addr = |text: &str| Addr::parse(text).map_err(|error| refused("bad-request", &format!("{text}: {error}")));
    let application = Application {
        token: join.token,
        token_key: secret.key(),
        reach: Reach {
            peer: addr(&join.peer_addr)?,
            client: addr(&join.client_addr)?,
        },
        votes: join.votes,
        uid: join.uid,
    };
    Ok((application, public))
}

fn no(refusal: &Refusal) -> JoinRefused {
    refused(refusal.code(), &refusal.to_string())
}

fn refused(code: &str, message: &str) -> JoinRefused {
    JoinRefused {
        code: code.to_owned(),
        message: message.to_owned(),
        again: false,
    }
}

fn later(code: &str, message: &str) -> JoinRefused {
    JoinRefused {
        again: true,
        ..refused(code, message)
    }
}
