//! Who should lead: the highest id that is well.
//!
//! Runs on the leader, about once a second. It never touches how votes are given, only offers leadership to somebody who can
//! take it at once, because a transfer has no way back: from its beginning on the leader takes no writes, and if the other
//! cannot win there is no leader until an election timeout. So the conditions are strict, they must hold for a while, and
//! each failure makes the next attempt later.

use std::time::Duration;

use quorate_core::{LogIndex, NodeId};
use tokio::time::Instant;

use super::view::{Role, View};

/// How often the controller looks.
pub(crate) const HAND_BACK_PERIOD: Duration = Duration::from_secs(1);
/// A target may lack so many entries: what is in flight on a busy cluster.
const LAG_MAX_ENTRIES: u64 = 256;
/// The first wait after a transfer that came to nothing.
const BACKOFF_MIN: Duration = Duration::from_secs(10);
/// The longest.
const BACKOFF_MAX: Duration = Duration::from_secs(600);
/// Who was heard within so many heartbeats is well; one late answer does not begin the hold-down anew.
const WELL_HEARTBEATS: u32 = 5;
/// Who was heard within so many heartbeats can take over now.
const FIT_HEARTBEATS: u32 = 2;
/// A target that led for so long has kept leadership: the next attempt is a first one again.
const KEPT_LEADERSHIP: Duration = Duration::from_secs(60);

/// Whether this peer could lead: a voter of a settled membership, heard within so many heartbeats, with nearly all of the
/// log.
fn could_lead(view: &View, peer: NodeId, heartbeats: Duration, now: Instant) -> bool {
    let settled = view.role == Role::Leader && !view.joint && view.membership_committed;
    let voter = view
        .members
        .get(&peer)
        .is_some_and(|member| member.voter && member.may_lead);
    let Some(progress) = view.peers.get(&peer) else {
        return false;
    };
    let heard = progress
        .last_contact
        .is_some_and(|at| now.saturating_duration_since(at) <= heartbeats);
    settled && voter && heard && lag(view, progress.matched) <= LAG_MAX_ENTRIES
}

/// Whether leadership can be handed to this peer now.
pub(crate) fn is_fit(view: &View, peer: NodeId, heartbeat: Duration, now: Instant) -> bool {
    could_lead(view, peer, heartbeat * FIT_HEARTBEATS, now)
}

/// Entries of the leader's log that are not known to be in the peer's.
pub(crate) fn lag(view: &View, matched: Option<LogIndex>) -> u64 {
    let next = |index: Option<LogIndex>| index.map_or(0, |index| index.next().0);
    next(view.last_log).saturating_sub(next(matched))
}

/// What the controller remembers between two looks.
#[derive(Debug)]
pub(crate) struct HandBack {
    node_id: NodeId,
    heartbeat: Duration,
    hold_down: Duration,
    /// Since when this one has been well without a break.
    candidate: Option<(NodeId, Instant)>,
    attempt: Option<Attempt>,
}

/// The last transfer that was begun.
#[derive(Debug)]
struct Attempt {
    target: NodeId,
    led_since: Option<Instant>,
    backoff: Duration,
    not_before: Instant,
}

impl HandBack {
    pub(crate) fn new(node_id: NodeId, heartbeat: Duration, hold_down: Duration) -> Self {
        Self {
            node_id,
            heartbeat,
            hold_down,
            candidate: None,
            attempt: None,
        }
    }

    /// Looks once: `Some` is whom leadership is to be handed to now.
    pub(crate) fn look(&mut self, view: &View, now: Instant) -> Option<NodeId> {
        if view.role != Role::Leader {
            self.candidate = None;
            self.watch_successor(view, now);
            return None;
        }
        let mut higher = view.voters().rev().take_while(|id| *id > self.node_id);
        // The highest one that is well: a dead highest id must not keep the second highest from leading.
        let well = higher.find(|id| could_lead(view, *id, self.heartbeat * WELL_HEARTBEATS, now));
        let Some(target) = well else {
            self.candidate = None;
            return None;
        };
        let since = self
            .candidate
            .filter(|(held, _)| *held == target)
            .map_or(now, |(_, since)| since);
        self.candidate = Some((target, since));
        let held = now.saturating_duration_since(since) >= self.hold_down;
        let waits = self.attempt.as_ref().is_some_and(|attempt| now < attempt.not_before);
        if !held || waits || !is_fit(view, target, self.heartbeat, now) {
            return None;
        }
        let backoff = self
            .attempt
            .as_ref()
            .map_or(BACKOFF_MIN, |last| (last.backoff * 2).min(BACKOFF_MAX));
        self.attempt = Some(Attempt {
            target,
            led_since: None,
            backoff,
            not_before: now + backoff,
        });
        self.candidate = None;
        Some(target)
    }

    /// Whoever led again at once after a transfer had a target that could not take or keep leadership, and waits longer.
    fn watch_successor(&mut self, view: &View, now: Instant) {
        let Some(attempt) = &mut self.attempt else { return };
        if view.leader != Some(attempt.target) {
            attempt.led_since = None;
            return;
        }
        let since = *attempt.led_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= KEPT_LEADERSHIP {
            self.attempt = None;
        }
    }
}

#[cfg(test)]
#[path = "hand_back_tests.rs"]
mod tests;
