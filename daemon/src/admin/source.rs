//! What the admin API asks of the node.

use std::future::Future;

use quorate_adminapi::{ErrorBody, RaftInfo, Status, Version, code};
use quorate_core::{Done, InviteKey, NodeId, Operation, Operator, Refusal, State};

use super::metrics::MetricsSnapshot;

/// Where the answers come from.
pub trait Source: Send + Sync + 'static {
    /// The cluster. With `stale` it is as this node knows it by itself and always answers at once, if the node belongs to
    /// a cluster; without, as the leader knows it, who has made sure that it leads.
    fn status(&self, stale: bool) -> impl Future<Output = Result<Status, AdminError>> + Send;

    /// The consensus of this node, by itself.
    fn raft_info(&self) -> impl Future<Output = RaftInfo> + Send;

    /// The numbers of this node.
    fn metrics(&self) -> impl Future<Output = MetricsSnapshot> + Send;

    /// The program.
    fn version(&self) -> Version;

    /// Looks at the chat as this node knows it. Short: applying waits for it.
    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T;

    /// Puts what an operator asks through the log.
    fn operate(&self, by: Operator, operation: Operation) -> impl Future<Output = Result<Done, AdminError>> + Send;

    /// A secret that nobody has yet.
    fn fresh_invite(&self) -> Result<FreshInvite, AdminError>;
}

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
    /// No majority took the change, which surely did not happen: ask again when there is one.
    #[error("no majority is within reach of this node: nothing was changed")]
    NotChanged,
    /// The change may have happened: look before asking again.
    #[error("the change was not confirmed in time: it may be done or not")]
    OutcomeUnknown,
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
        match self {
            Self::NoQuorum { last_leader, .. } => {
                let led = last_leader
                    .map(|leader| format!("n{leader} led last; "))
                    .unwrap_or_default();
                ErrorBody::new(code::NO_QUORUM, self.to_string()).with_hint(format!("{led}{STALE}"))
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
            Self::NotChanged => ErrorBody::new(code::NO_QUORUM, self.to_string()),
            Self::OutcomeUnknown => ErrorBody::new(code::OUTCOME_UNKNOWN, self.to_string()),
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
            Self::NotHere(_) => ErrorBody::new(code::INTERNAL, self.to_string()),
            Self::NoLink(_) => ErrorBody::new(code::INTERNAL, self.to_string()),
            Self::LeaderUnreachable { .. } => {
                ErrorBody::new(code::LEADER_UNREACHABLE, self.to_string()).with_hint(STALE)
            }
        }
    }
}
