//! The clock that stamps what is proposed: this node's, but never far ahead of what most voters' clocks say.
//!
//! Log time is the greatest stamp seen, and never runs back. So a single leader whose clock is wrong by a year would move it
//! by that year for ever, and whatever goes by age (old messages, bans, invites, idle writers) would go at once. Each node
//! therefore asks the others for their clocks, and what it stamps is at most [`AHEAD_MAX`] past the *reference*: with `n`
//! voters and a majority of `q`, the `n - q + 1`th latest of the clocks that are known, its own among them.
//!
//! **What that gives.** As long as the clocks of a majority are right, at most `n - q` are wrong, so one of the `n - q + 1`
//! latest is right, and the reference is not past it: log time is never further ahead than the bound. A cluster that was
//! down for a week comes up with clocks that agree, and goes on a week later.
//!
//! **What it does not give.** Clocks that are wrong on a majority, or on one of two nodes, move log time all the same. A
//! clock that is behind is not helped: log time stands still until a stamp is past it. Until enough of the others have been
//! heard, which takes a moment after the start, the reference is log time as it was at the start and what has passed since:
//! the first entries after a long silence of the whole cluster may be stamped as if there had been none. A node that knows no
//! log time at all (the first entry ever) believes its own clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use quorate_core::{NodeId, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::facts::ask_facts;
use super::now;
use crate::consensus::View;
use crate::peer::Links;

/// How far a stamp may be past the reference: more than clocks that are kept by NTP ever differ, and than an answer takes;
/// less than anything that goes by age.
pub const AHEAD_MAX: Duration = Duration::from_secs(60);
/// How often the others are asked: as long as a clock that jumps may go unnoticed.
const ASK_INTERVAL: Duration = Duration::from_secs(10);
/// How often while too few have answered.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// The clock of a node. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: NodeId,
    /// Log time at the start.
    base: Timestamp,
    began: Instant,
    /// What the others' clocks said, and when.
    heard: Mutex<BTreeMap<NodeId, (Timestamp, Instant)>>,
}

impl Clock {
    /// Of this node, which has this log time at its start.
    #[must_use]
    pub fn new(node: NodeId, log_time: Timestamp) -> Self {
        Self(Arc::new(Inner {
            node,
            base: log_time,
            began: Instant::now(),
            heard: Mutex::default(),
        }))
    }

    /// The stamp for what is proposed at `own`, as this node's clock says, in a cluster of these voters.
    #[must_use]
    pub fn stamp(&self, own: Timestamp, voters: &BTreeSet<NodeId>) -> Timestamp {
        let reference = match self.reference(own, voters) {
            Some(reference) => reference,
            None if self.0.base == Timestamp::default() => return own,
            None => later(self.0.base, self.0.began.elapsed()),
        };
        own.min(later(reference, AHEAD_MAX))
    }

    /// The stamp for what is proposed now, in a cluster that looks so.
    pub(super) fn stamp_in(&self, view: &View) -> Timestamp {
        self.stamp(now(), &view.voters().collect())
    }

    /// See the module; `None` while too few clocks are known.
    fn reference(&self, own: Timestamp, voters: &BTreeSet<NodeId>) -> Option<Timestamp> {
        let heard = self.heard();
        let clock = |voter: &NodeId| {
            if *voter == self.0.node {
                return Some(own);
            }
            let (said, at) = heard.get(voter)?;
            Some(later(*said, at.elapsed()))
        };
        let mut clocks: Vec<_> = voters.iter().filter_map(clock).collect();
        clocks.sort_unstable_by_key(|clock| std::cmp::Reverse(*clock));
        let majority = voters.len() / 2 + 1;
        clocks.get(voters.len().checked_sub(majority)?).copied()
    }

    fn hear(&self, peer: NodeId, said: Timestamp) {
        self.heard().insert(peer, (said, Instant::now()));
    }

    fn heard(&self) -> MutexGuard<'_, BTreeMap<NodeId, (Timestamp, Instant)>> {
        self.0.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
    Timestamp(time.0.saturating_add(by))
}

/// Asks the others for their clocks, again and again, for as long as there is Raft.
pub async fn keep_clock(clock: Clock, links: Arc<Links>, mut view: watch::Receiver<View>) {
    let mut was_ahead = false;
    loop {
        let (members, voters): (BTreeSet<_>, BTreeSet<_>) = {
            let view = view.borrow_and_update();
            (view.members.keys().copied().collect(), view.voters().collect())
        };
        let links = &links;
        let others = members.iter().copied().filter(|peer| *peer != clock.0.node);
        let asked = others.map(|peer| async move { (peer, ask_facts(links, peer).await) });
        for (peer, facts) in join_all(asked).await {
            if let Some(facts) = facts {
                clock.hear(peer, facts.now);
            }
        }
        clock.heard().retain(|peer, _| members.contains(peer));
        let own = now();
        let is_known = clock.reference(own, &voters).is_some();
        let is_ahead = is_known && clock.stamp(own, &voters) < own;
        if is_ahead && !was_ahead {
            tracing::warn!("this node's clock is ahead of most others' by more than {AHEAD_MAX:?}: it is not believed");
        }
        was_ahead = is_ahead;
        // A membership that is not known yet will be soon.
        let pause = if is_known { ASK_INTERVAL } else { ASK_AGAIN };
        tokio::select! {
            () = sleep(pause) => {}
            // Raft has ended; the view changes too often to be a reason to ask.
            () = ended(view.clone()) => return,
        }
    }
}

async fn ended(mut view: watch::Receiver<View>) {
    while view.changed().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;
    const AHEAD: u64 = AHEAD_MAX.as_millis() as u64;
    const NOW: u64 = 1_000 * HOUR;

    /// Node 1 of so many voters, with the clocks that it has heard of, from node 2 on.
    fn clock(base: u64, voters: u64, heard: &[u64]) -> (Clock, BTreeSet<NodeId>) {
        let clock = Clock::new(NodeId(1), Timestamp(base));
        for (peer, said) in (2..).zip(heard) {
            clock.hear(NodeId(peer), Timestamp(*said));
        }
        (clock, (1..=voters).map(NodeId).collect())
    }

    fn stamp(own: u64, (clock, voters): &(Clock, BTreeSet<NodeId>)) -> u64 {
        clock.stamp(Timestamp(own), voters).0
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_agrees_with_the_others_is_believed_after_any_silence() {
        let week = 7 * 24 * HOUR;
        assert_eq!(stamp(NOW, &clock(NOW - week, 3, &[NOW - 5_000, NOW + 5_000])), NOW);
        assert_eq!(stamp(NOW, &clock(NOW - week, 1, &[])), NOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_far_ahead_is_bounded_by_the_others() {
        let year = 365 * 24 * HOUR;
        assert_eq!(stamp(NOW + year, &clock(NOW, 3, &[NOW])), NOW + AHEAD);
        // Two wrong ones of five.
        let five = clock(NOW, 5, &[NOW + year, NOW, NOW + 1, NOW + 2]);
        assert_eq!(stamp(NOW + year, &five), NOW + 2 + AHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn the_others_clocks_go_on_while_they_are_silent() {
        let three = clock(NOW, 3, &[NOW]);
        tokio::time::advance(Duration::from_millis(HOUR)).await;
        assert_eq!(stamp(NOW + HOUR, &three), NOW + HOUR);
        assert_eq!(stamp(NOW + 2 * HOUR, &three), NOW + HOUR + AHEAD);
    }

    #[tokio::test(start_paused = true)]
    async fn until_enough_are_heard_log_time_at_the_start_is_the_bound() {
        let five = clock(NOW, 5, &[NOW + HOUR]);
        assert_eq!(stamp(NOW + HOUR, &five), NOW + AHEAD);
        tokio::time::advance(Duration::from_millis(HOUR)).await;
        assert_eq!(stamp(NOW + HOUR, &five), NOW + HOUR);
        five.0.hear(NodeId(3), Timestamp(NOW + HOUR));
        assert_eq!(stamp(NOW + HOUR + 5, &five), NOW + HOUR + 5);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_entry_ever_believes_its_own_clock() {
        assert_eq!(stamp(NOW, &clock(0, 5, &[])), NOW);
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_behind_is_left_alone() {
        assert_eq!(stamp(NOW - HOUR, &clock(NOW, 3, &[NOW, NOW])), NOW - HOUR);
    }
}
