//! What keeps a change of a node, as far as it can be read off the status.

use std::time::Duration;

use quorate_adminapi::{Member, MemberRole, MemberState, Status, coarse};
use quorate_core::NodeId;

use crate::screen::grouped;

/// What has to be before the leader can carry a change out.
#[derive(Clone, Copy, Debug)]
pub(super) enum Needs {
    /// A leader and a majority.
    Quorum,
    /// That node with nearly all of the log.
    CaughtUp(NodeId),
    /// Another leader than that node.
    OtherLeader(NodeId),
    /// Another leader than the old one, and the new one with nearly all of the log.
    Heir {
        /// Whose vote goes.
        old: NodeId,
        /// Who gets it.
        new: NodeId,
    },
}

impl Needs {
    /// Who has to have nearly all of the log.
    pub(super) const fn caught_up(self) -> Option<NodeId> {
        match self {
            Self::CaughtUp(id) | Self::Heir { new: id, .. } => Some(id),
            Self::Quorum | Self::OtherLeader(_) => None,
        }
    }
}

/// The cause, as a part of a sentence; none where the status shows none.
pub(super) fn cause(status: &Status, needs: Needs) -> Option<String> {
    if status.cluster.leader.is_none() {
        return Some("no node leads".to_owned());
    }
    if status.cluster.voters_up < status.cluster.quorum {
        return Some(without_majority(status));
    }
    match needs {
        Needs::Quorum => None,
        Needs::CaughtUp(id) => not_caught_up(status, id),
        Needs::OtherLeader(id) => still_leads(status, id),
        Needs::Heir { old, new } => not_caught_up(status, new).or_else(|| still_leads(status, old)),
    }
}

fn without_majority(status: &Status) -> String {
    let down: Vec<String> = voters(status).filter_map(down).collect();
    let (up, voters) = (status.cluster.voters_up, status.cluster.voters);
    format!("{up} of {voters} voters are up: {}", down.join("; "))
}

fn voters(status: &Status) -> impl Iterator<Item = &Member> {
    status.nodes.iter().filter(|node| node.role == MemberRole::Voter)
}

fn not_caught_up(status: &Status, id: NodeId) -> Option<String> {
    match status.node(id) {
        None => Some(format!("n{id} is not of the cluster yet")),
        Some(node) => down(node).or_else(|| behind(node)),
    }
}

fn down(node: &Member) -> Option<String> {
    let heard = match node.last_contact_ms {
        Some(ms) => format!("last heard of {} ago", coarse(Duration::from_millis(ms))),
        None => "not heard of".to_owned(),
    };
    (node.state == MemberState::Down).then(|| format!("n{} is down, {heard}", node.id))
}

fn behind(node: &Member) -> Option<String> {
    match node.lag {
        None => Some(format!("the leader does not know how far n{} is", node.id)),
        Some(0) => None,
        Some(1) => Some(format!("n{} is behind by 1 entry", node.id)),
        Some(lag) => Some(format!("n{} is behind by {} entries", node.id, grouped(lag))),
    }
}

/// A leader waits for an heir.
fn still_leads(status: &Status, id: NodeId) -> Option<String> {
    if status.cluster.leader != Some(id) {
        return None;
    }
    let mut others = voters(status).filter(|node| node.id != id).peekable();
    if others.peek().is_none() {
        return Some(format!("n{id} leads, and no other node votes"));
    }
    let nearest = others
        .filter(|node| node.state.is_present())
        .min_by_key(|node| node.lag.unwrap_or(u64::MAX));
    let why = match nearest {
        None => Some("no other voter is up".to_owned()),
        Some(heir) => behind(heir),
    };
    let and_why = why.map(|why| format!(", and {why}")).unwrap_or_default();
    Some(format!("n{id} still leads{and_why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon;

    /// Three voters that n3 leads.
    fn told(needs: Needs, change: impl Fn(&mut Status)) -> Option<String> {
        let mut status = daemon::status(false);
        change(&mut status);
        cause(&status, needs)
    }

    fn is_down(status: &mut Status, index: usize, heard_ms: Option<u64>) {
        let node = &mut status.nodes[index];
        (node.state, node.last_contact_ms) = (MemberState::Down, heard_ms);
    }

    #[test]
    fn without_a_leader_or_a_majority_that_is_the_cause() {
        for needs in [Needs::Quorum, Needs::CaughtUp(NodeId(1)), Needs::OtherLeader(NodeId(3))] {
            assert_eq!(
                told(needs, |status| status.cluster.leader = None).unwrap(),
                "no node leads"
            );
            let minority = told(needs, |status| {
                status.cluster.voters_up = 1;
                is_down(status, 0, Some(12_000));
                is_down(status, 1, None);
            });
            assert_eq!(
                minority.unwrap(),
                "1 of 3 voters are up: n1 is down, last heard of 12s ago; n2 is down, not heard of"
            );
        }
        assert_eq!(told(Needs::Quorum, |_| {}), None);
    }

    #[test]
    fn a_node_that_is_to_get_a_vote_is_down_or_behind_by_so_much() {
        let needs = Needs::CaughtUp(NodeId(1));
        assert_eq!(told(needs, |_| {}), None);
        let far = told(needs, |status| status.nodes[0].lag = Some(1234));
        assert_eq!(far.unwrap(), "n1 is behind by 1,234 entries");
        let gone = told(needs, |status| is_down(status, 0, Some(300_000)));
        assert_eq!(gone.unwrap(), "n1 is down, last heard of 5m ago");
        let heir = Needs::Heir {
            old: NodeId(3),
            new: NodeId(1),
        };
        let heir_far = told(heir, |status| status.nodes[0].lag = Some(1));
        assert_eq!(heir_far.unwrap(), "n1 is behind by 1 entry");
        assert_eq!(told(heir, |_| {}).unwrap(), "n3 still leads");
        let unknown = told(Needs::CaughtUp(NodeId(9)), |_| {});
        assert_eq!(unknown.unwrap(), "n9 is not of the cluster yet");
    }

    #[test]
    fn a_leader_that_goes_waits_for_the_heir_that_is_nearest() {
        let needs = Needs::OtherLeader(NodeId(3));
        assert_eq!(told(needs, |_| {}).unwrap(), "n3 still leads");
        let behind = told(needs, |status| {
            status.nodes[0].lag = Some(900);
            status.nodes[1].lag = Some(40);
        });
        assert_eq!(behind.unwrap(), "n3 still leads, and n2 is behind by 40 entries");
        let alone = told(needs, |status| {
            is_down(status, 0, None);
            is_down(status, 1, None);
        });
        assert_eq!(alone.unwrap(), "n3 still leads, and no other voter is up");
        let only = told(needs, |status| {
            status.nodes.remove(0);
            status.nodes.remove(0);
        });
        assert_eq!(only.unwrap(), "n3 leads, and no other node votes");
        let follower = told(Needs::OtherLeader(NodeId(1)), |status| status.nodes[0].lag = Some(7));
        assert_eq!(follower, None, "the leader takes out who follows as it is");
    }
}
