//! The cluster on one screen.

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

use crate::member::{Leader, Member, MemberRole};
use crate::quorum::{quorum_of, tolerates};
use crate::time::UtcTime;
use crate::warning::mixed;

/// The answer of `GET /v1/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// What holds for the cluster as a whole.
    pub cluster: Cluster,
    /// Its nodes, by id.
    pub nodes: Vec<Member>,
    /// The node that answers.
    pub this_node: NodeId,
    /// Whether the node answers from what it knows by itself, which may be old.
    #[serde(default)]
    pub stale: bool,
    /// What an operator should look at, one sentence each. `chatctl` moves them into its envelope.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The cluster as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Its id, in every certificate.
    pub id: String,
    /// What its operators call it.
    pub name: String,
    /// The leader; `null` while none is known.
    pub leader: Option<NodeId>,
    /// Since when, as far as the answering node saw it happen.
    #[serde(default)]
    pub leader_since: Option<UtcTime>,
    /// The Raft term.
    pub term: u64,
    /// The last committed log index.
    pub committed: Option<LogIndex>,
    /// How many nodes vote.
    pub voters: u32,
    /// How many of them are up.
    pub voters_up: u32,
    /// How many of them are a majority.
    pub quorum: u32,
    /// How many more may go down before there is no majority.
    pub tolerates: u32,
}

impl Cluster {
    /// The cluster that has these nodes: voters are counted here, so that all answers count alike.
    #[must_use]
    pub fn of(id: String, name: String, term: u64, committed: Option<LogIndex>, nodes: &[Member]) -> Self {
        let voters = nodes.iter().filter(|node| node.role == MemberRole::Voter);
        let present = voters.clone().filter(|node| node.state.is_present());
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let (voters, voters_up) = (count(voters.count()), count(present.count()));
        Self {
            id,
            name,
            leader: nodes.iter().find(|node| node.is_leader).map(|node| node.id),
            leader_since: None,
            term,
            committed,
            voters,
            voters_up,
            quorum: quorum_of(voters),
            tolerates: tolerates(voters, voters_up),
        }
    }
}

impl Status {
    /// A node, by its id.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Member> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// A warning, if there are nodes of two versions.
    #[must_use]
    pub fn mixed_versions(&self) -> Option<String> {
        mixed(&self.nodes).then(|| "the nodes run different versions".to_owned())
    }

    /// The leader, as far as the answering node knows.
    #[must_use]
    pub fn leader(&self) -> Leader {
        let leader = self.cluster.leader.and_then(|id| self.node(id));
        Leader {
            id: self.cluster.leader,
            term: self.cluster.term,
            peer_addr: leader.map(|node| node.peer_addr.clone()),
            client_addr: leader.map(|node| node.client_addr.clone()),
            // For who answers to say.
            hand_back: false,
        }
    }
}
