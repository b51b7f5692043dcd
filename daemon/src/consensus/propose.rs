//! Proposing: commands in, one of three answers for each out.
//!
//! openraft's errors become answers in this file and nowhere else. What is certain:
//!
//! - `ForwardToLeader` comes, in the pinned openraft, from one place that answers proposals: the check before a message with
//!   commands is appended (`RaftCore::write_entries`), and it answers the whole message. An entry that was appended and
//!   then lost its place gives `LogEntryDiscarded` instead, which is **not** a refusal: another leader may have committed it.
//!   So a whole batch that was forwarded was not appended. A batch in which only some were is not understood here, and is
//!   unknown.
//! - Everything else that is no success is unknown: a deadline, a Raft that stopped, an answer that was dropped.

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use openraft::errors::{ClientWriteError, Fatal};
use openraft::raft::WriteResult;
use quorate_core::{LogIndex, NodeId};
use tokio::time::{Instant, timeout_at};

use super::types::{Answer, Proposal, TypeConfig};
use super::{Consensus, Raft};

/// What became of a proposed command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposeOutcome {
    /// Committed, and applied on this node.
    Applied {
        /// Where.
        index: LogIndex,
        /// What the state machine said.
        answer: Answer,
    },
    /// Surely not appended: this node does not lead. It may be proposed again elsewhere.
    NotLeader {
        /// Who leads, as far as this node knows; `None` when nobody does, or this node's quorum is gone.
        leader: Option<NodeId>,
    },
    /// It may have been applied, or be applied later, or never. Only a receipt tells.
    Unknown,
}

/// Commands that are on their way. Dropping it stops nothing but the waiting.
#[must_use = "the outcomes are to be awaited"]
pub struct InFlight {
    commands: usize,
    state: State,
}

enum State {
    /// Never handed to Raft.
    NotLeader(Option<NodeId>),
    /// Handed over, or cut off in the middle of that.
    Unknown,
    Waiting(BoxStream<'static, Result<WriteResult<TypeConfig>, Fatal<TypeConfig>>>),
}

impl Consensus {
    /// Hands commands to Raft as one batch. They are appended next to each other, and after those of every call that returned
    /// before this one began. Several batches may be under way.
    pub async fn begin(&self, commands: Vec<Bytes>, deadline: Instant) -> InFlight {
        let count = commands.len();
        let state = if self.is_running() {
            hand_over(self.raft(), commands, deadline).await
        } else {
            State::NotLeader(None)
        };
        InFlight { commands: count, state }
    }

    /// Proposes commands as one batch and waits until they are applied, until `deadline` at the most. The outcomes are in the
    /// order of the commands.
    pub async fn propose(&self, commands: Vec<Bytes>, deadline: Instant) -> Vec<ProposeOutcome> {
        self.begin(commands, deadline).await.outcomes(deadline).await
    }
}

async fn hand_over(raft: &Raft, commands: Vec<Bytes>, deadline: Instant) -> State {
    match timeout_at(deadline, raft.client_write_many(commands.into_iter().map(Proposal))).await {
        Ok(Ok(answers)) => State::Waiting(answers),
        Ok(Err(_)) | Err(_) => State::Unknown,
    }
}

impl InFlight {
    /// Waits for all outcomes, until `deadline` at the most. They are in the order of the commands.
    pub async fn outcomes(self, deadline: Instant) -> Vec<ProposeOutcome> {
        let mut answers = match self.state {
            State::NotLeader(leader) => return vec![ProposeOutcome::NotLeader { leader }; self.commands],
            State::Unknown => return vec![ProposeOutcome::Unknown; self.commands],
            State::Waiting(answers) => answers,
        };
        let mut outcomes = Vec::with_capacity(self.commands);
        while outcomes.len() < self.commands {
            match timeout_at(deadline, answers.next()).await {
                Ok(Some(answer)) => outcomes.push(outcome(answer)),
                Ok(None) | Err(_) => break,
            }
        }
        outcomes.resize(self.commands, ProposeOutcome::Unknown);
        settle(outcomes)
    }
}

fn outcome(answer: Result<WriteResult<TypeConfig>, Fatal<TypeConfig>>) -> ProposeOutcome {
    match answer {
        Ok(Ok(written)) => ProposeOutcome::Applied {
            index: LogIndex(written.log_id.index),
            answer: written.response,
        },
        Ok(Err(ClientWriteError::ForwardToLeader(to))) => ProposeOutcome::NotLeader { leader: to.leader_id },
        Ok(Err(
            ClientWriteError::LogEntryDiscarded(_)
            | ClientWriteError::ChangeMembershipError(_)
            | ClientWriteError::PreconditionFailed(_),
        ))
        | Err(_) => ProposeOutcome::Unknown,
    }
}

/// A batch is forwarded as a whole or not at all; anything else is not believed.
fn settle(mut outcomes: Vec<ProposeOutcome>) -> Vec<ProposeOutcome> {
    let forwarded = |outcome: &ProposeOutcome| matches!(outcome, ProposeOutcome::NotLeader { .. });
    if !outcomes.iter().all(forwarded) {
        for outcome in outcomes.iter_mut().filter(|outcome| forwarded(outcome)) {
            *outcome = ProposeOutcome::Unknown;
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use openraft::errors::ForwardToLeader;
    use openraft::raft::WriteResponse;
    use openraft::vote::RaftLeaderId;
    use openraft::vote::leader_id_adv::LeaderId;

    use super::super::types::{LogId, NodeAddrs};
    use super::*;

    fn forward() -> ForwardToLeader<TypeConfig> {
        ForwardToLeader::new(NodeId(3), NodeAddrs::default())
    }

    fn applied() -> ProposeOutcome {
        let log_id = LogId {
            leader_id: LeaderId::new(1, NodeId(1)),
            index: 7,
        };
        outcome(Ok(Ok(WriteResponse {
            log_id,
            response: Answer(None),
        })))
    }

    #[test]
    fn a_discarded_entry_and_a_stopped_raft_are_unknown() {
        assert_eq!(
            outcome(Ok(Err(ClientWriteError::LogEntryDiscarded(forward())))),
            ProposeOutcome::Unknown
        );
        assert_eq!(outcome(Err(Fatal::Stopped)), ProposeOutcome::Unknown);
    }

    #[test]
    fn a_batch_that_was_forwarded_as_a_whole_was_not_appended() {
        let not_leader = outcome(Ok(Err(ClientWriteError::ForwardToLeader(forward()))));
        assert_eq!(
            not_leader,
            ProposeOutcome::NotLeader {
                leader: Some(NodeId(3))
            }
        );
        assert_eq!(settle(vec![not_leader.clone(); 2]), [not_leader.clone(), not_leader]);
    }

    #[test]
    fn a_batch_that_was_forwarded_in_part_is_unknown() {
        let not_leader = ProposeOutcome::NotLeader { leader: None };
        assert_eq!(
            settle(vec![applied(), not_leader.clone()]),
            [applied(), ProposeOutcome::Unknown]
        );
        assert_eq!(
            settle(vec![not_leader, ProposeOutcome::Unknown]),
            [ProposeOutcome::Unknown, ProposeOutcome::Unknown]
        );
    }
}
