//! What operators change about nodes: looked at as of now, refused where it would leave the cluster worse off, and put through
//! the log by whoever is asked. The leader carries it out.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use quorate_adminapi::{
    ChangeReport, ChangeRequest, CreatedToken, MemberChange, MemberRole, NewToken, TransferredTo, UtcTime, Votes,
};
use quorate_certs::{JoinSecret, JoinToken};
use quorate_core::{
    CreateToken, Done, LogIndex, Node, NodeId, Operation, Operator, Reach, Refusal, RosterOperation, Span, State,
};
use quorate_protocol::relay::TransferEnd;
use tokio::time::{Instant, sleep};

use super::safety::{self, Danger};
use super::source::NodeSource;
use crate::admin::{AdminError, RosterSource, Source};
use crate::consensus::View;
use crate::relay::ask_transfer;

/// How long it may take to see the cluster as of now.
const LOOK_DEADLINE: Duration = Duration::from_secs(3);
/// Whom the leader has heard of within this time is there.
const HEARD_MAX_MS: u64 = 1000;
/// Between two looks whether the nodes are written down.
const FOUNDING_POLL: Duration = Duration::from_millis(50);
/// A learner that replaces a voter may lack so many entries: it gets the vote when it has the rest.
const REPLACE_LAG_MAX: u64 = 1000;

/// The cluster as of now.
struct Sight {
    view: View,
    reachable: BTreeSet<NodeId>,
    /// The record of the node in question.
    node: Node,
    /// When somebody last changed the nodes.
    seen: LogIndex,
    /// Nodes by the operators' wish, for what is still to be carried out.
    nodes: Vec<(NodeId, Node)>,
    /// Entries of the leader's log that the node in question, or the one that replaces it, lacks.
    lags: BTreeMap<NodeId, u64>,
}

impl RosterSource for NodeSource {
    fn own_id(&self) -> NodeId {
        self.node
    }

    async fn make_token(&self, by: Operator, asked: NewToken) -> Result<CreatedToken, AdminError> {
        let secret = JoinSecret::random();
        let lasts = u64::try_from(asked.ttl.0.as_millis()).unwrap_or(u64::MAX);
        let create = CreateToken {
            key: secret.key(),
            lasts: Span(lasts),
            uses: asked.uses,
            votes: asked.role == MemberRole::Voter,
        };
        let operation = match asked.rotate {
            true => RosterOperation::RotateTokens(create),
            false => RosterOperation::CreateToken(create),
        };
        match self.put_through(by, Operation::Roster(operation)).await? {
            Done::TokenCreated { token, expires_at } => {
                let ca = self.ca_for_others();
                let view = self.consensus.view();
                let members = view.borrow().members.clone();
                // This node first: it surely is there.
                let own = members.iter().filter(|(id, _)| **id == self.node);
                let others = members.iter().filter(|(id, _)| **id != self.node);
                Ok(CreatedToken {
                    id: token,
                    token: JoinToken { ca, id: token, secret }.to_text(),
                    expires_at: UtcTime::from_unix_ms(expires_at.0),
                    uses: asked.uses,
                    role: asked.role,
                    peer_addrs: own.chain(others).map(|(_, member)| member.addrs.peer.clone()).collect(),
                })
            }
            _ => Err(AdminError::OutcomeUnknown),
        }
    }

    async fn change_node(&self, by: Operator, id: NodeId, asked: ChangeRequest) -> Result<ChangeReport, AdminError> {
        let ChangeRequest { change, force, dry_run } = asked;
        let sight = self.look_at(id).await?;
        let voters: BTreeSet<NodeId> = sight.view.voters().collect();
        let mut after = voters.clone();
        let mut warnings = Vec::new();
        let mut danger = None;
        let seen = sight.seen;
        let operation = match change {
            MemberChange::Promote => {
                after.insert(id);
                if !voters.contains(&id) && !sight.reachable.contains(&id) {
                    danger = Some(Danger::Unreachable);
                }
                RosterOperation::SetVoting {
                    node: id,
                    votes: true,
                    seen,
                }
            }
            MemberChange::Demote => {
                after.remove(&id);
                RosterOperation::SetVoting {
                    node: id,
                    votes: false,
                    seen,
                }
            }
            MemberChange::Remove | MemberChange::Leave => {
                after.remove(&id);
                RosterOperation::RemoveNode {
                    node: id,
                    replaced_by: None,
                    seen,
                }
            }
            MemberChange::Replace { by: heir } => {
                replaceable(&sight, id, heir)?;
                after.remove(&id);
                after.insert(heir);
                RosterOperation::RemoveNode {
                    node: id,
                    replaced_by: Some(heir),
                    seen,
                }
            }
            MemberChange::Drain => {
                if !sight.leaves_a_leader(id) {
                    danger = Some(Danger::NobodyLeft);
                }
                RosterOperation::SetDrained {
                    node: id,
                    drained: true,
                }
            }
            MemberChange::Undrain => RosterOperation::SetDrained {
                node: id,
                drained: false,
            },
            MemberChange::SetAddr {
                ref peer_addr,
                ref client_addr,
            } => {
                let reach = moved(&sight, id, peer_addr.as_deref(), client_addr.as_deref())?;
                RosterOperation::MoveNode { node: id, reach, seen }
            }
        };
        let (was, will) = (votes(&voters, &sight.reachable), votes(&after, &sight.reachable));
        if after != voters {
            if after.is_empty() {
                return Err(AdminError::Impossible(format!(
                    "n{id} is the only voter: without it there is no cluster"
                )));
            }
            sight.nothing_under_way()?;
            // Who goes by itself, or only loses its vote, is asked to keep the quorum; who is thrown out, all of the tolerance.
            let strict = matches!(change, MemberChange::Remove);
            danger = danger.or(safety::of(was, will, strict));
            if will.tolerates < was.tolerates {
                warnings.push(format!(
                    "the cluster tolerates {} instead of {}",
                    failures(will.tolerates),
                    failures(was.tolerates)
                ));
            }
        }
        if let Some(danger) = danger.filter(|_| !force) {
            if !dry_run {
                self.note_refused(by, &Operation::Roster(operation)).await;
            }
            return Err(AdminError::Unsafe(danger.told(id, was, will)));
        }
        let changed = !dry_run && self.put_through(by, Operation::Roster(operation)).await? == Done::Changed;
        Ok(ChangeReport {
            id,
            changed,
            before: was,
            after: will,
            warnings,
        })
    }

    async fn transfer(&self, by: Operator, to: Option<NodeId>) -> Result<TransferredTo, AdminError> {
        let sight = match to {
            Some(to) => {
                let sight = self.look_at(to).await?;
                if sight.node.drained {
                    return Err(AdminError::Impossible(format!("n{to} is drained, and does not lead")));
                }
                sight.view
            }
            None => self.look().await?.0,
        };
        let Some(leader) = sight.leader else {
            return Err(self.not_taken().await);
        };
        self.put_through(by, Operation::Roster(RosterOperation::TransferLeader { to }))
            .await?;
        let end = ask_transfer(&self.consensus, &self.links, leader, to).await;
        let to = to.map_or_else(|| "the highest id".to_owned(), |to| format!("n{to}"));
        match end {
            Some(TransferEnd::Leads(leader)) => Ok(TransferredTo { leader }),
            None => Err(AdminError::OutcomeUnknown),
            Some(TransferEnd::NotLeader) => Err(self.not_taken().await),
            Some(TransferEnd::NotVoter) => Err(AdminError::Impossible(format!("{to} is a learner, and does not lead"))),
            Some(TransferEnd::NotFit) => Err(AdminError::Impossible(format!(
                "{to} cannot lead now: it is down or behind, or the membership is changing"
            ))),
            Some(TransferEnd::NotTaken) => Err(AdminError::OutcomeUnknown),
        }
    }
}

impl NodeSource {
    /// That somebody tried is to be seen, too. Where there is no majority to write it down it is refused all the same.
    async fn note_refused(&self, by: Operator, operation: &Operation) {
        let (action, target) = (operation.action(), operation.target());
        if let Err(error) = self.note(by, action, &format!("{target}, refused as unsafe")).await {
            tracing::warn!(%error, uid = by.uid, action, "a refused change is not in the audit log");
        }
    }

    /// The view of this node once it is as new as the leader's, and who answers.
    async fn look(&self) -> Result<(View, BTreeSet<NodeId>, BTreeMap<NodeId, u64>), AdminError> {
        let view = self.consensus.view();
        let now = || view.borrow().clone();
        if let Some(error) = self.not_formed(&now()) {
            return Err(error);
        }
        let deadline = Instant::now() + LOOK_DEADLINE;
        let index = self.relay.read_index(deadline).await;
        let facts = self.ask_all(&now()).await;
        let Ok(index) = index else {
            return Err(self.no_quorum(&now(), &facts));
        };
        let applied = self.facts.reader.wait_applied(index, deadline).await;
        if applied.is_err() {
            return Err(self.not_taken().await);
        }
        let view = now();
        let leader = view.leader.and_then(|leader| facts.get(&leader));
        let mut reachable: BTreeSet<NodeId> = facts.keys().copied().collect();
        let mut lags = BTreeMap::new();
        for peer in leader.iter().flat_map(|facts| &facts.peers) {
            let end = leader.map(|facts| facts.last_log).unwrap_or_default();
            if let Some(matched) = peer.matched {
                lags.insert(peer.node, end.0.saturating_sub(matched.0));
            }
            // It need not have answered this node: the leader is who needs it.
            if peer.last_contact_ms.is_some_and(|ms| ms <= HEARD_MAX_MS) {
                reachable.insert(peer.node);
            }
        }
        Ok((view, reachable, lags))
    }

    /// When somebody last changed the nodes. A leader that has only just been elected writes them down first.
    pub(super) async fn founded_at(&self) -> Result<LogIndex, AdminError> {
        let changed_at = || {
            let read = |state: &State| state.roster().map(|roster| roster.changed_at);
            self.facts.reader.with_state(read)
        };
        let deadline = Instant::now() + LOOK_DEADLINE;
        loop {
            match changed_at() {
                Some(changed_at) => return Ok(changed_at),
                None if Instant::now() >= deadline => return Err(self.not_taken().await),
                None => sleep(FOUNDING_POLL).await,
            }
        }
    }

    async fn look_at(&self, id: NodeId) -> Result<Sight, AdminError> {
        let (view, reachable, lags) = self.look().await?;
        let seen = self.founded_at().await?;
        let nodes: Vec<_> = self
            .facts
            .reader
            .with_state(|state| state.nodes().map(|(id, node)| (id, node.clone())).collect());
        let found = nodes.iter().find(|(known, _)| *known == id);
        let node = found.map(|(_, node)| node.clone()).ok_or(Refusal::UnknownNode)?;
        if node.is_removed() {
            return Err(Refusal::NodeRemoved.into());
        }
        Ok(Sight {
            view,
            reachable,
            node,
            seen,
            nodes,
            lags,
        })
    }
}

impl Sight {
    /// Whether a voter that answers may lead without this one.
    fn leaves_a_leader(&self, id: NodeId) -> bool {
        let may = |other: NodeId| {
            self.nodes
                .iter()
                .any(|(known, node)| *known == other && node.may_lead())
        };
        self.view
            .voters()
            .any(|other| other != id && self.reachable.contains(&other) && may(other))
    }

    /// Votes are changed one at a time. A learner that has not caught up yet holds nobody up.
    fn nothing_under_way(&self) -> Result<(), AdminError> {
        let busy =
            |what: &str| AdminError::Impossible(format!("{what}: one change at a time; ask again when it is done"));
        if self.view.joint {
            return Err(busy("the membership is between two sets of voters"));
        }
        let votes = |id: &NodeId| self.view.members.get(id).is_some_and(|member| member.voter);
        let leaving = self
            .nodes
            .iter()
            .find(|(id, node)| votes(id) && (node.is_removed() || !node.votes));
        match leaving {
            Some((id, node)) if node.is_removed() => Err(busy(&format!("n{id} is being removed"))),
            Some((id, _)) => Err(busy(&format!("n{id} is being demoted"))),
            None => Ok(()),
        }
    }
}

/// Whether this voter can hand its vote to this learner.
fn replaceable(sight: &Sight, old: NodeId, new: NodeId) -> Result<(), AdminError> {
    let no = |why: String| Err(AdminError::Impossible(why));
    let voter = |id| sight.view.members.get(&id).map(|member| member.voter);
    if voter(old) != Some(true) {
        return no(format!("n{old} is no voter, so nobody takes its vote: remove it"));
    }
    match voter(new) {
        None => return Err(Refusal::UnknownNode.into()),
        Some(true) => {
            return no(format!(
                "n{new} votes already: who replaces another has joined as a learner"
            ));
        }
        Some(false) => {}
    }
    if !sight.reachable.contains(&new) {
        return no(format!("n{new} does not answer: it cannot take the vote of n{old}"));
    }
    match sight.lags.get(&new) {
        Some(lag) if *lag <= REPLACE_LAG_MAX => Ok(()),
        Some(lag) => no(format!("n{new} lacks {lag} entries: ask again when it has caught up")),
        None => no(format!("n{new} has not caught up: ask again when it has")),
    }
}

/// Where a node is from now on, given what of that is new.
fn moved(sight: &Sight, id: NodeId, peer: Option<&str>, client: Option<&str>) -> Result<Reach, AdminError> {
    let present = sight.view.members.get(&id).map(|member| &member.addrs);
    let addr = |new: Option<&str>, present: Option<&String>| {
        let text = new.or(present.map(String::as_str)).unwrap_or_default();
        let parsed = text.parse();
        parsed.map_err(|error| AdminError::Impossible(format!("\"{text}\": {error}")))
    };
    Ok(Reach {
        peer: addr(peer, present.map(|addrs| &addrs.peer))?,
        client: addr(client, present.map(|addrs| &addrs.client))?,
    })
}

fn votes(voters: &BTreeSet<NodeId>, reachable: &BTreeSet<NodeId>) -> Votes {
    safety::votes(voters.len(), voters.intersection(reachable).count())
}

fn failures(count: u32) -> String {
    match count {
        1 => "1 failure".to_owned(),
        many => format!("{many} failures"),
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::{NodeStanding, Timestamp};

    use super::*;
    use crate::consensus::MemberView;
    use crate::consensus::types::NodeAddrs;

    fn node(standing: NodeStanding, votes: bool) -> Node {
        Node {
            admission: None,
            standing,
            votes,
            drained: false,
            moving: None,
            cert_since: Timestamp(0),
        }
    }

    /// Three nodes of which so many have a vote in the membership, and these wishes for node 2.
    fn sight(voters: u64, second: Node) -> Sight {
        let member = |id: u64| MemberView {
            addrs: NodeAddrs {
                peer: format!("h{id}:7401"),
                client: format!("h{id}:7400"),
            },
            voter: id <= voters,
            may_lead: true,
        };
        let as_is = || node(NodeStanding::Member, true);
        Sight {
            view: View {
                members: (1..=3).map(|id| (NodeId(id), member(id))).collect(),
                ..View::default()
            },
            reachable: (1..=3).map(NodeId).collect(),
            node: as_is(),
            seen: LogIndex(1),
            nodes: [as_is(), second, as_is()]
                .into_iter()
                .zip(1..)
                .map(|(node, id)| (NodeId(id), node))
                .collect(),
            lags: BTreeMap::new(),
        }
    }

    #[test]
    fn votes_change_one_at_a_time() {
        let removed = || NodeStanding::Removed {
            at: Timestamp(1),
            index: LogIndex(1),
            replaced_by: None,
        };
        let told = |sight: &Sight| sight.nothing_under_way().map_err(|error| error.to_string());
        let busy = |what: &str| Err(format!("{what}: one change at a time; ask again when it is done"));
        let well = sight(3, node(NodeStanding::Member, true));
        assert_eq!(told(&well), Ok(()));
        assert_eq!(
            told(&sight(3, node(removed(), false))),
            busy("n2 is being removed"),
            "it votes still"
        );
        assert_eq!(
            told(&sight(3, node(NodeStanding::Member, false))),
            busy("n2 is being demoted")
        );
        let mut joint = well;
        joint.view.joint = true;
        assert_eq!(told(&joint), busy("the membership is between two sets of voters"));
        // Whose vote is gone already, or has not come yet, holds nobody up.
        assert_eq!(told(&sight(1, node(removed(), false))), Ok(()));
        assert_eq!(told(&sight(1, node(NodeStanding::Member, true))), Ok(()));
    }
}
