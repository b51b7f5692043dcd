//! Enrolment: a node whose data are gone must never vote again.
//!
//! A voter's promises are in its data directory. If that is lost, and the node comes back empty under its id, it could
//! promise the same vote twice or acknowledge a log that it no longer has, and a committed entry could be lost. In a
//! statically formed cluster nothing else would stop it: an empty directory looks like that of the first day.
//!
//! So each directory has an incarnation (128 random bits), each node records on disk the first incarnation it sees of each
//! peer **before** it processes anything of that peer, and refuses all others for ever. And a node takes part in Raft only
//! when it is *enrolled*: when, with `n` members listed and `q = n / 2 + 1` a majority, `n - q + 1` of the `n - 1` others
//! have answered its hello with "recorded". That is marked on its own disk, and holds for the life of the directory.
//!
//! **Why two incarnations of a node are never both enrolled.** Let `S1` and `S2` be the peers that recorded the first and
//! the second. Both have `n - q + 1` of `n - 1` possible elements, and `2 (n - q + 1) > n - 1` because `2 q < n + 3`. So
//! they share a peer; that has one record for this node, and it cannot equal both.
//!
//! **Why it also keeps out a directory that took part without being enrolled** (one made by another program): each quorum
//! that it was part of has `q - 1` other nodes, and `(q - 1) + (n - q + 1) > n - 1`. So each set of recorders has a node
//! that processed something of it, and had recorded it before that.
//!
//! **What it rests on.** The list is the same for each life of the node (it comes from one file, or from the cluster that is
//! joined), and of the peers that two sets share, not all have lost their own records. For odd `n` that is at least two
//! peers. And since a node goes on greeting until all listed peers have recorded it, it is all of them in practice.
//!
//! A single node has nobody to ask: with its data the whole cluster is lost, and the next one has another id.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_transport::Alpn;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::links::{LinkError, Links};
use super::local::Local;

/// Between two attempts to greet a peer that has not answered; the dialler's own back-off comes on top.
const GREET_PERIOD: Duration = Duration::from_millis(200);
/// Between two attempts for the peers that were not needed.
const GREET_REST_PERIOD: Duration = Duration::from_secs(5);
/// A waiting node says so this often.
const WAITING_TRACE_PERIOD: Duration = Duration::from_secs(5);

/// Whether this node takes part in Raft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Enrolment {
    /// Not yet: so many answers are missing, from among these.
    Waiting {
        /// The listed peers that have not answered. Not all of them are needed.
        for_: Vec<NodeId>,
    },
    /// Never: a peer knows another data directory under this id. The daemon ends with [`Refused`].
    Refused {
        /// Who said so.
        by: NodeId,
    },
    /// It does.
    Enrolled,
}

/// This node's data directory is not the one that its cluster knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "node {node}'s data directory is not the one this cluster knows (node {by} says); replace the node under a new id"
)]
pub struct Refused {
    /// This node.
    pub node: NodeId,
    /// Who refused it.
    pub by: NodeId,
}

/// How many of the others must have recorded this node before it takes part, with so many members listed.
#[must_use]
pub fn recorders_needed(members: usize) -> usize {
    let majority = members / 2 + 1;
    (members + 1).saturating_sub(majority).min(members.saturating_sub(1))
}

/// Who has answered, and what follows from it.
#[derive(Debug)]
struct Count {
    missing: BTreeSet<NodeId>,
    recorded: usize,
    needed: usize,
}

impl Count {
    /// With this node among the listed, or about to be.
    fn new(node: NodeId, listed: impl IntoIterator<Item = NodeId>) -> Self {
        let missing: BTreeSet<NodeId> = listed.into_iter().filter(|id| *id != node).collect();
        let needed = recorders_needed(missing.len() + 1);
        Self {
            missing,
            recorded: 0,
            needed,
        }
    }

    fn recorded(&mut self, peer: NodeId) {
        if self.missing.remove(&peer) {
            self.recorded += 1;
        }
    }

    fn is_enough(&self) -> bool {
        self.recorded >= self.needed
    }

    fn state(&self) -> Enrolment {
        Enrolment::Waiting {
            for_: self.missing.iter().copied().collect(),
        }
    }
}

/// Greets the listed peers until enough have recorded this node, and marks it as enrolled. Returns at once for a node that
/// is.
///
/// # Errors
/// A peer refused this node, for ever, or the store failed (`None`; it says so itself).
pub(crate) async fn enrol(
    local: &Arc<Local>,
    links: &Arc<Links>,
    listed: impl IntoIterator<Item = NodeId>,
) -> Result<(), Option<Refused>> {
    if local.is_enrolled() {
        return Ok(());
    }
    let node = local.node_id();
    let mut count = Count::new(node, listed);
    let mut greeting: JoinSet<(NodeId, Result<(), LinkError>)> = JoinSet::new();
    local.set_enrolment(count.state());
    for peer in count.missing.iter().copied() {
        greet(&mut greeting, links, peer, Duration::ZERO);
    }
    let mut next_trace = Instant::now() + WAITING_TRACE_PERIOD;
    while !count.is_enough() {
        let answer = tokio::select! {
            answer = greeting.join_next() => answer,
            () = tokio::time::sleep_until(next_trace) => {
                next_trace += WAITING_TRACE_PERIOD;
                let missing = &count.missing;
                tracing::info!(recorded = count.recorded, needed = count.needed, ?missing, "waiting for peers to form the cluster");
                continue;
            }
        };
        match answer {
            Some(Ok((peer, Ok(())))) => {
                count.recorded(peer);
                local.set_enrolment(count.state());
            }
            Some(Ok((by, Err(LinkError::Refused)))) => {
                local.set_enrolment(Enrolment::Refused { by });
                return Err(Some(Refused { node, by }));
            }
            Some(Ok((peer, Err(error)))) => {
                tracing::debug!(%peer, error = &error as &dyn std::error::Error, "no answer to the hello yet");
                greet(&mut greeting, links, peer, GREET_PERIOD);
            }
            // A greeting cannot panic or be stopped by itself; the runtime is going down.
            Some(Err(_)) | None => return Err(None),
        }
    }
    local.mark_enrolled().await.map_err(|_| None)?;
    tracing::info!(recorded = count.recorded, "enrolled: this node takes part from now on");
    Ok(())
}

fn greet(greeting: &mut JoinSet<(NodeId, Result<(), LinkError>)>, links: &Arc<Links>, peer: NodeId, after: Duration) {
    let links = Arc::clone(links);
    greeting.spawn(async move {
        sleep(after).await;
        (peer, links.connection(peer, Alpn::Raft).await.map(drop))
    });
}

/// Greets all of them until each has answered once: lets the peers that were not needed record this node too, so that more than the least number know it.
pub(crate) async fn greet_rest(links: &Arc<Links>, mut peers: Vec<NodeId>, is_member: impl Fn(&NodeId) -> bool) {
    while !peers.is_empty() {
        let mut missing = Vec::new();
        peers.retain(&is_member);
        for peer in peers {
            match links.connection(peer, Alpn::Raft).await {
                Ok(_) => {}
                Err(LinkError::Refused) => {
                    tracing::error!(%peer, "the peer knows another data directory under this node's id");
                }
                Err(_) => missing.push(peer),
            }
        }
        peers = missing;
        sleep(GREET_REST_PERIOD).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sets_of_recorders_always_meet() {
        for members in 2..=99 {
            let (needed, others) = (recorders_needed(members), members - 1);
            assert!(needed <= others, "{members}: it can be reached");
            assert!(2 * needed > others, "{members}: any two sets meet");
            let majority = members / 2 + 1;
            assert!(needed + (majority - 1) > others, "{members}: a set meets each quorum");
        }
    }

    #[test]
    fn so_many_are_needed() {
        let needed: Vec<usize> = (1..=7).map(recorders_needed).collect();
        assert_eq!(needed, [0, 1, 2, 2, 3, 3, 4]);
    }

    #[test]
    fn a_peer_counts_once_and_strangers_do_not() {
        let mut count = Count::new(NodeId(1), (1..=3).map(NodeId));
        assert_eq!(
            count.state(),
            Enrolment::Waiting {
                for_: vec![NodeId(2), NodeId(3)]
            }
        );
        count.recorded(NodeId(2));
        count.recorded(NodeId(2));
        count.recorded(NodeId(9));
        assert!(!count.is_enough());
        assert_eq!(count.state(), Enrolment::Waiting { for_: vec![NodeId(3)] });
        count.recorded(NodeId(3));
        assert!(count.is_enough());
    }

    #[test]
    fn a_single_node_waits_for_nobody() {
        assert!(Count::new(NodeId(1), [NodeId(1)]).is_enough());
    }
}
