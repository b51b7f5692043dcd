//! What an operator sets about Raft, and what openraft is told because of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use openraft::{Config, ConfigError, SnapshotPolicy, StepDownPolicy};
use quorate_core::{NODES_MAX, NodeId};

use super::types::NodeAddrs;

/// Added to the shortest timeout to get the longest. Small: rank (`stagger`), not chance, separates the candidates.
const ELECTION_JITTER_MAX_MS: u64 = 40;
/// One rank waits longer than the one above by such a part of the shortest timeout: longer than the jitter, a heartbeat that one
/// of two has missed, and a round of votes.
const RANK_SPACING_PERCENT: u32 = 40;
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
/// A leader without a quorum is silent in turns of at least this length, so that those who hear it may elect another: long enough
/// for the last in rank to stand, or who alone could win would never be let.
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
    /// The timeouts `[min, max)` of elections, in milliseconds: the same on all nodes, so that no lease (as long as the longest
    /// timeout) outlasts another's first question.
    fn election_timeout_ms(&self) -> (u64, u64) {
        let min = millis(self.election_timeout);
        (min, min + ELECTION_JITTER_MAX_MS.min(min / 10).max(1))
    }

    /// The longest that openraft waits, from the last word of a leader, before it would stand: a lease and a timeout.
    pub(super) fn first_silence_max(&self) -> Duration {
        Duration::from_millis(2 * self.election_timeout_ms().1)
    }

    /// How much later each rank stands than the one above.
    pub(super) fn rank_spacing(&self) -> Duration {
        self.election_timeout * RANK_SPACING_PERCENT / 100
    }

    /// How long any of so many voters may go without a word from a leader before it does something about it.
    pub(super) fn silence_max(&self, voters: usize) -> Duration {
        let ranks = u32::try_from(voters.saturating_sub(1)).unwrap_or(u32::MAX);
        self.first_silence_max() + self.rank_spacing().saturating_mul(ranks)
    }

    pub(crate) fn openraft(&self, cluster_name: String) -> Result<Arc<Config>, ConfigFault> {
        let (election_timeout_min, election_timeout_max) = self.election_timeout_ms();
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
            quorum_loss_probe_interval: Some(
                QUORUM_LOSS_PROBE_MIN_MS.max(millis(self.silence_max(NODES_MAX as usize))),
            ),
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

    fn config() -> ConsensusConfig {
        ConsensusConfig {
            node_id: NodeId(1),
            heartbeat_interval: Duration::from_millis(100),
            election_timeout: Duration::from_millis(400),
            snapshot_entries: 50_000,
            keep_entries: 50_000,
            hand_back: None,
            formation: Formation::Founder(BTreeMap::from([(NodeId(1), NodeAddrs::default())])),
        }
    }

    #[test]
    fn whoever_asks_first_asks_after_every_lease_has_ended() {
        let config = config();
        let openraft = config.openraft("c".to_owned()).unwrap();
        let lease = openraft.election_timeout_max;
        let heartbeat = openraft.heartbeat_interval;
        assert!(
            lease + openraft.election_timeout_min > lease + heartbeat,
            "a missed heartbeat included"
        );
        assert_eq!((openraft.election_timeout_min, lease), (400, 440));
    }

    #[test]
    fn two_ranks_are_further_apart_than_chance_and_a_missed_heartbeat() {
        let config = config();
        let (min, max) = config.election_timeout_ms();
        let chance = Duration::from_millis(max - min);
        assert!(config.rank_spacing() > chance + config.heartbeat_interval);
        assert_eq!(config.silence_max(1), Duration::from_millis(880));
        assert_eq!(config.silence_max(5), Duration::from_millis(880 + 4 * 160));
    }

    #[test]
    fn a_leader_without_a_quorum_is_silent_until_the_last_in_rank_may_stand() {
        for timeout_ms in [400, 1000, 60_000] {
            let mut config = config();
            config.election_timeout = Duration::from_millis(timeout_ms);
            let silent = config
                .openraft("c".to_owned())
                .unwrap()
                .quorum_loss_probe_interval
                .unwrap();
            assert!(Duration::from_millis(silent) >= config.silence_max(NODES_MAX as usize));
        }
    }

    #[test]
    fn timings_that_cannot_work_are_refused() {
        let mut config = config();
        config.election_timeout = Duration::from_millis(50);
        assert!(
            config.openraft("c".to_owned()).is_err(),
            "a timeout below the heartbeat"
        );
    }
}
