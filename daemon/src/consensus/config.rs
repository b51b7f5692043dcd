//! What an operator sets about Raft, and what openraft is told because of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, ConfigError, SnapshotPolicy, StepDownPolicy};
use quorate_core::NodeId;

use super::types::NodeAddrs;

/// Added to the shortest timeout of a node to get its longest. Small: the stagger, not chance, separates the candidates.
const ELECTION_JITTER_MAX_MS: u64 = 40;
/// The most by which one rank waits longer than the one above.
const ELECTION_STEP_MAX_MS: u64 = 80;
/// Entries in one append; the log reader also caps the bytes.
const APPEND_ENTRIES_MAX: u64 = 1024;
/// Commands and entries that Raft takes up in one turn.
const API_BATCH_MAX: u64 = 4096;
/// A purge waits until it takes away this many entries, or a snapshot's worth where that is less: each is a transaction.
const PURGE_ENTRIES: u64 = 4096;
/// Only told to openraft; the deadlines for each frame are in `snapshot`.
const SNAPSHOT_TIMEOUT_MS: u64 = 60_000;
/// How long a leader that is no longer a voter keeps on, so that its last commit reaches the others.
const REMOVED_LEADER_STEP_DOWN_MS: u64 = 300;
/// A leader without a quorum is silent in turns of at least this length, so that those who hear it may elect another.
const QUORUM_LOSS_PROBE_MIN_MS: u64 = 3_000;
/// Waits of openraft after a peer could not be reached. The dialler has waits of its own; these are short on purpose.
const UNREACHABLE_BACKOFF: &str = "20ms 40ms 80ms 160ms 320ms 640ms 1s";

/// How the log of this node begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Formation {
    /// The cluster consists of these voters from its first entry on. The list is the same on each of them, to the byte: every
    /// one of them writes it as the first entry of its log.
    Founder(BTreeMap<NodeId, NodeAddrs>),
    /// The node comes to a cluster that has these members, and gets its log from them.
    Joiner(BTreeMap<NodeId, NodeAddrs>),
}

impl Formation {
    /// The members at that time, this node among them or not.
    #[must_use]
    pub fn members(&self) -> &BTreeMap<NodeId, NodeAddrs> {
        match self {
            Self::Founder(members) | Self::Joiner(members) => members,
        }
    }
}

/// What [`Consensus`](super::Consensus) is started with.
#[derive(Clone, Debug)]
pub struct ConsensusConfig {
    /// This node.
    pub node_id: NodeId,
    /// How often a leader tells the others that it lives.
    pub heartbeat_interval: Duration,
    /// How long the highest id waits at least before it stands for election. The others wait longer, by rank.
    pub election_timeout: Duration,
    /// A snapshot is made after so many entries.
    pub snapshot_entries: u64,
    /// Entries that stay in the log behind a snapshot, for followers that are a little late.
    pub keep_entries: u64,
    /// How long a higher id must have been healthy before it gets leadership; `None`: never by itself.
    pub hand_back: Option<Duration>,
    /// How the log began, or begins.
    pub formation: Formation,
}

/// A configuration that Raft cannot run with.
#[derive(Debug, thiserror::Error)]
#[error("these Raft timings cannot work: {0}")]
pub struct ConfigFault(#[from] ConfigError);

impl ConsensusConfig {
    /// How many of the members have a higher id: 0 stands for election first.
    #[must_use]
    pub fn rank(&self, voters: impl IntoIterator<Item = NodeId>) -> u64 {
        voters.into_iter().filter(|id| *id > self.node_id).count() as u64
    }

    /// The timeouts `[min, max)` of this node's elections, in milliseconds, as one of so many voters with this rank.
    ///
    /// The fastest candidate must not ask before the slowest lease (as long as the longest timeout) has ended, or its
    /// first round is lost: `step < base / (n - 1)`.
    fn election_timeout_ms(&self, rank: u64, voters: u64) -> (u64, u64) {
        let base = millis(self.election_timeout);
        let others = voters.saturating_sub(1).max(1);
        // One less than the bound, and a tenth of reserve for timers that fire late.
        let step = (base.saturating_sub(1) / others * 9 / 10).min(ELECTION_STEP_MAX_MS);
        let min = base + rank.min(others) * step;
        (min, min + ELECTION_JITTER_MAX_MS.min(base / 10).max(1))
    }

    /// The longest time without a word from a leader that any member still takes for patience: the idle deadline on
    /// replication streams is twice this.
    pub(crate) fn election_timeout_max(&self) -> Duration {
        let voters = self.formation.members().len() as u64;
        Duration::from_millis(self.election_timeout_ms(voters, voters).1)
    }

    /// With the voters that are known to this node: who founded the cluster may be gone from it.
    pub(crate) fn openraft(&self, cluster_name: String, voters: &BTreeSet<NodeId>) -> Result<Arc<Config>, ConfigFault> {
        let rank = self.rank(voters.iter().copied());
        let (election_timeout_min, election_timeout_max) = self.election_timeout_ms(rank, voters.len() as u64);
        let config = Config {
            cluster_name,
            heartbeat_interval: millis(self.heartbeat_interval),
            heartbeat_min_interval: Some(0),
            election_timeout_min,
            election_timeout_max,
            enable_pre_vote: Some(true),
            // A restarted leader asks again: in its absence the others may have been given away.
            enable_leader_restore: Some(false),
            // A log that became shorter belongs to a wiped disk; enrolment keeps those out, and Raft must not forgive them.
            allow_log_reversion: None,
            quorum_loss_probe_interval: Some(QUORUM_LOSS_PROBE_MIN_MS.max(2 * election_timeout_max)),
            removed_leader_step_down: StepDownPolicy::After(REMOVED_LEADER_STEP_DOWN_MS),
            max_payload_entries: APPEND_ENTRIES_MAX,
            max_append_entries: Some(API_BATCH_MAX),
            api_batch_capacity: API_BATCH_MAX,
            api_batch_linger_ms: 0,
            snapshot_policy: SnapshotPolicy::LogsSinceLast(self.snapshot_entries.max(1)),
            max_in_snapshot_log_to_keep: self.keep_entries,
            purge_batch_size: PURGE_ENTRIES.min(self.snapshot_entries.max(1)),
            // Above what is kept and what is due for a snapshot, so that a follower within reach of the log gets the log.
            replication_lag_threshold: 2 * (self.snapshot_entries + self.keep_entries).max(1),
            install_snapshot_timeout: SNAPSHOT_TIMEOUT_MS,
            backoff: UNREACHABLE_BACKOFF.to_owned(),
            ..Config::default()
        };
        Ok(Arc::new(config.validate()?))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voters(nodes: u64) -> BTreeSet<NodeId> {
        (1..=nodes).map(NodeId).collect()
    }

    fn config(node: u64, nodes: u64) -> ConsensusConfig {
        ConsensusConfig {
            node_id: NodeId(node),
            heartbeat_interval: Duration::from_millis(100),
            election_timeout: Duration::from_millis(400),
            snapshot_entries: 50_000,
            keep_entries: 50_000,
            hand_back: None,
            formation: Formation::Founder((1..=nodes).map(|id| (NodeId(id), NodeAddrs::default())).collect()),
        }
    }

    #[test]
    fn the_highest_id_waits_least_and_the_ranges_do_not_meet() {
        for nodes in 2..=9 {
            let ranges: Vec<_> = (1..=nodes)
                .rev()
                .map(|id| config(id, nodes).openraft("c".to_owned(), &voters(nodes)).unwrap())
                .map(|config| (config.election_timeout_min, config.election_timeout_max))
                .collect();
            assert_eq!(ranges[0].0, 400, "the highest id of {nodes} waits for the base");
            for pair in ranges.windows(2) {
                // The time from the last heartbeat to the candidacy is the lease (the longest timeout) and a timeout.
                let latest = 2 * pair[0].1;
                let earliest = pair[1].0 + pair[1].1;
                assert!(latest <= earliest + ELECTION_JITTER_MAX_MS, "{nodes} nodes: {pair:?}");
            }
        }
    }

    #[test]
    fn the_fastest_candidate_asks_after_the_slowest_lease_has_ended() {
        for nodes in 2..=25 {
            let fastest = config(nodes, nodes).openraft("c".to_owned(), &voters(nodes)).unwrap();
            let slowest = config(1, nodes).openraft("c".to_owned(), &voters(nodes)).unwrap();
            let earliest_question = fastest.election_timeout_max + fastest.election_timeout_min;
            assert!(earliest_question > slowest.election_timeout_max, "{nodes} nodes");
        }
    }

    #[test]
    fn timings_that_cannot_work_are_refused() {
        let mut config = config(1, 3);
        config.election_timeout = Duration::from_millis(50);
        assert!(
            config.openraft("c".to_owned(), &voters(3)).is_err(),
            "a timeout below the heartbeat"
        );
    }
}
