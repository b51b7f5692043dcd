//! The nodes of the cluster, as they should be.

use crate::{
    Authority, DeviceId, JoinToken, LogIndex, Node, NodeId, NodeStanding, Record, RecordKey, Roster, State, TokenId,
};

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

    /// What the records have to be instead when the chat goes on in another cluster, as after a restore: the tokens and the CA are
    /// those of the old one, and so are the nodes, whose ids are never given again.
    #[must_use]
    pub fn leave_cluster(&self) -> Vec<(RecordKey, Option<Record>)> {
        let gone = |id: NodeId, node: &Node| {
            let standing = match node.standing {
                removed @ NodeStanding::Removed { .. } => removed,
                NodeStanding::Admitted | NodeStanding::Member => NodeStanding::Removed {
                    at: self.now(),
                    index: LogIndex(0),
                    replaced_by: None,
                },
            };
            let node = Node {
                standing,
                votes: false,
                moving: None,
                ..node.clone()
            };
            (RecordKey::Node(id), Some(Record::Node(id, node)))
        };
        let tokens = self
            .join_tokens
            .keys()
            .map(|token| (RecordKey::JoinToken(*token), None));
        let nodes = self.nodes.iter().map(|(id, node)| gone(*id, node));
        std::iter::once((RecordKey::Roster, None))
            .chain(tokens)
            .chain(nodes)
            .collect()
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
