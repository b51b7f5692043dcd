//! What the admin API asks of the node.

use std::future::Future;

use bytes::Bytes;
use quorate_adminapi::{AuditReport, ErrorBody, RaftInfo, Status, Version, code};
use quorate_core::{
    AuditEntry, AuditNo, AuditTarget, AuditWord, DeviceId, Done, InviteKey, NodeId, Operation, Operator, PasswordHash,
    Refusal, RoomName, State, UserName,
};
use tokio::sync::mpsc;

use super::metrics::MetricsSnapshot;
use super::raft::RaftSource;
use super::snapshot::SnapshotSource;
use super::telemetry::Telemetry;

/// Where the answers come from.
pub trait Source: Telemetry + SnapshotSource + RaftSource {
    /// The cluster. With `stale` it is as this node knows it by itself and always answers at once, if the node belongs to
    /// a cluster; without, as the leader knows it, who has made sure that it leads.
    fn status(&self, stale: bool) -> impl Future<Output = Result<Status, AdminError>> + Send;

    /// The consensus of this node, by itself.
    fn raft_info(&self) -> impl Future<Output = RaftInfo> + Send;

    /// The numbers of this node.
    fn metrics(&self) -> impl Future<Output = MetricsSnapshot> + Send;

    /// The program.
    fn version(&self) -> Version;

    /// Whether a higher id gets leadership by itself.
    fn hands_back(&self) -> bool;

    /// Has this node apply all that was acknowledged anywhere before now.
    fn catch_up(&self) -> impl Future<Output = Result<(), AdminError>> + Send;

    /// Looks at the chat as this node knows it. Short: applying waits for it.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T;

    /// Puts what an operator asks through the log.
    fn operate(&self, by: Operator, operation: Operation) -> impl Future<Output = Result<Done, AdminError>> + Send;

    /// A secret that nobody has yet.
    fn fresh_invite(&self) -> Result<FreshInvite, AdminError>;

    /// Writes down in the audit log what an operator does that is no change of the state. `action` is a word of the
    /// program's own, like `leader.transfer`; of the target as much is written as fits.
    fn note(&self, by: Operator, action: &str, target: &str) -> impl Future<Output = Result<(), AdminError>> + Send {
        let operation = Operation::Note {
            action: AuditWord::parse(action).expect("the program's own words are such"),
            target: AuditTarget::cut(target),
        };
        async move { self.operate(by, operation).await.map(drop) }
    }

    /// Hashes a password, off the network's threads.
    fn hash_password(&self, password: String) -> impl Future<Output = Result<PasswordHash, AdminError>> + Send;

    /// Entries of the audit log as this node has it: the first ones after this one, or, without one, the last.
    fn audit(
        &self,
        after: Option<AuditNo>,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(AuditNo, AuditEntry)>, AdminError>> + Send;

    /// Walks the audit log of this node, and compares it with the other nodes'.
    fn check_audit(&self) -> impl Future<Output = Result<AuditReport, AdminError>> + Send;

    /// On which nodes each of these devices has sessions, as far as they answer; in the order asked, by id.
    fn sessions_of(&self, devices: Vec<DeviceId>) -> impl Future<Output = Vec<Vec<NodeId>>> + Send;

    /// All that there is of somebody or something, as JSON lines.
    fn export(&self, what: Exported) -> impl Future<Output = Result<ExportLines, AdminError>> + Send;
}

/// What is taken along.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exported {
    /// All that is a user's.
    User(UserName),
    /// All that a room remembers.
    Room(RoomName),
}

/// Whole lines, some at a time. An error ends them, and says that they are not all.
pub type ExportLines = mpsc::Receiver<Result<Bytes, std::io::Error>>;

/// A secret for an invite, in the two forms in which it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreshInvite {
    /// The link that carries it: all nodes, in random order.
    pub link: String,
    /// What the cluster knows of it.
    pub key: InviteKey,
}

/// Why there is no answer. Each variant is something else for the operator to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminError {
    /// No majority is within reach: bring nodes back, or ask with `stale`.
    #[error("no quorum: {reachable} of {voters} voters are reachable from this node, {needed} are needed")]
    NoQuorum {
        /// How many nodes vote.
        voters: u32,
        /// How many of them this node reaches, itself included.
        reachable: u32,
        /// How many are a majority.
        needed: u32,
        /// Who led last, as far as this node knows.
        last_leader: Option<NodeId>,
    },
    /// This node belongs to no cluster yet: form one, or wait for those named.
    #[error("this node does not belong to a formed cluster yet")]
    NotFormed {
        /// The nodes that it waits for.
        waiting_for: Vec<NodeId>,
    },
    /// There is a leader that does not answer this node: look at the network between them.
    #[error("n{leader} leads and does not answer this node")]
    LeaderUnreachable {
        /// The leader.
        leader: NodeId,
    },
    /// The state machine said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No leader with a majority took the change, which surely did not happen: bring nodes back, then ask again.
    #[error(
        "nothing was changed: no leader with a quorum took it; {reachable} of {voters} voters are reachable from this \
         node, {needed} are needed"
    )]
    NotTaken {
        /// How many nodes vote.
        voters: u32,
        /// How many of them this node reaches, itself included.
        reachable: u32,
        /// How many are a majority.
        needed: u32,
        /// Who led last, as far as this node knows.
        last_leader: Option<NodeId>,
    },
    /// The change may have happened: look before asking again.
    #[error("the change was not confirmed in time: it may be done or not")]
    OutcomeUnknown,
    /// The node does as much of this as it does at once, or is too far behind: ask again later, or another node.
    #[error("{0}")]
    Busy(String),
    /// The node failed at it: its traces say more.
    #[error("{0}")]
    Failed(String),
    /// The password is too short or too long.
    #[error("{0}")]
    BadPassword(String),
    /// What is stored cannot be read.
    #[error("what is stored cannot be read: {0}")]
    Unreadable(String),
    /// It would leave the cluster worse off; an operator may force it.
    #[error("{0}")]
    Unsafe(String),
    /// It cannot be done, forced or not.
    #[error("{0}")]
    Impossible(String),
    /// The node belongs to no cluster, and waits to be told of one.
    #[error("this node belongs to no cluster: it waits for init or join")]
    Vacant,
    /// Another cluster, or somebody in between.
    #[error("{0}")]
    WrongCa(String),
    /// The cluster to join said no.
    #[error("{message}")]
    NotAdmitted {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// The cluster to join was not reached.
    #[error("{0}")]
    NobodyAnswered(String),
    /// The config or the data directory are not as they must be; nothing was changed in the cluster.
    #[error("{0}")]
    NotHere(String),
    /// No node's address is known well enough for a link.
    #[error("no link can be made: {0}")]
    NoLink(String),
}

impl AdminError {
    /// The error as JSON.
    #[must_use]
    pub fn to_body(&self) -> ErrorBody {
        const STALE: &str = "--stale (stale=true) shows what this node knows by itself";
        const START: &str = "chatctl status --stale shows which nodes are down; start them, then ask again";
        let led = |leader: &Option<NodeId>| leader.map(|leader| format!("n{leader} led last; ")).unwrap_or_default();
        match self {
            Self::NoQuorum { last_leader, .. } => {
                ErrorBody::new(code::NO_QUORUM, self.to_string()).with_hint(format!("{}{STALE}", led(last_leader)))
            }
            Self::NotTaken { last_leader, .. } => {
                ErrorBody::new(code::NO_QUORUM, self.to_string()).with_hint(format!("{}{START}", led(last_leader)))
            }
            Self::NotFormed { waiting_for } if waiting_for.is_empty() => {
                ErrorBody::new(code::NOT_FORMED, self.to_string())
            }
            Self::NotFormed { waiting_for } => {
                let names = waiting_for
                    .iter()
                    .map(|node| format!("n{node}"))
                    .collect::<Vec<_>>()
                    .join(", ");
                ErrorBody::new(code::NOT_FORMED, self.to_string()).with_hint(format!("it waits for {names}"))
            }
            Self::Refused(refusal) => ErrorBody::new(refusal.code(), refusal.to_string()),
            Self::OutcomeUnknown => ErrorBody::new(code::OUTCOME_UNKNOWN, self.to_string()),
            Self::Busy(_) => {
                ErrorBody::new(code::BUSY, self.to_string()).with_hint("ask again in a moment, or another node")
            }
            Self::NoLink(_) | Self::Failed(_) | Self::Unreadable(_) | Self::NotHere(_) => {
                ErrorBody::new(code::INTERNAL, self.to_string())
            }
            Self::BadPassword(_) => ErrorBody::new(code::BAD_PASSWORD, self.to_string()),
            Self::Unsafe(_) => {
                ErrorBody::new(code::REFUSED, self.to_string()).with_hint("--force does it all the same")
            }
            Self::Impossible(_) => ErrorBody::new(code::REFUSED, self.to_string()),
            Self::Vacant => ErrorBody::new(code::NOT_FORMED, self.to_string())
                .with_hint("chatctl cluster init forms one; chatctl cluster join ADDR --token-file FILE joins one"),
            Self::WrongCa(_) => ErrorBody::new(code::WRONG_CA, self.to_string())
                .with_hint("is the address right, and the token from this cluster?"),
            Self::NotAdmitted { code, .. } => {
                let body = ErrorBody::new(code, self.to_string());
                match code.as_str() {
                    code::NODE_REMOVED => {
                        body.with_hint("empty this node's data directory: it then joins under a new id")
                    }
                    _ => body.with_hint("chatctl cluster token create, on a node of the cluster, makes a new one"),
                }
            }
            Self::NobodyAnswered(_) => ErrorBody::new(code::NOBODY_ANSWERED, self.to_string()).with_hint(
                "the addresses are those for nodes ([listen] advertise_peer), and the cluster needs a quorum",
            ),
            Self::LeaderUnreachable { .. } => {
                ErrorBody::new(code::LEADER_UNREACHABLE, self.to_string()).with_hint(STALE)
            }
        }
    }
}
