//! What operators and nodes ask about the nodes of the cluster.

use serde::{Deserialize, Serialize};

use crate::{Authority, DeviceId, LogIndex, NodeId, Reach, Span, TokenId, TokenKey};

/// See [`crate::Operation::Roster`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RosterOperation {
    /// Writes down the nodes that founded the cluster, and hands the CA to it. Asked by the first leader; what is known
    /// already stays.
    #[serde(rename = "1")]
    Found {
        /// What operators call the cluster.
        name: String,
        /// The CA, if it is at hand.
        authority: Option<Authority>,
        /// Who founded the cluster.
        nodes: Vec<NodeId>,
    },
    /// Makes a token. Asked again with the same key it finds the same token.
    #[serde(rename = "2")]
    CreateToken(CreateToken),
    /// Ends one.
    #[serde(rename = "3")]
    RevokeToken(TokenId),
    /// Ends all, and makes one.
    #[serde(rename = "4")]
    RotateTokens(CreateToken),
    /// Lets a node in. Asked again for the same key it finds the same node.
    #[serde(rename = "5")]
    AdmitNode(AdmitNode),
    /// Asked by the leader: the membership has the node, under the addr that it should have.
    #[serde(rename = "6")]
    SettleNode(NodeId),
    /// Says whether a node should vote.
    #[serde(rename = "7")]
    SetVoting {
        /// Which.
        node: NodeId,
        /// Whether.
        votes: bool,
        /// [`crate::Roster::changed_at`] as it was when this was decided.
        seen: LogIndex,
    },
    /// Says whether a node should lead its clients elsewhere.
    #[serde(rename = "8")]
    SetDrained {
        /// Which.
        node: NodeId,
        /// Whether.
        drained: bool,
    },
    /// Takes a node out for ever.
    #[serde(rename = "9")]
    RemoveNode {
        /// Which.
        node: NodeId,
        /// Who gets its vote in the same change.
        replaced_by: Option<NodeId>,
        /// As in `SetVoting`.
        seen: LogIndex,
    },
    /// Says where a node is.
    #[serde(rename = "10")]
    MoveNode {
        /// Which.
        node: NodeId,
        /// Where.
        reach: Reach,
        /// As in `SetVoting`.
        seen: LogIndex,
    },
    /// That another node should lead. Nothing in the state follows from it: it is in the log because operators' doings
    /// are, and the leader is asked besides.
    #[serde(rename = "11")]
    TransferLeader {
        /// Who; without it, whoever leads by preference.
        to: Option<NodeId>,
    },
    /// That a node should have a new certificate, before its present one is due.
    #[serde(rename = "12")]
    RenewCerts {
        /// Which; without it, all.
        node: Option<NodeId>,
    },
    /// Puts another CA in the place of the present one, whose nodes are believed until all have certificates of the other.
    #[serde(rename = "13")]
    RotateCa {
        /// The certificate of the present one, as it was when this was decided.
        instead_of: String,
        /// The other's certificate, PEM.
        cert: String,
        /// Its key, sealed.
        sealed_key: String,
        /// What leads to it from the present one and those before, PEM.
        lineage: String,
    },
    /// Asked by the leader: all nodes have certificates of this CA, so those of the one before count no more.
    #[serde(rename = "14")]
    RetireCa {
        /// The certificate of the present one.
        present: String,
    },
    /// Says whether a higher id gets leadership by itself.
    #[serde(rename = "15")]
    SetHandBack {
        /// Whether; without it, as each node's config says.
        on: Option<bool>,
    },
}

/// See [`RosterOperation::CreateToken`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateToken {
    /// Of the secret, which the cluster never sees.
    pub key: TokenKey,
    /// How long it is good.
    pub lasts: Span,
    /// For how many nodes.
    pub uses: u32,
    /// They may vote.
    pub votes: bool,
}

/// See [`RosterOperation::AdmitNode`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdmitNode {
    /// The token that it shows.
    pub token: TokenId,
    /// Of the secret that it shows.
    pub token_key: TokenKey,
    /// Its public key, which it has proven to have.
    pub node_key: DeviceId,
    /// Where it is.
    pub reach: Reach,
    /// Whether it should vote; without it, if the token allows that.
    pub votes: Option<bool>,
}
