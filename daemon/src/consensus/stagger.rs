//! Lets a higher id stand for election first.
//!
//! openraft takes its timeouts when it starts and keeps them, and a membership changes meanwhile: nodes that joined one after
//! the other would all believe to be the highest. So the timeouts are the same on all nodes, and this holds a candidacy back by
//! the rank that the node has now. Only who asks first is settled here; who may win is Raft's affair and not touched.

use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use tokio::time::{Instant, sleep};

use super::heard::Heard;
use super::start::Inner;
use super::view::{View, VoteView};

/// How often it is looked whether somebody leads again, or the rank has changed.
const LOOK_PERIOD: Duration = Duration::from_millis(100);

/// How many voters should stand before this one: those with a higher id, except for the one that has just failed. Whoever
/// must not lead comes after all who may.
fn rank(view: &View, own: NodeId, failed: Option<NodeId>) -> u32 {
    let place = |id: NodeId| (view.members.get(&id).is_some_and(|member| member.may_lead), id);
    let before = view
        .voters()
        .filter(|id| Some(*id) != failed && place(*id) > place(own));
    u32::try_from(before.count()).unwrap_or(u32::MAX)
}

/// What a node remembers of those that led, or wanted to, since it began.
#[derive(Debug)]
struct Patience {
    own: NodeId,
    /// From the last word of a leader until the first in rank stands.
    first: Duration,
    /// Between one rank and the next.
    spacing: Duration,
    /// When this node began, or last gave or heard of a vote.
    since: Instant,
    vote: Option<VoteView>,
    /// Somebody has led or asked since this node began.
    has_seen: bool,
}

impl Patience {
    /// When this node may stand, given when the leader was last heard; `None`: whenever openraft's own timeout has passed.
    fn until(&mut self, view: &View, heard: Option<Instant>, now: Instant) -> Option<Instant> {
        self.has_seen |= heard.is_some();
        if self.vote != view.vote {
            self.has_seen |= self.vote.is_some();
            self.vote = view.vote;
            self.since = now;
        }
        // Of a vote that was on the disk at the start it is not known whether its node is there.
        let failed = self.vote.map(|vote| vote.node).filter(|_| self.has_seen);
        let rank = rank(view, self.own, failed);
        let since = heard.map_or(self.since, |heard| heard.max(self.since));
        (rank > 0).then(|| since + self.first + self.spacing * rank)
    }
}

/// Opens and closes the way to a candidacy, for as long as Raft runs.
pub(super) async fn keep(inner: Arc<Inner>, heard: Arc<Heard>) {
    let mut patience = Patience {
        own: inner.config.node_id,
        first: inner.config.first_silence_max(),
        spacing: inner.config.rank_spacing(),
        since: Instant::now(),
        vote: None,
        has_seen: false,
    };
    loop {
        let now = Instant::now();
        let until = patience.until(&inner.view.borrow(), heard.latest(), now);
        let rest = until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        inner.raft.runtime_config().elect(rest.is_zero());
        sleep(if rest.is_zero() {
            LOOK_PERIOD
        } else {
            rest.min(LOOK_PERIOD)
        })
        .await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::MemberView;
    use crate::consensus::types::NodeAddrs;

    const FIRST: Duration = Duration::from_millis(880);
    const SPACING: Duration = Duration::from_millis(160);

    fn view(voters: u64, vote: Option<u64>) -> View {
        let member = |voter| MemberView {
            addrs: NodeAddrs::default(),
            voter,
            may_lead: true,
        };
        let mut members: std::collections::BTreeMap<_, _> = (1..=voters).map(|id| (NodeId(id), member(true))).collect();
        members.insert(NodeId(voters + 1), member(false));
        View {
            members,
            vote: vote.map(|node| VoteView {
                term: node,
                node: NodeId(node),
                committed: true,
            }),
            ..View::default()
        }
    }

    fn patience(own: u64) -> Patience {
        Patience {
            own: NodeId(own),
            first: FIRST,
            spacing: SPACING,
            since: Instant::now(),
            vote: None,
            has_seen: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn each_voter_waits_for_those_above_it_and_for_no_learner() {
        let now = Instant::now();
        for (own, ranks) in [(5, 0), (4, 1), (1, 4)] {
            let until = patience(own).until(&view(5, None), None, now);
            assert_eq!(until, (ranks > 0).then(|| now + FIRST + SPACING * ranks), "node {own}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_leader_that_fell_silent() {
        let (mut four, mut three, now) = (patience(4), patience(3), Instant::now());
        let led = view(5, Some(5));
        assert_eq!(four.until(&led, Some(now), now), None);
        assert_eq!(three.until(&led, Some(now), now), Some(now + FIRST + SPACING));
    }

    #[tokio::test(start_paused = true)]
    async fn a_vote_from_before_the_start_says_nothing_about_who_is_there() {
        let (mut four, now) = (patience(4), Instant::now());
        assert_eq!(four.until(&view(5, Some(5)), None, now), Some(now + FIRST + SPACING));
    }

    #[tokio::test(start_paused = true)]
    async fn the_rank_follows_the_membership() {
        let (mut one, now) = (patience(1), Instant::now());
        assert_eq!(one.until(&view(1, Some(1)), None, now), None, "alone");
        assert_eq!(one.until(&view(3, Some(1)), None, now), Some(now + FIRST + 2 * SPACING));
    }

    #[tokio::test(start_paused = true)]
    async fn each_word_of_a_leader_and_each_vote_begin_the_wait_anew() {
        let (mut three, start) = (patience(3), Instant::now());
        let led = view(5, Some(5));
        let _ = three.until(&led, Some(start), start);
        let later = start + Duration::from_secs(9);
        assert_eq!(three.until(&led, Some(later), later), Some(later + FIRST + SPACING));
        let voted = later + FIRST;
        // For node 4, which does not lead: node 5 comes first again, if it is back.
        let until = three.until(&view(5, Some(4)), Some(later), voted);
        assert_eq!(until, Some(voted + FIRST + SPACING));
    }

    #[test]
    fn who_must_not_lead_stands_last() {
        let mut view = view(3, None);
        view.members.get_mut(&NodeId(3)).unwrap().may_lead = false;
        let ranks = [1, 2, 3].map(|id| rank(&view, NodeId(id), None));
        assert_eq!(ranks, [1, 0, 2]);
    }
}
