//! What can be seen of Raft from outside: for status, metrics, routing and the hand-back controller.

use std::collections::BTreeMap;
use std::time::Duration;

use openraft::{Instant as _, RaftMetrics, ServerState, TokioInstant};
use quorate_core::{LogIndex, NodeId};
use tokio::time::Instant;

use super::types::{LogId, Membership, NodeAddrs, TypeConfig, Vote};

/// What this node is in Raft at the moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Takes no part yet: it waits to be enrolled, or for its log.
    #[default]
    Outside,
    /// Gets the log and has no vote.
    Learner,
    /// Follows.
    Follower,
    /// Asks for votes.
    Candidate,
    /// Leads, or believes so: only a quorum can tell.
    Leader,
    /// Raft has ended here.
    Stopped,
}

/// A member of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Where it is reached.
    pub addrs: NodeAddrs,
    /// Whether it votes (in either half of a joint membership).
    pub voter: bool,
    /// Whether operators let it lead ([`Consensus::set_avoided`](super::Consensus::set_avoided)).
    pub may_lead: bool,
}

/// What a leader knows of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerProgress {
    /// Up to here the peer's log is known to be the leader's.
    pub matched: Option<LogIndex>,
    /// When it last acknowledged something.
    pub last_contact: Option<Instant>,
}

/// Raft at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// Who leads, as far as this node knows; nobody, when the leader has not been heard of for too
    /// long, or has no quorum.
    pub leader: Option<NodeId>,
    /// Who led last, heard of or not.
    pub last_leader: Option<NodeId>,
    /// The term of the vote.
    pub term: u64,
    /// The last vote given or acknowledged; `None` before the first.
    pub vote: Option<VoteView>,
    /// What this node is.
    pub role: Role,
    /// Known to be committed.
    pub committed: Option<LogIndex>,
    /// Applied to the state machine's memory.
    pub applied: Option<LogIndex>,
    /// The last entry in this node's log.
    pub last_log: Option<LogIndex>,
    /// The last entry in the last snapshot.
    pub snapshot: Option<LogIndex>,
    /// The last entry that was taken away.
    pub purged: Option<LogIndex>,
    /// The members of the last membership in the log, committed or not.
    pub members: BTreeMap<NodeId, MemberView>,
    /// The log is between two memberships.
    pub joint: bool,
    /// The entry of that membership.
    pub membership_at: Option<LogIndex>,
    /// That membership is known to be committed.
    pub membership_committed: bool,
    /// So many voters make a quorum (of the larger half, when joint).
    pub quorum: usize,
    /// When a quorum last acknowledged this leader; `None` unless this node leads.
    pub quorum_acked_at: Option<Instant>,
    /// What the leader knows of the others; empty unless this node leads.
    pub peers: BTreeMap<NodeId, PeerProgress>,
}

/// A vote, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoteView {
    /// Its term.
    pub term: u64,
    /// For whom.
    pub node: NodeId,
    /// A quorum has granted it.
    pub committed: bool,
}

impl View {
    /// How long ago a quorum acknowledged this leader; `None` unless this node leads.
    #[must_use]
    pub fn quorum_ack_age(&self) -> Option<Duration> {
        self.quorum_acked_at.map(|at| at.elapsed())
    }

    /// The voters, in order.
    pub fn voters(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.members
            .iter()
            .filter(|(_, member)| member.voter)
            .map(|(id, _)| *id)
    }

    /// Whether this node leads and should not.
    #[must_use]
    pub fn should_hand_off(&self, own: NodeId) -> bool {
        self.role == Role::Leader && self.members.get(&own).is_some_and(|member| !member.may_lead)
    }

    pub(crate) fn outside() -> Self {
        Self::default()
    }

    pub(crate) fn of(metrics: &RaftMetrics<TypeConfig>) -> Self {
        let index = |log_id: &Option<LogId>| log_id.as_ref().map(|log_id| LogIndex(log_id.index));
        let membership = metrics.membership_config.membership();
        let leads = metrics.state == ServerState::Leader;
        let role = match metrics.state {
            _ if metrics.running_state.is_err() => Role::Stopped,
            ServerState::Learner if members(membership).is_empty() => Role::Outside,
            ServerState::Learner => Role::Learner,
            ServerState::Follower => Role::Follower,
            ServerState::Candidate => Role::Candidate,
            ServerState::Leader => Role::Leader,
            ServerState::Shutdown => Role::Stopped,
        };
        Self {
            leader: metrics.current_leader,
            last_leader: metrics.current_leader,
            term: metrics.current_term,
            vote: vote(&metrics.vote),
            role,
            committed: index(&metrics.local_committed),
            applied: index(&metrics.last_applied),
            last_log: metrics.last_log_index.map(LogIndex),
            snapshot: index(&metrics.snapshot),
            purged: index(&metrics.purged),
            members: members(membership),
            joint: membership.get_joint_config().len() > 1,
            membership_at: index(metrics.membership_config.log_id()),
            membership_committed: metrics.membership_config.log_id() == metrics.committed_membership_config.log_id(),
            quorum: membership
                .get_joint_config()
                .iter()
                .map(|config| config.len() / 2 + 1)
                .max()
                .unwrap_or(0),
            quorum_acked_at: metrics
                .last_quorum_acked
                .map(|at| instant(at.into_inner()))
                .filter(|_| leads),
            peers: if leads { peers(metrics) } else { BTreeMap::new() },
        }
    }
}

fn members(membership: &Membership) -> BTreeMap<NodeId, MemberView> {
    let voters: std::collections::BTreeSet<NodeId> = membership.voter_ids().collect();
    let nodes = membership.nodes();
    nodes
        .map(|(id, addrs)| {
            (
                *id,
                MemberView {
                    addrs: addrs.clone(),
                    voter: voters.contains(id),
                    may_lead: true,
                },
            )
        })
        .collect()
}

fn vote(vote: &Vote) -> Option<VoteView> {
    let vote = VoteView {
        term: vote.leader_id.term,
        node: vote.leader_id.node_id,
        committed: vote.committed,
    };
    (vote.term > 0).then_some(vote)
}

fn peers(metrics: &RaftMetrics<TypeConfig>) -> BTreeMap<NodeId, PeerProgress> {
    let mut peers: BTreeMap<NodeId, PeerProgress> = BTreeMap::new();
    for (id, matched) in metrics.replication.iter().flatten() {
        peers.entry(*id).or_default().matched = matched.as_ref().map(|log_id| LogIndex(log_id.index));
    }
    for (id, at) in metrics.heartbeat.iter().flatten() {
        peers.entry(*id).or_default().last_contact = at.map(|at| instant(at.into_inner()));
    }
    peers
}

/// openraft's clock is tokio's, but it does not give the reading away.
fn instant(at: TokioInstant) -> Instant {
    let now = Instant::now();
    now.checked_sub(at.elapsed()).unwrap_or(now)
}
