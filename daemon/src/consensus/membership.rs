//! Changing who belongs to the cluster. One change at a time, and each only on the membership that its caller saw.

use std::collections::BTreeMap;

use openraft::async_runtime::WatchReceiver;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError};
use openraft::raft::ClientWriteResponse;
use openraft::{ChangeMembers, Precondition};
use quorate_core::{LogIndex, NodeId};
use tokio::time::{Instant, timeout_at};

use super::types::{NodeAddrs, TypeConfig};
use super::{Consensus, Role};

/// Why a membership was not changed, or is not known to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MembershipError {
    /// Only the leader changes it: ask there.
    #[error("this node does not lead")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// Another change is under way, or came in between. Look again, and decide again.
    #[error("the membership is being changed, or has changed meanwhile")]
    Changed,
    /// It cannot be done to this membership.
    #[error("the membership does not allow that: {0}")]
    NotPossible(String),
    /// The node is there already, or is not there at all.
    #[error("node {0} is not in the state that this change needs")]
    WrongNode(NodeId),
    /// It may come into force, or have come into force. The view will tell.
    #[error("whether the membership was changed is not known yet")]
    Unknown,
}

impl Consensus {
    /// Adds a node without a vote. It gets the log from then on; [`View::peers`](super::View) shows how far it is.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn add_learner(
        &self,
        node: NodeId,
        addrs: NodeAddrs,
        deadline: Instant,
    ) -> Result<LogIndex, MembershipError> {
        if self.members_has(node) {
            return Err(MembershipError::WrongNode(node));
        }
        self.change(ChangeMembers::AddNodes(BTreeMap::from([(node, addrs)])), true, deadline)
            .await
    }

    /// Gives a learner a vote.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn promote(&self, node: NodeId, deadline: Instant) -> Result<LogIndex, MembershipError> {
        if !self.members_has(node) {
            return Err(MembershipError::WrongNode(node));
        }
        self.change(ChangeMembers::AddVoterIds([node].into()), true, deadline)
            .await
    }

    /// Takes a voter's vote; it gets the log as before. Leadership is to be moved away first.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn demote(&self, node: NodeId, deadline: Instant) -> Result<LogIndex, MembershipError> {
        if !self.view().borrow().voters().any(|voter| voter == node) {
            return Err(MembershipError::WrongNode(node));
        }
        self.change(ChangeMembers::RemoveVoters([node].into()), true, deadline)
            .await
    }

    /// Removes a voter or learner altogether. Leadership is to be moved away first: a leader is not removed here.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn remove(&self, node: NodeId, deadline: Instant) -> Result<LogIndex, MembershipError> {
        let voter = {
            let view = self.view();
            let view = view.borrow();
            let Some(member) = view.members.get(&node) else {
                return Err(MembershipError::WrongNode(node));
            };
            if view.leader == Some(node) {
                return Err(MembershipError::NotPossible(
                    "the leader is not removed; move leadership first".to_owned(),
                ));
            }
            member.voter
        };
        let change = match voter {
            true => ChangeMembers::RemoveVoters([node].into()),
            false => ChangeMembers::RemoveNodes([node].into()),
        };
        self.change(change, false, deadline).await
    }

    /// Gives a vote to `new` (a learner) and takes `old` out, in one change through a joint membership.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn replace(&self, old: NodeId, new: NodeId, deadline: Instant) -> Result<LogIndex, MembershipError> {
        let mut voters: std::collections::BTreeSet<NodeId> = self.view().borrow().voters().collect();
        if !self.members_has(new) || !voters.remove(&old) {
            return Err(MembershipError::WrongNode(if self.members_has(new) {
                old
            } else {
                new
            }));
        }
        voters.insert(new);
        self.change(ChangeMembers::ReplaceAllVoters(voters), false, deadline)
            .await
    }

    /// Changes where a member is reached.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn set_addrs(
        &self,
        node: NodeId,
        addrs: NodeAddrs,
        deadline: Instant,
    ) -> Result<LogIndex, MembershipError> {
        if !self.members_has(node) {
            return Err(MembershipError::WrongNode(node));
        }
        self.change(ChangeMembers::SetNodes(BTreeMap::from([(node, addrs)])), true, deadline)
            .await
    }

    /// Ends a change that its leader did not: proposes the voters of the newer half of a joint membership again. Who lost its vote
    /// stays as a learner, since it is not seen here whether it was to go: taking it out is a change of its own.
    ///
    /// # Errors
    /// See [`MembershipError`].
    pub async fn finish_change(&self, deadline: Instant) -> Result<LogIndex, MembershipError> {
        let voters = self
            .raft()
            .metrics()
            .borrow_watched()
            .membership_config
            .membership()
            .get_joint_config()
            .last()
            .cloned();
        let Some(voters) = voters else {
            return Err(MembershipError::NotPossible("there are no members".to_owned()));
        };
        self.change(ChangeMembers::ReplaceAllVoters(voters), true, deadline)
            .await
    }

    fn members_has(&self, node: NodeId) -> bool {
        self.view().borrow().members.contains_key(&node)
    }

    async fn change(
        &self,
        change: ChangeMembers<NodeId, NodeAddrs>,
        retain: bool,
        deadline: Instant,
    ) -> Result<LogIndex, MembershipError> {
        if !self.is_running() {
            return Err(MembershipError::NotLeader { leader: None });
        }
        let seen = *self.raft().metrics().borrow_watched().membership_config.log_id();
        let preconditions = [Precondition::LastMembershipLogId {
            last_membership_log_id: seen,
        }];
        let changed = timeout_at(
            deadline,
            self.raft().change_membership_if(change, retain, preconditions),
        )
        .await;
        match changed {
            Ok(changed) => outcome(changed),
            Err(_) => Err(MembershipError::Unknown),
        }
    }

    /// Whether this node leads, as far as it knows.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.view().borrow().role == Role::Leader
    }
}

type Changed = Result<ClientWriteResponse<TypeConfig>, RaftError<TypeConfig, ClientWriteError<TypeConfig>>>;

fn outcome(changed: Changed) -> Result<LogIndex, MembershipError> {
    let error = match changed {
        Ok(written) => return Ok(LogIndex(written.log_id.index)),
        Err(RaftError::APIError(error)) => error,
        Err(RaftError::Fatal(_)) => return Err(MembershipError::Unknown),
    };
    Err(match error {
        ClientWriteError::ForwardToLeader(to) => MembershipError::NotLeader { leader: to.leader_id },
        ClientWriteError::LogEntryDiscarded(_) => MembershipError::Unknown,
        ClientWriteError::PreconditionFailed(_) => MembershipError::Changed,
        ClientWriteError::ChangeMembershipError(ChangeMembershipError::InProgress(_)) => MembershipError::Changed,
        ClientWriteError::ChangeMembershipError(other) => MembershipError::NotPossible(other.to_string()),
    })
}
