//! Forming a cluster, letting nodes in, and changing what they are.

use quorate_core::{NodeId, TokenId};
use serde::{Deserialize, Serialize};

use crate::member::MemberRole;
use crate::rule::Lasting;
use crate::time::UtcTime;

/// The body of `POST /v1/cluster/init`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InitRequest {
    /// What to call the cluster.
    pub name: String,
}

/// The answer of `POST /v1/cluster/init`: the node begins, and is there a moment later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Initialised {
    /// The cluster's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// This node.
    pub node: NodeId,
    /// Where other nodes reach it.
    pub peer_addr: String,
}

/// The body of `POST /v1/cluster/join`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRequest {
    /// Peer addrs of nodes of the cluster.
    pub addrs: Vec<String>,
    /// What lets this node in.
    pub token: String,
    /// What it wants to be; without it, what the token allows.
    #[serde(default)]
    pub role: Option<MemberRole>,
}

impl std::fmt::Debug for JoinRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JoinRequest")
            .field("addrs", &self.addrs)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}

/// The answer of `POST /v1/cluster/join`: the node begins, and catches up from then on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedCluster {
    /// The cluster's id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// This node, for ever.
    pub node: NodeId,
    /// What it will be once it has caught up.
    pub role: MemberRole,
}

/// The body of `POST /v1/tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// How long it is good.
    pub ttl: Lasting,
    /// For how many nodes.
    pub uses: u32,
    /// What they may be.
    pub role: MemberRole,
    /// All others end with it.
    #[serde(default)]
    pub rotate: bool,
}

/// The answer of `POST /v1/tokens`: the only time that the token is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatedToken {
    /// Its id.
    pub id: TokenId,
    /// The token: a secret.
    pub token: String,
    /// Until when it is good.
    pub expires_at: UtcTime,
    /// For how many nodes.
    pub uses: u32,
    /// What they may be.
    pub role: MemberRole,
    /// Where the nodes of the cluster are, for the line that joins another.
    pub peer_addrs: Vec<String>,
}

impl std::fmt::Debug for CreatedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedToken")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// A row of `GET /v1/tokens`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// What nodes that come with it may be.
    pub role: MemberRole,
    /// Whether it lets a node in.
    pub state: TokenState,
    /// When it was made.
    pub created_at: UtcTime,
    /// Until when it is good.
    pub expires_at: UtcTime,
    /// For how many nodes it was made.
    pub uses: u32,
    /// For how many it is still good.
    pub uses_left: u32,
    /// Who made it.
    pub by_uid: u32,
}

/// Whether a token lets a node in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenState {
    /// It does.
    Open,
    /// It has let in as many as it was made for.
    Used,
    /// It has run out.
    Expired,
}

impl std::fmt::Display for TokenState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Expired => "expired",
        })
    }
}

/// The body of `POST /v1/members/ID/change`, and without an action of `POST /v1/cluster/leave`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRequest {
    /// What is to be done with the node.
    #[serde(flatten)]
    pub change: MemberChange,
    /// Also if the cluster would lose its quorum or tolerate fewer failures.
    #[serde(default)]
    pub force: bool,
    /// Only say what would be.
    #[serde(default)]
    pub dry_run: bool,
}

/// What is done with a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum MemberChange {
    /// It gets a vote, once it has caught up.
    Promote,
    /// It loses its vote and goes on following.
    Demote,
    /// It leads its clients elsewhere and does not lead.
    Drain,
    /// It takes clients again.
    Undrain,
    /// It is of the cluster no more, for ever.
    Remove,
    /// The node that is asked goes by itself.
    Leave,
    /// It is somewhere else.
    SetAddr {
        /// Where other nodes reach it; without it, where they do.
        peer_addr: Option<String>,
        /// Where clients reach it; without it, where they do.
        client_addr: Option<String>,
    },
    /// Another gets its vote, in one change, and it is of the cluster no more.
    Replace {
        /// Which other: a learner.
        by: NodeId,
    },
}

/// How many nodes vote, and what that comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Votes {
    /// Voters.
    pub voters: u32,
    /// Voters that answer.
    pub reachable: u32,
    /// How many are a quorum.
    pub needed: u32,
    /// How many of those that answer may fail.
    pub tolerates: u32,
}

/// The answer to a [`ChangeRequest`]. What was asked is decided then; the leader carries it out from there on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeReport {
    /// Which node.
    pub id: NodeId,
    /// Whether anything is different.
    pub changed: bool,
    /// As it was.
    pub before: Votes,
    /// As it will be.
    pub after: Votes,
    /// What an operator should know.
    pub warnings: Vec<String>,
}

/// The body of `POST /v1/leader/transfer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransferRequest {
    /// To whom, who keeps it then; without it, to whoever leads by preference.
    #[serde(default)]
    pub to: Option<NodeId>,
}

/// The answer of `POST /v1/leader/transfer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransferredTo {
    /// Who leads.
    pub leader: NodeId,
}

/// The body of `POST /v1/leader/hand-back`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandBackRequest {
    /// Whether a higher id gets leadership by itself; without it, as the config of whoever leads says.
    #[serde(default)]
    pub on: Option<bool>,
}

/// The body of `POST /v1/certs/renew`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRequest {
    /// Whose certificate; without it, those of all nodes.
    #[serde(default)]
    pub node: Option<NodeId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_its_action_and_how() {
        let asked: ChangeRequest = serde_json::from_str(r#"{"action":"replace","by":4,"dry_run":true}"#).unwrap();
        let expected = ChangeRequest {
            change: MemberChange::Replace { by: NodeId(4) },
            force: false,
            dry_run: true,
        };
        assert_eq!(asked, expected);
        let text = serde_json::to_string(&ChangeRequest {
            change: MemberChange::Remove,
            force: true,
            dry_run: false,
        });
        assert_eq!(text.unwrap(), r#"{"action":"remove","force":true,"dry_run":false}"#);
        assert!(serde_json::from_str::<ChangeRequest>(r#"{"action":"eat"}"#).is_err());
    }
}
