//! What the admin API shows: gathered from Raft's view, the store, and the peers' own facts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use quorate_adminapi::{
    Advertised, AuditReport, Cluster, Member, MemberRole, MemberState, RaftInfo, StateHash, Status, UtcTime, Version,
    misplaced, warnings,
};
use quorate_certs::ClusterKek;
use quorate_core::{
    AuditEntry, AuditNo, DeviceId, Done, Lockdown, LogIndex, Node, NodeId, Operation, Operator, PasswordHash, Refusal,
    State,
};
use quorate_protocol::relay::{Facts, PeerFacts};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::facts::FactSheet;
use super::telemetry::{Desk, Known};
use super::{audit, own_addrs, view};
use crate::admin::{
    AdminError, ExportLines, Exported, FreshInvite, Histogram, MetricsSnapshot, PeerLag, PeerSeen, SessionCount, Source,
};
use crate::config::Listen;
use crate::consensus::{Consensus, Role, View};
use crate::fanout::Hub;
use crate::meter::{Counted, SECONDS_BUCKETS};
use crate::peer::{Enrolment, Links, Local};
use crate::relay::{Heard, Relay, ask_devices, ask_facts};
use crate::session::{Exports, PasswordError, Passwords};
use crate::store::{Backups, LogStore};

/// How long the leader may take to show that it leads.
pub(super) const LEADER_DEADLINE: Duration = Duration::from_secs(3);

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
    pub(super) desk: Desk,
    pub(super) backups: Backups,
    /// Seals the CA's key; `None` on a node that was never given it.
    pub(super) kek: Option<ClusterKek>,
    pub(super) passwords: Passwords,
    pub(super) exports: Exports,
    pub(super) hub: Arc<Hub>,
    /// What the config says of where this node is reached.
    pub(super) listen: Listen,
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
        AdminError::NoQuorum {
            voters: count(view.voters().count()),
            reachable: reachable(view, facts),
            needed: count(view.quorum),
            last_leader: view.last_leader,
        }
    }

    /// As [`Self::no_quorum`], of a change that was surely not proposed.
    pub(super) async fn not_taken(&self) -> AdminError {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return error;
        }
        let facts = self.ask_all(&view).await;
        AdminError::NotTaken {
            voters: count(view.voters().count()),
            reachable: reachable(&view, &facts),
            needed: count(view.quorum),
            last_leader: view.last_leader,
        }
    }

    /// Where the config says that this node is reached; none where the cluster knows of no such place yet.
    pub(super) fn advertised(&self, view: &View) -> Option<Advertised> {
        let known = &view.members.get(&self.node)?.addrs;
        let says = (!known.peer.is_empty()).then(|| own_addrs::configured(&self.listen, known))?;
        Some(Advertised {
            peer_addr: says.peer,
            client_addr: says.client,
        })
    }

    pub(super) fn show(
        &self,
        view: &View,
        facts: &BTreeMap<NodeId, Facts>,
        known: &BTreeMap<NodeId, Known>,
        stale: bool,
    ) -> Status {
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
                let state = state(own, wished.get(id).copied().unwrap_or_default(), role, lag);
                let mut vitals = known.get(id).map(Known::shown).unwrap_or_default();
                if state == MemberState::CatchingUp {
                    vitals.catch_up_percent = end.zip(matched).map(|(end, matched)| percent(matched, end));
                }
                Member {
                    id: *id,
                    role,
                    state,
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
                    vitals,
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
        cluster.leader_since = leader.and(self.desk.witness.leader_since());
        let mut status = Status {
            cluster,
            nodes,
            this_node: self.node,
            stale,
            warnings: Vec::new(),
        };
        status.warnings = warnings(&status, UtcTime::from(SystemTime::now()));
        let moved = self.advertised(view).zip(status.node(self.node));
        let moved = moved.and_then(|(says, own)| misplaced(own, &says));
        status.warnings.extend(moved);
        if view.joint {
            let joint = "the membership is between two sets of voters";
            status.warnings.insert(0, joint.to_owned());
        }
        let lockdown = self.facts.reader.with_state(State::lockdown);
        if lockdown != Lockdown::Off {
            status.warnings.insert(0, format!("lockdown: {}", lockdown.as_str()));
        }
        status
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How many voters answer.
fn reachable(view: &View, facts: &BTreeMap<NodeId, Facts>) -> u32 {
    count(view.voters().filter(|id| facts.contains_key(id)).count())
}

/// How much of the log it has, of 100; 100 only with all of it.
fn percent(matched: LogIndex, end: LogIndex) -> u8 {
    let percent = u128::from(matched.0.min(end.0)) * 100 / u128::from(end.0.max(1));
    u8::try_from(percent).unwrap_or(100)
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

fn histogram(counted: Counted) -> Histogram {
    let bounds = SECONDS_BUCKETS.iter().zip(counted.buckets);
    Histogram {
        buckets: bounds.map(|(bound, count)| (*bound, count)).collect(),
        above: counted.buckets.last().copied().unwrap_or_default(),
        sum_seconds: counted.seconds,
    }
}

fn seen((peer, heard): (NodeId, Option<Heard>)) -> PeerSeen {
    let clock = heard.as_ref().map(|heard| heard.clock_ahead_ms.unsigned_abs());
    PeerSeen {
        peer,
        rtt_seconds: heard.as_ref().map(|heard| heard.link.rtt.as_secs_f64()),
        clock_difference_seconds: clock.map(|ms| Duration::from_millis(ms).as_secs_f64()),
    }
}

impl Source for NodeSource {
    async fn status(&self, stale: bool) -> Result<Status, AdminError> {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return Err(error);
        }
        if stale {
            let (facts, known) = tokio::join!(self.ask_all(&view), self.ask_vitals());
            return Ok(self.show(&view, &facts, &known, true));
        }
        let led = self.relay.read_index(Instant::now() + LEADER_DEADLINE).await;
        // Seen again: who leads may have changed meanwhile.
        let view = self.consensus.view().borrow().clone();
        let (facts, known) = tokio::join!(self.ask_all(&view), self.ask_vitals());
        if led.is_err() {
            return Err(self.no_quorum(&view, &facts));
        }
        Ok(self.show(&view, &facts, &known, false))
    }

    async fn raft_info(&self) -> RaftInfo {
        let view = self.consensus.view().borrow().clone();
        let hash = self.facts.reader.with_state(State::hash);
        RaftInfo {
            id: Some(self.node),
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
        let peers = view.peers.iter().filter_map(|(peer, progress)| {
            let entries = view.last_log?.0.saturating_sub(progress.matched?.0);
            Some(PeerLag { peer: *peer, entries })
        });
        let own = self.desk.pulse.measure.vitals();
        let ports = own.sockets.iter().zip(["client", "peer"]);
        MetricsSnapshot {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            is_leader: view.role == Role::Leader,
            term: view.term,
            committed: view.committed,
            applied: view.applied,
            follower_lag: peers.collect(),
            elections: Some(self.desk.witness.elections()),
            log_sync: Some(histogram(self.log.stats().read().durations)),
            post_commit: Some(histogram(counters.post_commit.read())),
            dedup_hits: Some(self.facts.reader.repeats()),
            sessions: vec![SessionCount {
                state: "open",
                count: counters.sessions.load(Ordering::Relaxed),
            }],
            sessions_resumed: Some(counters.resumed.load(Ordering::Relaxed)),
            sessions_not_resumed: Some(counters.not_resumed.load(Ordering::Relaxed)),
            path_migrations: Some(counters.path_migrations.load(Ordering::Relaxed)),
            snapshot_finished: self.desk.witness.snapshot_at(),
            disk_free_bytes: own.disk_free_bytes,
            disk_size_bytes: own.disk_size_bytes,
            has_leader: Some(view.leader.is_some()),
            voters: Some(view.voters().count() as u64),
            peers: self.desk.pulse.heard().into_iter().map(seen).collect(),
            checkpoint: Some(histogram(self.facts.reader.checkpoint_stats().durations)),
            queues: vec![
                ("relay", own.queued),
                ("log", self.log.waiting() as u64),
                ("rows", self.facts.reader.batches_waiting() as u64),
            ],
            delivered: Some(own.delivered),
            udp_dropped: ports
                .filter_map(|(socket, port)| Some((port, socket.dropped?)))
                .collect(),
            cert_expires: Some(self.facts.identity.current().expires_at().into()),
            data_bytes: self.facts.reader.disk_bytes().ok(),
            rate_limited: Some(own.rate_limited),
        }
    }

    fn hands_back(&self) -> bool {
        // What was just asked for is in the state before Raft has been told.
        let wish = self
            .facts
            .reader
            .with_state(|state| state.roster().and_then(|roster| roster.hand_back));
        wish.unwrap_or_else(|| self.consensus.hands_back_by_config())
    }

    fn version(&self) -> Version {
        Version {
            program: "chatd".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    async fn catch_up(&self) -> Result<(), AdminError> {
        let view = self.consensus.view().borrow().clone();
        if let Some(error) = self.not_formed(&view) {
            return Err(error);
        }
        let Ok(index) = self.relay.read_index(Instant::now() + LEADER_DEADLINE).await else {
            // Seen again: who leads may have changed meanwhile.
            let view = self.consensus.view().borrow().clone();
            let facts = self.ask_all(&view).await;
            return Err(self.no_quorum(&view, &facts));
        };
        let deadline = Instant::now() + LEADER_DEADLINE;
        let applied = self.facts.reader.wait_applied(index, deadline).await;
        applied.map_err(|error| AdminError::Busy(error.to_string()))
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

    async fn hash_password(&self, password: String) -> Result<PasswordHash, AdminError> {
        let hashed = self.passwords.hash(password).await;
        hashed.map_err(|error| match error {
            PasswordError::Busy => AdminError::Busy(error.to_string()),
            _ => AdminError::BadPassword(error.to_string()),
        })
    }

    async fn audit(&self, after: Option<AuditNo>, limit: usize) -> Result<Vec<(AuditNo, AuditEntry)>, AdminError> {
        let page = self.facts.reader.audit(after, limit).await;
        page.map(|page| page.entries).map_err(|error| audit::unreadable(&error))
    }

    async fn check_audit(&self) -> Result<AuditReport, AdminError> {
        self.audited().await
    }

    async fn sessions_of(&self, devices: Vec<DeviceId>) -> Vec<Vec<NodeId>> {
        let others = view::others(&self.consensus.view().borrow(), self.node);
        let asked = others.into_iter().map(|id| {
            let devices = devices.clone();
            async move { Some((id, ask_devices(&self.links, id, devices).await?)) }
        });
        let mut told: BTreeMap<_, _> = join_all(asked).await.into_iter().flatten().collect();
        told.insert(
            self.node,
            devices.iter().map(|device| self.hub.sessions_of(device)).collect(),
        );
        let nodes_of = |at: usize| {
            let has =
                |(id, sessions): (&NodeId, &Vec<u32>)| sessions.get(at).is_some_and(|count| *count > 0).then_some(*id);
            told.iter().filter_map(has).collect()
        };
        (0..devices.len()).map(nodes_of).collect()
    }

    async fn export(&self, what: Exported) -> Result<ExportLines, AdminError> {
        let (pages, unknown) = match &what {
            Exported::User(user) => (self.exports.user(user), Refusal::UnknownUser),
            Exported::Room(room) => (self.exports.room(room), Refusal::UnknownRoom),
        };
        let mut pages = pages.ok_or(unknown)?;
        // One page waits here: how many wait in all is bounded where they are read.
        let (to, lines) = mpsc::channel(1);
        tokio::spawn(async move {
            while let Some(page) = pages.recv().await {
                let page = page.map_err(|error| {
                    tracing::warn!(%error, ?what, "an export broke off");
                    std::io::Error::other(error)
                });
                if to.send(page).await.is_err() {
                    return;
                }
            }
        });
        Ok(lines)
    }
}
