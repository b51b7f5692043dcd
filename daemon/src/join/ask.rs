//! The side of the machine that wants to become a node.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quorate_certs::{CaPin, ClusterId, ClusterKek, DeviceKey, JoinToken, NodeCert, NodeKey, device_client_config};
use quorate_core::{NodeId, Reach};
use quorate_protocol::join::{JOIN_VERSION, Join, JoinRefused, Joined, frame, kind, parse};
use quorate_transport::{Alpn, ClientDialer, CloseCode, Connection, DialError, Priority};
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long one node may take to answer: the token's way through the log is in it.
const ANSWER_DEADLINE: Duration = Duration::from_secs(6);
/// Between two rounds through the addrs.
const ROUND_PAUSE: Duration = Duration::from_millis(300);

/// What is asked.
#[derive(Debug)]
pub struct Application {
    /// Peer addrs of nodes, tried in this order.
    pub addrs: Vec<String>,
    /// What lets this machine in.
    pub token: JoinToken,
    /// The key that it wants certified.
    pub key: NodeKey,
    /// Where it will be.
    pub reach: Reach,
    /// Whether it wants to vote; `None`: if the token allows it.
    pub votes: Option<bool>,
    /// The operator's uid.
    pub uid: u32,
}

/// What a machine is told that was let in.
#[derive(Debug)]
pub struct Admission {
    /// The cluster.
    pub cluster: ClusterId,
    /// What operators call it.
    pub name: String,
    /// Its id, for ever.
    pub node: NodeId,
    /// It is to vote, once it has caught up.
    pub votes: bool,
    /// Its certificate.
    pub cert: NodeCert,
    /// The key that seals the CA's.
    pub kek: ClusterKek,
    /// The nodes that there are, and where.
    pub members: Vec<(NodeId, String)>,
}

/// Why a machine was not let in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAdmitted {
    /// The cluster said no.
    #[error("{message}")]
    Refused {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// The node that answered is not of the token's cluster, or somebody is in between.
    #[error("{addr} is not a node of the cluster that made this token")]
    OtherCa {
        /// Where it was met.
        addr: String,
    },
    /// No node answered in time, or none that had a leader.
    #[error("no node could let this one in: {cause}")]
    NobodyAnswered {
        /// What the last one said.
        cause: String,
    },
}

/// Asks these nodes, one after the other and again, until one lets this machine in or one says no for good. Asking again with
/// the same key finds the same node, so it may be asked again after any end.
///
/// # Errors
/// See [`NotAdmitted`].
pub async fn ask(application: &Application, deadline: Instant) -> Result<Admission, NotAdmitted> {
    let device = application
        .key
        .to_device()
        .map_err(|error| NotAdmitted::NobodyAnswered {
            cause: error.to_string(),
        })?;
    let pin = CaPin::Pinned(application.token.ca);
    let dialer = ClientDialer::new();
    let mut cause = "no address was given".to_owned();
    let admitted = 'rounds: loop {
        for addr in &application.addrs {
            match timeout_at(deadline, attempt(&dialer, (&device, &pin), addr, application)).await {
                Ok(Ok(admission)) => break 'rounds Ok(admission),
                Ok(Err(Failed::ForGood(why))) => break 'rounds Err(why),
                Ok(Err(Failed::ForNow(why))) => cause = format!("{addr}: {why}"),
                Err(_) => break 'rounds Err(NotAdmitted::NobodyAnswered { cause }),
            }
        }
        if Instant::now() + ROUND_PAUSE >= deadline {
            break Err(NotAdmitted::NobodyAnswered { cause });
        }
        sleep(ROUND_PAUSE).await;
    };
    dialer.close(CloseCode::Ok).await;
    admitted
}

enum Failed {
    /// Another node, or the same one later, may say something else.
    ForNow(String),
    ForGood(NotAdmitted),
}

async fn attempt(
    dialer: &ClientDialer,
    (device, pin): (&DeviceKey, &CaPin),
    addr: &str,
    application: &Application,
) -> Result<Admission, Failed> {
    let tls = Arc::new(device_client_config(device, pin.clone(), Alpn::Join.as_bytes()));
    let connection = dialer.dial(addr, tls).await.map_err(|error| match error {
        DialError::WrongCa { .. } => Failed::ForGood(NotAdmitted::OtherCa { addr: addr.to_owned() }),
        other => Failed::ForNow(other.to_string()),
    })?;
    let answered = timeout(ANSWER_DEADLINE, exchange(&connection, application)).await;
    connection.close(CloseCode::Ok, "");
    answered.unwrap_or_else(|_| Err(Failed::ForNow("it did not answer in time".to_owned())))
}

async fn exchange(connection: &Connection, application: &Application) -> Result<Admission, Failed> {
    let for_now = |error: &dyn std::error::Error| Failed::ForNow(error.to_string());
    let join = Join {
        version: JOIN_VERSION,
        token: application.token.id,
        secret: Bytes::copy_from_slice(application.token.secret.as_bytes()),
        key: application.key.public().to_spki().into(),
        peer_addr: application.reach.peer.to_string(),
        client_addr: application.reach.client.to_string(),
        votes: application.votes,
        uid: application.uid,
    };
    let (mut send, mut recv) = connection
        .open(Priority::Normal)
        .await
        .map_err(|error| for_now(&error))?;
    send.send(&frame(kind::JOIN, &join))
        .await
        .map_err(|error| for_now(&error))?;
    let answer = recv.recv().await.map_err(|error| for_now(&error))?;
    let answer = answer.ok_or_else(|| Failed::ForNow("it ended the stream without a word".to_owned()))?;
    match answer.kind {
        kind::JOINED => {
            let joined: Joined = parse(&answer).map_err(|error| for_now(&error))?;
            read(joined).ok_or_else(|| Failed::ForNow("its answer makes no sense".to_owned()))
        }
        kind::JOIN_REFUSED => {
            let JoinRefused { code, message, again } = parse(&answer).map_err(|error| for_now(&error))?;
            Err(match again {
                true => Failed::ForNow(message),
                false => Failed::ForGood(NotAdmitted::Refused { code, message }),
            })
        }
        other => Err(Failed::ForNow(format!("it answered with a frame of kind {other}"))),
    }
}

fn read(joined: Joined) -> Option<Admission> {
    Some(Admission {
        cluster: joined.cluster.parse().ok()?,
        name: joined.name,
        node: joined.node,
        votes: joined.votes,
        cert: NodeCert {
            chain_pem: joined.chain,
            ca_pem: joined.ca,
        },
        kek: ClusterKek::from_bytes(&joined.kek)?,
        members: joined.members,
    })
}
