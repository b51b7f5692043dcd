//! What happened to the nodes of the cluster.

use serde::{Deserialize, Serialize};

use crate::{Authority, DeviceId, LogIndex, NodeId, Operator, Reach, RecordKey, Timestamp, TokenId, TokenKey};

/// A fact about the nodes of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RosterEvent {
    /// The founders are written down, or the CA is the cluster's.
    #[serde(rename = "1")]
    Founded {
        /// What operators call the cluster.
        name: String,
        /// The CA, if it is known.
        authority: Option<Authority>,
        /// The founders that were not written down before.
        nodes: Vec<NodeId>,
        /// In which entry.
        at: LogIndex,
    },
    /// A token exists.
    #[serde(rename = "2")]
    TokenCreated {
        /// Its id.
        token: TokenId,
        /// Of its secret.
        key: TokenKey,
        /// Until when it is good, in log time.
        expires_at: Timestamp,
        /// For how many nodes.
        uses: u32,
        /// They may vote.
        votes: bool,
        /// Who made it.
        by: Operator,
    },
    /// A token was used once.
    #[serde(rename = "3")]
    TokenUsed {
        /// Which.
        token: TokenId,
    },
    /// A token is gone: revoked, or run out.
    #[serde(rename = "4")]
    TokenEnded {
        /// Which.
        token: TokenId,
    },
    /// A node was let in.
    #[serde(rename = "5")]
    NodeAdmitted {
        /// Its id.
        node: NodeId,
        /// Its public key.
        key: DeviceId,
        /// By which token.
        token: TokenId,
        /// Where it is.
        reach: Reach,
        /// It should vote once it has caught up.
        votes: bool,
        /// Who asked.
        by: Operator,
    },
    /// The membership has the node under the addr that it should have.
    #[serde(rename = "6")]
    NodeSettled {
        /// Which.
        node: NodeId,
    },
    /// A node should vote, or should not.
    #[serde(rename = "7")]
    VotingSet {
        /// Which.
        node: NodeId,
        /// Whether.
        votes: bool,
        /// In which entry.
        at: LogIndex,
    },
    /// A node should lead its clients elsewhere, or should not.
    #[serde(rename = "8")]
    DrainedSet {
        /// Which.
        node: NodeId,
        /// Whether.
        drained: bool,
    },
    /// A node is of the cluster no more.
    #[serde(rename = "9")]
    NodeRemoved {
        /// Which.
        node: NodeId,
        /// Who gets its vote in the same change.
        replaced_by: Option<NodeId>,
        /// In which entry.
        at: LogIndex,
    },
    /// A node is somewhere else.
    #[serde(rename = "10")]
    NodeMoved {
        /// Which.
        node: NodeId,
        /// Where.
        reach: Reach,
        /// In which entry.
        at: LogIndex,
    },
    /// Nodes should have certificates of now or later.
    #[serde(rename = "11")]
    CertsWanted {
        /// Which.
        nodes: Vec<NodeId>,
    },
    /// The cluster has another CA; the one before it is retiring.
    #[serde(rename = "12")]
    CaRotated {
        /// The one that it has now.
        authority: Authority,
    },
    /// The CA before the present one counts no more.
    #[serde(rename = "13")]
    CaRetired,
    /// A higher id gets leadership by itself, or does not.
    #[serde(rename = "14")]
    HandBackSet {
        /// Whether; without it, as each node's config says.
        on: Option<bool>,
    },
}

impl RosterEvent {
    pub(super) fn touches(&self) -> Vec<RecordKey> {
        match self {
            Self::Founded { nodes, .. } => {
                let nodes = nodes.iter().map(|node| RecordKey::Node(*node));
                nodes.chain([RecordKey::Roster]).collect()
            }
            Self::TokenCreated { token, .. } | Self::TokenUsed { token } | Self::TokenEnded { token } => {
                vec![RecordKey::JoinToken(*token)]
            }
            Self::NodeAdmitted { node, .. } | Self::NodeSettled { node } | Self::DrainedSet { node, .. } => {
                vec![RecordKey::Node(*node)]
            }
            Self::CaRotated { .. } | Self::CaRetired | Self::HandBackSet { .. } => vec![RecordKey::Roster],
            Self::CertsWanted { nodes } => nodes.iter().map(|node| RecordKey::Node(*node)).collect(),
            Self::VotingSet { node, .. } | Self::NodeMoved { node, .. } => {
                vec![RecordKey::Node(*node), RecordKey::Roster]
            }
            Self::NodeRemoved { node, replaced_by, .. } => {
                let heir = replaced_by.map(RecordKey::Node);
                [RecordKey::Node(*node), RecordKey::Roster]
                    .into_iter()
                    .chain(heir)
                    .collect()
            }
        }
    }
}
