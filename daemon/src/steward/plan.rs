//! What the leader should change next, from what is and what should be. Pure: no clock of its own, no Raft.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quorate_core::{LogIndex, Node, NodeId, NodeStanding, Reach};
use tokio::time::Instant;

use crate::consensus::{Role, View};

/// A learner may lack so many entries and count as caught up: what is in flight on a busy cluster.
pub const CAUGHT_UP_ENTRIES: u64 = 256;
/// Who was heard of within this time is there.
const HEARD_MAX: Duration = Duration::from_secs(1);
/// How long the leader waits for a node that is there to learn from its own log that it is removed.
const FAREWELL_MAX: u64 = CAUGHT_UP_ENTRIES;

/// What the state says.
#[derive(Clone, Debug, Default)]
pub(super) struct Outlook {
    /// All nodes that there ever were.
    pub(super) nodes: BTreeMap<NodeId, Node>,
    /// The founders are written down.
    pub(super) is_founded: bool,
    /// The CA is not, and this node has it.
    pub(super) wants_authority: bool,
    /// Nodes that a recovery on this node has closed for ever. It was offline and appended a membership without them, so they are
    /// in no membership that this node can lead with.
    pub(super) closed: BTreeSet<NodeId>,
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Writes down who there is.
    Found,
    /// Ends the change of a leader that did not.
    FinishChange,
    /// Lets another node lead.
    HandOff,
    /// Adds a node without a vote.
    AddLearner(NodeId, Reach),
    /// Corrects where a node is.
    SetAddrs(NodeId, Reach),
    /// Writes down that the membership has a node as it should.
    Settle(NodeId),
    /// Gives a vote.
    Promote(NodeId),
    /// Takes one.
    Demote(NodeId),
    /// Gives one and takes one with the node, at once.
    Replace {
        /// Who goes.
        old: NodeId,
        /// Who gets the vote.
        new: NodeId,
    },
    /// Takes a node out.
    Remove(NodeId),
    /// Writes down that a node is out, which a recovery has left behind.
    Bury(NodeId),
}

/// What this leader should do next; `None` when all is as it should be, or has to be waited for.
pub(super) fn next_step(view: &View, outlook: &Outlook, own: NodeId, now: Instant) -> Option<Step> {
    if view.role != Role::Leader {
        return None;
    }
    if view.joint {
        // Its own changes are waited for, so one that is seen here was left behind; but it must be committed to be ended.
        return view.membership_committed.then_some(Step::FinishChange);
    }
    if !view.membership_committed {
        return None;
    }
    if !outlook.is_founded || outlook.wants_authority {
        return Some(Step::Found);
    }
    if view.should_hand_off(own) && view.voters().any(|voter| voter != own) {
        return Some(Step::HandOff);
    }
    outlook
        .nodes
        .iter()
        .find_map(|(id, node)| of_node(view, outlook, *id, node, own, now))
}

fn of_node(view: &View, outlook: &Outlook, id: NodeId, node: &Node, own: NodeId, now: Instant) -> Option<Step> {
    let Some(member) = view.members.get(&id) else {
        return match node.standing {
            NodeStanding::Admitted => Some(Step::AddLearner(id, node.moving.clone()?)),
            // Left out by a recovery: nobody is to wait for it any more.
            NodeStanding::Member if outlook.closed.contains(&id) => Some(Step::Bury(id)),
            // Taken out by other means it does not come back by itself. It is no reason to write it down as gone: this view may be
            // older than the state.
            NodeStanding::Member | NodeStanding::Removed { .. } => None,
        };
    };
    if let NodeStanding::Removed { index, replaced_by, .. } = node.standing {
        // Leadership goes first.
        if id == own {
            return None;
        }
        let heir = replaced_by.filter(|heir| is_waiting(view, outlook, *heir));
        if let Some(new) = heir.filter(|_| member.voter) {
            return is_caught_up(view, new, now).then_some(Step::Replace { old: id, new });
        }
        return knows_or_is_far(view, id, index, now).then_some(Step::Remove(id));
    }
    if let Some(reach) = &node.moving {
        let is_there = member.addrs.peer == reach.peer.as_str() && member.addrs.client == reach.client.as_str();
        return Some(match is_there {
            true => Step::Settle(id),
            false => Step::SetAddrs(id, reach.clone()),
        });
    }
    let old_votes = outlook.nodes.iter().any(|(other, gone)| {
        let is_heir = matches!(gone.standing, NodeStanding::Removed { replaced_by: Some(heir), .. } if heir == id);
        is_heir && view.members.get(other).is_some_and(|member| member.voter)
    });
    match (member.voter, node.votes) {
        // With the one whose vote it gets, in one change.
        (false, true) if old_votes => None,
        (false, true) => is_caught_up(view, id, now).then_some(Step::Promote(id)),
        (true, false) if id != own => Some(Step::Demote(id)),
        _ => None,
    }
}

/// Whether a node is a learner that should vote.
fn is_waiting(view: &View, outlook: &Outlook, id: NodeId) -> bool {
    let should = outlook
        .nodes
        .get(&id)
        .is_some_and(|node| node.votes && !node.is_removed());
    should && view.members.get(&id).is_some_and(|member| !member.voter)
}

/// Whether a node that is there has the entry that removes it, so that it ends by itself; one that is not has it told by its
/// peers when it comes back.
fn knows_or_is_far(view: &View, id: NodeId, index: LogIndex, now: Instant) -> bool {
    let progress = view.peers.get(&id).copied().unwrap_or_default();
    let heard = progress
        .last_contact
        .is_some_and(|at| now.saturating_duration_since(at) <= HEARD_MAX);
    let knows = progress.matched.is_some_and(|matched| matched >= index);
    knows || !heard || missing(view, id) > FAREWELL_MAX
}

/// Whether a node has nearly all of this leader's log.
#[must_use]
pub fn is_caught_up(view: &View, id: NodeId, now: Instant) -> bool {
    let progress = view.peers.get(&id).copied().unwrap_or_default();
    let heard = progress
        .last_contact
        .is_some_and(|at| now.saturating_duration_since(at) <= HEARD_MAX);
    heard && missing(view, id) <= CAUGHT_UP_ENTRIES
}

/// Entries of the leader's log that are not known to be in the node's.
fn missing(view: &View, id: NodeId) -> u64 {
    let next = |index: Option<LogIndex>| index.map_or(0, |index| index.next().0);
    let matched = view.peers.get(&id).and_then(|progress| progress.matched);
    next(view.last_log).saturating_sub(next(matched))
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
