//! The nodes of the cluster, as they should be.

use crate::{Authority, DeviceId, JoinToken, Node, NodeId, Roster, State, TokenId};

impl State {
    /// What holds for all nodes; `None` until a leader has written the founders down.
    #[must_use]
    pub const fn roster(&self) -> Option<&Roster> {
        self.roster.as_ref()
    }

    /// The CA, where the cluster has it.
    #[must_use]
    pub fn authority(&self) -> Option<&Authority> {
        self.roster.as_ref()?.authority.as_ref()
    }

    /// All nodes that there ever were, by id.
    pub fn nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> + '_ {
        self.nodes.iter().map(|(id, node)| (*id, node))
    }

    /// A node, also one that is no more.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(&id)
    }

    /// The node that was let in with this key.
    #[must_use]
    pub fn node_by_key(&self, key: &DeviceId) -> Option<(NodeId, &Node)> {
        let id = *self.node_keys.get(key)?;
        Some((id, self.nodes.get(&id)?))
    }

    /// The tokens that let nodes in, by id; also those that are used up or have run out, until another is made.
    pub fn join_tokens(&self) -> impl Iterator<Item = (TokenId, &JoinToken)> + '_ {
        self.join_tokens.iter().map(|(id, token)| (*id, token))
    }
}
