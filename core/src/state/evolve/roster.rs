//! The nodes of the cluster and the tokens that let them in.

use crate::{Admission, JoinToken, LogIndex, Node, NodeId, NodeStanding, Roster, RosterEvent, State, Timestamp};

use super::DECIDED;

impl State {
    pub(super) fn evolve_roster(&mut self, event: &RosterEvent) {
        let now = self.clock.now;
        match event {
            RosterEvent::Founded {
                name,
                authority,
                nodes,
                at,
            } => {
                for node in nodes {
                    self.nodes.insert(*node, Node::founder());
                }
                let hand_back = self.roster.as_ref().and_then(|roster| roster.hand_back);
                self.roster = Some(Roster {
                    name: name.clone(),
                    authority: authority.clone(),
                    changed_at: *at,
                    hand_back,
                });
            }
            RosterEvent::TokenCreated {
                token,
                key,
                expires_at,
                uses,
                votes,
                by,
            } => {
                let created = JoinToken {
                    key: *key,
                    created_at: now,
                    expires_at: *expires_at,
                    uses: *uses,
                    uses_left: *uses,
                    votes: *votes,
                    by: *by,
                };
                self.join_tokens.insert(*token, created);
            }
            RosterEvent::TokenUsed { token } => self.join_tokens.get_mut(token).expect(DECIDED).uses_left -= 1,
            RosterEvent::TokenEnded { token } => {
                self.join_tokens.remove(token).expect(DECIDED);
            }
            RosterEvent::NodeAdmitted {
                node,
                key,
                token,
                reach,
                votes,
                by,
            } => {
                let admission = Admission {
                    key: *key,
                    token: *token,
                    at: now,
                    by: *by,
                };
                self.node_keys.insert(*key, *node);
                let admitted = Node {
                    admission: Some(admission),
                    standing: NodeStanding::Admitted,
                    votes: *votes,
                    drained: false,
                    moving: Some(reach.clone()),
                    cert_since: Timestamp(0),
                };
                self.nodes.insert(*node, admitted);
            }
            RosterEvent::NodeSettled { node } => {
                let node = self.node_mut(*node);
                node.standing = NodeStanding::Member;
                node.moving = None;
            }
            RosterEvent::VotingSet { node, votes, at } => {
                self.node_mut(*node).votes = *votes;
                self.roster_changed(*at);
            }
            RosterEvent::DrainedSet { node, drained } => self.node_mut(*node).drained = *drained,
            RosterEvent::NodeRemoved { node, replaced_by, at } => {
                let removed = self.node_mut(*node);
                removed.standing = NodeStanding::Removed {
                    at: now,
                    index: *at,
                    replaced_by: *replaced_by,
                };
                removed.moving = None;
                if let Some(heir) = replaced_by {
                    self.node_mut(*heir).votes = true;
                }
                self.roster_changed(*at);
            }
            RosterEvent::CertsWanted { nodes } => nodes.iter().for_each(|node| self.want_cert(*node)),
            RosterEvent::CaRotated { authority } => self.roster_mut().authority = Some(authority.clone()),
            RosterEvent::CaRetired => {
                self.roster_mut().authority.as_mut().expect(DECIDED).retiring = None;
            }
            RosterEvent::HandBackSet { on } => self.roster_mut().hand_back = *on,
            RosterEvent::NodeMoved { node, reach, at } => {
                self.node_mut(*node).moving = Some(reach.clone());
                self.roster_changed(*at);
            }
        }
    }

    fn node_mut(&mut self, node: NodeId) -> &mut Node {
        self.nodes.get_mut(&node).expect(DECIDED)
    }

    /// In whole seconds, as certificates tell time, and later than the last wish, or two of them in one second were one.
    fn want_cert(&mut self, node: NodeId) {
        let now = self.clock.now.0.div_ceil(1000) * 1000;
        let node = self.node_mut(node);
        node.cert_since = Timestamp(now.max(node.cert_since.0 + 1000));
    }

    fn roster_changed(&mut self, at: LogIndex) {
        self.roster_mut().changed_at = at;
    }

    fn roster_mut(&mut self) -> &mut Roster {
        self.roster.as_mut().expect(DECIDED)
    }
}
