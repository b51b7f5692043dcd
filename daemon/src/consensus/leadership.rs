//! Handing leadership on: by an operator, by the controller, and before this node stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use quorate_core::NodeId;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout_at};

use super::Consensus;
use super::hand_back::{HAND_BACK_PERIOD, HandBack, is_fit, lag};
use super::start::Inner;
use super::view::{Role, View};

/// Between two looks for somebody who can take over.
const FIT_POLL: Duration = Duration::from_millis(20);
/// How long one transfer may take to show. A good one takes milliseconds; after this long it has failed.
const TRANSFER_DEADLINE: Duration = Duration::from_secs(3);

/// Why leadership was not handed to whom it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// Only the leader hands it on: ask there.
    #[error("this node does not lead")]
    NotLeader {
        /// Who leads, as far as this node knows.
        leader: Option<NodeId>,
    },
    /// It has no vote.
    #[error("node {0} is not a voter")]
    NotVoter(NodeId),
    /// It is not there, or lacks too much of the log, or the membership is being changed. Nothing was begun.
    #[error("node {0} cannot lead now: it is down or behind, or the membership is changing")]
    NotFit(NodeId),
    /// It was begun, and somebody else leads or nobody does.
    #[error("node {to} did not take leadership")]
    NotTaken {
        /// Who should have.
        to: NodeId,
    },
}

/// Why nobody else leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepDownError {
    /// There is no other voter.
    #[error("there is no other voter")]
    Alone,
    /// Nobody could take it, or nobody did, until the deadline.
    #[error("nobody else took leadership in time")]
    Deadline,
}

impl Consensus {
    /// Hands leadership to this voter, which then keeps it until it stops leading; or, without one, to the highest id that
    /// can lead, and takes back an earlier wish. Returns when it leads. Waits for it to be fit, until `deadline` at the most.
    ///
    /// # Errors
    /// It does not lead: see [`TransferError`].
    pub async fn transfer_leader(&self, to: Option<NodeId>, deadline: Instant) -> Result<NodeId, TransferError> {
        let inner = self.inner();
        loop {
            let view = inner.view.borrow().clone();
            if view.role != Role::Leader {
                return Err(TransferError::NotLeader { leader: view.leader });
            }
            let own = inner.config.node_id;
            let Some(target) = to.or_else(|| highest_fit(&view, own, inner.config.heartbeat_interval)) else {
                inner.stay.release();
                return Ok(own);
            };
            if target == own {
                match to {
                    Some(_) => inner.stay.ask(Instant::now()),
                    None => inner.stay.release(),
                }
                return Ok(own);
            }
            if !view.voters().any(|voter| voter == target) {
                return Err(TransferError::NotVoter(target));
            }
            if is_fit(&view, target, inner.config.heartbeat_interval, Instant::now()) {
                inner.stay.release();
                return match hand_over(inner, target, to.is_some(), deadline).await {
                    true => Ok(target),
                    false => Err(TransferError::NotTaken { to: target }),
                };
            }
            if Instant::now() >= deadline {
                return Err(TransferError::NotFit(target));
            }
            sleep(FIT_POLL).await;
        }
    }

    /// Sees to it that somebody else leads: hands leadership to the voter with the most of the log (the highest id among
    /// equals) and waits until it leads. Returns who leads; at once if this node does not.
    ///
    /// # Errors
    /// Nobody else leads: see [`StepDownError`].
    pub async fn step_down(&self, deadline: Instant) -> Result<Option<NodeId>, StepDownError> {
        // The controller of the next leader may hand it back here; who drains stops soon after, so that is its own affair.
        self.inner().draining.store(true, Ordering::Relaxed);
        self.hand_off(deadline).await
    }

    /// As [`Consensus::step_down`], for a node that goes on.
    ///
    /// # Errors
    /// Nobody else leads: see [`StepDownError`].
    pub async fn hand_off(&self, deadline: Instant) -> Result<Option<NodeId>, StepDownError> {
        let inner = self.inner();
        loop {
            let view = inner.view.borrow().clone();
            let own = inner.config.node_id;
            if view.role != Role::Leader {
                return Ok(view.leader.filter(|leader| *leader != own));
            }
            if view.voters().all(|voter| voter == own) {
                return Err(StepDownError::Alone);
            }
            if let Some(next) = most_suitable(&view, own, inner.config.heartbeat_interval)
                && hand_over(inner, next, false, deadline).await
            {
                return Ok(Some(next));
            }
            if Instant::now() >= deadline {
                return Err(StepDownError::Deadline);
            }
            sleep(FIT_POLL).await;
        }
    }

    /// Turns the handing back on or off, whatever the configuration says; `None`: as that says. Turned on, it begins with the
    /// hold-down.
    pub fn set_hand_back(&self, wish: Option<bool>) {
        let on = wish.unwrap_or(self.hands_back_by_config());
        self.inner().hand_back_on.store(on, Ordering::Relaxed);
    }

    /// Whether a higher id gets leadership by itself while operators say nothing else.
    #[must_use]
    pub fn hands_back_by_config(&self) -> bool {
        self.inner().config.hand_back.is_some()
    }
}

/// Offers leadership and waits until the other has it.
async fn hand_over(inner: &Inner, to: NodeId, stay: bool, deadline: Instant) -> bool {
    let deadline = deadline.min(Instant::now() + TRANSFER_DEADLINE);
    inner.stay.set_outgoing(stay);
    tracing::info!(%to, stay, "handing leadership over");
    if inner.raft.trigger().transfer_leader(to).await.is_err() {
        return false;
    }
    let mut view = inner.view.clone();
    let led = timeout_at(deadline, view.wait_for(|view| view.leader == Some(to))).await;
    matches!(led, Ok(Ok(_)))
}

fn fit_voters(view: &View, own: NodeId, heartbeat: Duration) -> impl Iterator<Item = NodeId> + '_ {
    let now = Instant::now();
    view.voters()
        .filter(move |voter| *voter != own && is_fit(view, *voter, heartbeat, now))
}

fn highest_fit(view: &View, own: NodeId, heartbeat: Duration) -> Option<NodeId> {
    fit_voters(view, own, heartbeat).filter(|voter| *voter > own).max()
}

fn most_suitable(view: &View, own: NodeId, heartbeat: Duration) -> Option<NodeId> {
    let missing = |voter: &NodeId| lag(view, view.peers.get(voter).and_then(|peer| peer.matched));
    fit_voters(view, own, heartbeat).min_by_key(|voter| (missing(voter), std::cmp::Reverse(*voter)))
}

/// The controller's task.
pub(super) async fn hand_back(inner: Arc<Inner>, hold_down: Duration) {
    let (node_id, heartbeat) = (inner.config.node_id, inner.config.heartbeat_interval);
    let mut controller = HandBack::new(node_id, heartbeat, hold_down);
    let mut ticks = interval(HAND_BACK_PERIOD.min(hold_down.max(FIT_POLL)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        let view = inner.view.borrow().clone();
        let stays = inner.stay.holds(view.role == Role::Leader, now);
        let on = inner.hand_back_on.load(Ordering::Relaxed) && !inner.draining.load(Ordering::Relaxed);
        if stays || !on {
            controller = HandBack::new(node_id, heartbeat, hold_down);
            continue;
        }
        if let Some(to) = controller.look(&view, now)
            && !hand_over(&inner, to, false, now + TRANSFER_DEADLINE).await
        {
            tracing::warn!(%to, "the highest id did not take leadership; it is asked again later");
        }
    }
}
