//! What the admin API shows: gathered from Raft's view, the store, and the peers' own facts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use quorate_adminapi::{Cluster, Member, MemberRole, MemberState, RaftInfo, StateHash, Status, UtcTime, Version};
use quorate_core::{Done, LogIndex, Node, NodeId, Operation, Operator, State};
use quorate_protocol::relay::{Facts, PeerFacts};
use tokio::time::Instant;

use super::facts::FactSheet;
use crate::admin::{AdminError, FreshInvite, Histogram, MetricsSnapshot, PeerLag, SessionCount, Source};
use crate::consensus::{Consensus, Role, View};
use crate::peer::{Enrolment, Links, Local};
use crate::relay::{Relay, ask_facts};
use crate::store::{COMMIT_SECONDS_BUCKETS, LogStore};

/// How long the leader may take to show that it leads.
const LEADER_DEADLINE: Duration = Duration::from_secs(3);

/// The node as operators see it.
pub(super) struct NodeSource {
    pub(super) node: NodeId,
    pub(super) cluster_id: String,
    /// What the cluster was called when this node met it.
    pub(super) name: String,
    pub(super) consensus: Consensus,
    pub(super) relay: Arc<Relay>,
    pub(super) links: Arc<Links>,
    pub(super) local: Arc<Local>,
    pub(super) facts: FactSheet,
    pub(super) log: LogStore,
}

impl NodeSource {
    /// Every member's facts, this node's own included; who does not answer is not in it.
    pub(super) async fn ask_all(&self, view: &View) -> BTreeMap<NodeId, Facts> {
        let others = view.members.keys().copied().filter(|id| *id != self.node);
        let asked = others.map(|id| async move { Some((id, ask_facts(&self.links, id).await?)) });
        let mut facts: BTreeMap<_, _> = join_all(asked).await.into_iter().flatten().collect();
        facts.insert(self.node, self.facts.now());
        facts
    }

    pub(super) fn not_formed(&self, view: &View) -> Option<AdminError> {
        if !view.members.is_empty() {
            return None;
        }
        let waiting_for = match &*self.local.enrolment().borrow() {
            Enrolment::Waiting { for_ } => for_.clone(),
            _ => Vec::new(),
        };
        Some(AdminError::NotFormed { waiting_for })
    }

    pub(super) fn no_quorum(&self, view: &View, facts: &BTreeMap<NodeId, Facts>) -> AdminError {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        AdminError::NoQuorum {
            voters: count(view.voters().count()),
            reachable: count(view.voters().filter(|id| facts.contains_key(id)).count()),
            needed: count(view.quorum),
            last_leader: view.last_leader,
        }
    }

    fn show(&self, view: &View, facts: &BTreeMap<NodeId, Facts>, stale: bool) -> Status {
        // The newest term knows who leads now.
        let term = facts.values().map(|facts| facts.term).max().unwrap_or(view.term);
        let committed = facts.values().map(|facts| facts.committed).max().or(view.committed);
        let leader = view.leader;
        let told: BTreeMap<NodeId, PeerFacts> = leader
            .and_then(|leader| facts.get(&leader))
            .map(|facts| facts.peers.iter().map(|peer| (peer.node, *peer)).collect())
            .unwrap_or_default();
        let end = leader.and_then(|leader| facts.get(&leader)).map(|facts| facts.last_log);
        let wished: BTreeMap<NodeId, Wished> = self.facts.reader.with_state(|state| {
            let wished = |node: &Node| Wished {
                removed: node.is_removed(),
                drained: node.drained,
            };
            state.nodes().map(|(id, node)| (id, wished(node))).collect()
        });
        let nodes: Vec<_> = view
            .members
            .iter()
            .map(|(id, member)| {
                let role = if member.voter {
                    MemberRole::Voter
                } else {
                    MemberRole::Learner
                };
                let own = facts.get(id);
                let is_leader = leader == Some(*id);
                let matched = if is_leader {
                    end
                } else {
                    told.get(id).and_then(|peer| peer.matched)
                };
                let lag = end.zip(matched).map(|(end, matched)| end.0.saturating_sub(matched.0));
                Member {
                    id: *id,
                    role,
                    state: state(own, wished.get(id).copied().unwrap_or_default(), role, lag),
                    is_leader,
                    peer_addr: member.addrs.peer.clone(),
                    client_addr: member.addrs.client.clone(),
                    version: own.map(|facts| facts.version.clone()),
                    matched,
                    applied: own.map(|facts| facts.applied),
                    lag,
                    last_contact_ms: if is_leader {
                        Some(0)
                    } else {
                        told.get(id).and_then(|peer| peer.last_contact_ms)
                    },
                    sessions: own.map(|facts| facts.sessions),
                    disk_bytes: own.map(|facts| facts.disk_bytes),
                    cert_expires: own.map(|facts| UtcTime::from_unix_ms(facts.cert_expires.saturating_mul(1000))),
                }
            })
            .collect();
        let mut cluster = Cluster::of(
            self.cluster_id.clone(),
            self.facts.reader.with_state(|state| {
                state
                    .roster()
                    .map_or_else(|| self.name.clone(), |roster| roster.name.clone())
            }),
            term,
            committed,
            &nodes,
        );
        // A leader that did not answer is still who this node believes to lead.
        cluster.leader = leader;
        let mut warnings = Vec::new();
        if view.joint {
            warnings.push("the membership is between two sets of voters".to_owned());
        }
        Status {
            cluster,
            nodes,
            this_node: self.node,
            stale,
            warnings,
        }
    }
}

/// Entries that a learner may be behind and count as up.
const LAG_MAX: u64 = 1000;

/// What operators want of a node, beyond its vote.
#[derive(Clone, Copy, Debug, Default)]
struct Wished {
    removed: bool,
    drained: bool,
}

fn state(facts: Option<&Facts>, wished: Wished, role: MemberRole, lag: Option<u64>) -> MemberState {
    match facts {
        _ if wished.removed => MemberState::Removed,
        None => MemberState::Down,
        Some(facts) if facts.draining || wished.drained => MemberState::Draining,
        Some(_) if lag.is_some_and(|lag| lag > LAG_MAX) || (role == MemberRole::Learner && lag.is_none()) => {
            MemberState::CatchingUp
        }
        Some(_) => MemberState::Up,
    }
}

impl Source for NodeSource {
    async fn status(&self, stale: bool) -> Result<Status, AdminError> {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return Err(error);
        }
        if stale {
            let facts = self.ask_all(&view).await;
            return Ok(self.show(&view, &facts, true));
        }
        let led = self.relay.read_index(Instant::now() + LEADER_DEADLINE).await;
        // Seen again: who leads may have changed meanwhile.
        let view = self.consensus.view().borrow().clone();
        let facts = self.ask_all(&view).await;
        if led.is_err() {
            return Err(self.no_quorum(&view, &facts));
        }
        Ok(self.show(&view, &facts, false))
    }

    async fn raft_info(&self) -> RaftInfo {
        let view = self.consensus.view().borrow().clone();
        let hash = self.facts.reader.with_state(State::hash);
        RaftInfo {
            id: self.node,
            term: view.term,
            vote: view.vote.map(|vote| vote.node),
            last_log_index: view.last_log,
            committed: view.committed,
            applied: Some(self.facts.reader.applied())
                .filter(|index| *index > LogIndex(0))
                .or(view.applied),
            snapshot_index: view.snapshot,
            purged: view.purged,
            state_hash: StateHash {
                index: hash.index,
                hash: format!("{:032x}", hash.hash),
            },
        }
    }

    async fn metrics(&self) -> MetricsSnapshot {
        let view = self.consensus.view().borrow().clone();
        let counters = &self.facts.counters;
        let commits = self.log.stats().read();
        let peers = view.peers.iter().filter_map(|(peer, progress)| {
            let entries = view.last_log?.0.saturating_sub(progress.matched?.0);
            Some(PeerLag { peer: *peer, entries })
        });
        let bounds = COMMIT_SECONDS_BUCKETS.iter().zip(commits.buckets);
        MetricsSnapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_leader: view.role == Role::Leader,
            term: view.term,
            committed: view.committed,
            applied: view.applied,
            follower_lag: peers.collect(),
            log_sync: Some(Histogram {
                buckets: bounds.map(|(bound, count)| (*bound, count)).collect(),
                above: commits.buckets.last().copied().unwrap_or_default(),
                sum_seconds: commits.seconds,
            }),
            sessions: vec![SessionCount {
                state: "open",
                count: counters.sessions.load(Ordering::Relaxed),
            }],
            cert_expires: Some(self.facts.identity.current().expires_at().into()),
            data_bytes: self.facts.reader.disk_bytes().ok(),
            rate_limited: Some(counters.rate_limited.load(Ordering::Relaxed)),
            ..MetricsSnapshot::default()
        }
    }

    fn version(&self) -> Version {
        Version {
            program: "chatd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn look<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        self.facts.reader.with_state(look)
    }

    async fn operate(&self, by: Operator, operation: Operation) -> Result<Done, AdminError> {
        self.put_through(by, operation).await
    }

    fn fresh_invite(&self) -> Result<FreshInvite, AdminError> {
        self.make_secret()
    }
}
