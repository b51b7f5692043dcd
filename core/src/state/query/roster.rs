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

    /// What the records have to be instead when the chat goes on in another cluster, founded by this node, as after a restore: the
    /// tokens and the CA are those of the old one, and so are its nodes, whose ids are never given again.
    #[must_use]
    pub fn leave_cluster(&self, founder: NodeId) -> Vec<(RecordKey, Option<Record>)> {
        // Without one, nothing of a cluster was ever written down.
        let Some(roster) = &self.roster else {
            return Vec::new();
        };
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
        let roster = Roster {
            authority: None,
            ..roster.clone()
        };
        let tokens = self
            .join_tokens
            .keys()
            .map(|token| (RecordKey::JoinToken(*token), None));
        let nodes = self.nodes.iter().map(|(id, node)| gone(*id, node));
        let new = [
            (RecordKey::Roster, Some(Record::Roster(roster))),
            (RecordKey::Node(founder), Some(Record::Node(founder, Node::founder()))),
        ];
        tokens.chain(nodes).chain(new).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_another_cluster_the_old_nodes_are_gone_and_the_founder_is_there() {
        let mut old = State::new();
        old.roster = Some(Roster {
            name: "prod".to_owned(),
            authority: Some(Authority {
                cert: "the old CA".to_owned(),
                sealed_key: "its key".to_owned(),
                lineage: String::new(),
                retiring: None,
            }),
            changed_at: LogIndex(3),
            hand_back: None,
        });
        old.nodes.extend([1, 2].map(|id| (NodeId(id), Node::founder())));
        let changes = old.leave_cluster(NodeId(3));
        let mut records: Vec<_> = old.records().collect();
        for (key, record) in changes {
            records.retain(|kept| kept.key() != key);
            records.extend(record);
        }
        let new = State::from_records(records).expect("they are the records of one state");
        assert_eq!(new.authority(), None);
        assert_eq!(new.roster().map(|roster| roster.name.as_str()), Some("prod"));
        let present = new.nodes().filter(|(_, node)| !node.is_removed());
        assert_eq!(present.map(|(id, _)| id).collect::<Vec<_>>(), [NodeId(3)]);
    }
}
