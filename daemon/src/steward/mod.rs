//! Brings Raft's membership to what the state says it should be. Runs on the leader: operators' wishes go through the log,
//! and whoever leads carries them out, also what a leader before began.
//!
//! One change at a time, each decided anew from the present membership (`plan`). Nothing here is decided by who asked.

mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use quorate_core::{Actor, Authority, Command, NodeId, NodeStanding, Operate, Operation, Operator, RosterOperation};
use quorate_protocol::relay::End;
use tokio::time::{Instant, sleep};

use crate::consensus::types::NodeAddrs;
use crate::consensus::{Consensus, MembershipError, View};
use crate::peer::Local;
use crate::relay::Relay;
use crate::store::Reader;

use plan::{Outlook, Step, next_step};

pub use plan::{CAUGHT_UP_ENTRIES, is_caught_up};

/// Between two looks.
const PERIOD: Duration = Duration::from_millis(100);
/// How long one change may take before it is looked at again: enough for a round through slow disks.
const CHANGE_DEADLINE: Duration = Duration::from_secs(5);
/// After a change that came to nothing.
const RETRY_PAUSE: Duration = Duration::from_millis(500);

/// What the first leader writes down of the cluster.
#[derive(Clone, Debug)]
pub struct Founding {
    /// What operators call it.
    pub name: String,
    /// Its CA, if this node was given it.
    pub authority: Option<Authority>,
    /// In whose name.
    pub by: Operator,
}

/// What a steward works with.
pub struct Steward {
    /// Raft.
    pub consensus: Consensus,
    /// The way to the log.
    pub relay: Arc<Relay>,
    /// The state.
    pub reader: Reader,
    /// Told who is removed.
    pub local: Arc<Local>,
    /// For a cluster of which nothing is written down yet.
    pub founding: Founding,
}

impl Steward {
    /// Works until it is dropped.
    pub async fn keep(self) {
        let own = self.consensus.node_id();
        let view = self.consensus.view();
        loop {
            let view = view.borrow().clone();
            self.tell(&view);
            if self.consensus.is_leader() {
                let mut outlook = self.reader.with_state(|state| Outlook {
                    nodes: state.nodes().map(|(id, node)| (id, node.clone())).collect(),
                    is_founded: state.roster().is_some(),
                    wants_authority: state.authority().is_none() && self.founding.authority.is_some(),
                    ..Outlook::default()
                });
                // Not while the state is locked: this is the log's to say.
                let closed = outlook.nodes.keys().filter(|id| self.local.is_closed(**id));
                outlook.closed = closed.copied().collect();
                if let Some(step) = next_step(&view, &outlook, own, Instant::now())
                    && let Err(why) = self.take(&step, &view).await
                {
                    tracing::debug!(?step, why, "the membership is as before");
                    sleep(RETRY_PAUSE).await;
                }
            }
            sleep(PERIOD).await;
        }
    }

    /// Tells Raft who must not lead and whether leadership is handed back, and the connections who is not to be spoken with.
    fn tell(&self, view: &View) {
        let (hand_back, avoided, gone) = self.reader.with_state(|state| {
            let hand_back = state.roster().and_then(|roster| roster.hand_back);
            let avoided = state.nodes().filter(|(_, node)| !node.may_lead()).map(|(id, _)| id);
            let removed = state.nodes().filter(|(_, node)| node.is_removed()).map(|(id, _)| id);
            (hand_back, avoided.collect(), removed.collect::<BTreeSet<NodeId>>())
        });
        self.consensus.set_hand_back(hand_back);
        self.consensus.set_avoided(avoided);
        // Until the membership is without it, its voice may be needed to make it so.
        let gone = gone.into_iter().filter(|node| !view.members.contains_key(node));
        self.local.set_removed(gone.collect());
    }

    async fn take(&self, step: &Step, view: &View) -> Result<(), String> {
        let deadline = Instant::now() + CHANGE_DEADLINE;
        let consensus = &self.consensus;
        let told = |error: MembershipError| error.to_string();
        tracing::info!(?step, "changing the membership");
        match step {
            Step::Found => self.found(view).await,
            Step::FinishChange => consensus.finish_change(deadline).await.map(drop).map_err(told),
            Step::HandOff => consensus
                .hand_off(deadline)
                .await
                .map(drop)
                .map_err(|error| error.to_string()),
            Step::AddLearner(node, reach) => {
                let addrs = NodeAddrs::from(reach);
                consensus
                    .add_learner(*node, addrs, deadline)
                    .await
                    .map(drop)
                    .map_err(told)
            }
            Step::SetAddrs(node, reach) => {
                let addrs = NodeAddrs::from(reach);
                consensus
                    .set_addrs(*node, addrs, deadline)
                    .await
                    .map(drop)
                    .map_err(told)
            }
            Step::Settle(node) => {
                let by = self.admitted_by(*node);
                self.submit(by, RosterOperation::SettleNode(*node)).await
            }
            Step::Promote(node) => consensus.promote(*node, deadline).await.map(drop).map_err(told),
            Step::Demote(node) => consensus.demote(*node, deadline).await.map(drop).map_err(told),
            Step::Replace { old, new } => consensus.replace(*old, *new, deadline).await.map(drop).map_err(told),
            Step::Bury(node) => self.bury(*node).await,
            Step::Remove(node) => consensus.remove(*node, deadline).await.map(drop).map_err(told),
        }
    }

    async fn found(&self, view: &View) -> Result<(), String> {
        let operation = RosterOperation::Found {
            name: self.founding.name.clone(),
            authority: self.founding.authority.clone(),
            nodes: view.members.keys().copied().collect(),
        };
        self.submit(self.founding.by, operation).await
    }

    async fn bury(&self, node: NodeId) -> Result<(), String> {
        let changed_at = self
            .reader
            .with_state(|state| state.roster().map(|roster| roster.changed_at));
        let operation = RosterOperation::RemoveNode {
            node,
            replaced_by: None,
            seen: changed_at.unwrap_or_default(),
        };
        self.submit(self.founding.by, operation).await
    }

    /// In whose name the leader notes that a node has arrived.
    fn admitted_by(&self, node: NodeId) -> Operator {
        let by = self.reader.with_state(|state| {
            let found = state
                .node(node)
                .filter(|node| node.standing == NodeStanding::Admitted)?;
            Some(found.admission.as_ref()?.by)
        });
        by.unwrap_or(self.founding.by)
    }

    async fn submit(&self, by: Operator, operation: RosterOperation) -> Result<(), String> {
        let operation = Operation::Roster(operation);
        let command = Command::Operate(Operate {
            by,
            operation,
            // The node itself, in that operator's name.
            actor: Actor::default(),
        });
        match self.relay.submit(&command, Instant::now() + CHANGE_DEADLINE).await {
            End::Applied { outcome: Ok(_), index } => {
                // The next look is to see it.
                let _ = self.reader.wait_applied(index, Instant::now() + CHANGE_DEADLINE).await;
                Ok(())
            }
            End::Applied {
                outcome: Err(refusal), ..
            } => Err(refusal.to_string()),
            End::NotProposed { .. } => Err("it was not proposed".to_owned()),
            End::Unknown => Err("it was not confirmed".to_owned()),
        }
    }
}
