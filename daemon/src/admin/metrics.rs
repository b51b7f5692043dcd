//! The numbers of a node as OpenMetrics text.
//!
//! Families begin with `chatd_`, or `process_` for what every program has; units are seconds and bytes. No label names a
//! user or a room: their number has no bound.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeGaugeValue, EncodeMetric, LabelSetEncoder, MetricEncoder, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use quorate_adminapi::UtcTime;
use quorate_core::{LogIndex, NodeId};

use super::process::ProcessNumbers;

/// What the text is, for the HTTP header.
pub const OPENMETRICS_CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The numbers of a node at one moment. A family whose number is `None` (and a list that is empty) is left out of the
/// text: nothing here is told as 0 that was not counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricsSnapshot {
    /// The version of the program.
    pub version: String,
    /// Whether this node leads.
    pub is_leader: bool,
    /// The Raft term.
    pub term: u64,
    /// The last committed log index.
    pub committed: Option<LogIndex>,
    /// The last applied log index.
    pub applied: Option<LogIndex>,
    /// On a leader, how far each other node is behind.
    pub follower_lag: Vec<PeerLag>,
    /// Elections that this node saw begin, since it started.
    pub elections: Option<u64>,
    /// How long the syncs of the log took.
    pub log_sync: Option<Histogram>,
    /// How long posts took from their arrival here to their commit.
    pub post_commit: Option<Histogram>,
    /// Requests answered from a stored receipt, since start.
    pub dedup_hits: Option<u64>,
    /// Sessions on this node by their state.
    pub sessions: Vec<SessionCount>,
    /// Sessions that went on where another had ended, since start: whether they found all that they had missed.
    pub sessions_resumed: Option<u64>,
    /// Sessions that tried to and had to begin anew.
    pub sessions_not_resumed: Option<u64>,
    /// Times that a client's address changed under a connection, since start.
    pub path_migrations: Option<u64>,
    /// When the last snapshot was finished.
    pub snapshot_finished: Option<UtcTime>,
    /// When this node's certificate expires.
    pub cert_expires: Option<UtcTime>,
    /// What is free on the file system of the data directory.
    pub disk_free_bytes: Option<u64>,
    /// What the data directory takes.
    pub data_bytes: Option<u64>,
    /// Requests refused by a rate limit, since start.
    pub rate_limited: Option<u64>,
    /// Whether this node knows of a leader.
    pub has_leader: Option<bool>,
    /// How many nodes vote.
    pub voters: Option<u64>,
    /// The other nodes, as this one sees them.
    pub peers: Vec<PeerSeen>,
    /// How long the durable transactions of the state took.
    pub checkpoint: Option<Histogram>,
    /// What waits, by the name of the queue: one of a fixed few words.
    pub queues: Vec<(&'static str, u64)>,
    /// Events handed to feeds, since start.
    pub delivered: Option<u64>,
    /// The size of the file system of the data directory.
    pub disk_size_bytes: Option<u64>,
    /// Packets that the kernel dropped, by the name of the port.
    pub udp_dropped: Vec<(&'static str, u64)>,
}

/// Another node, as this one sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeerSeen {
    /// Which node.
    pub peer: NodeId,
    /// The time there and back in seconds; `None` when it does not answer.
    pub rtt_seconds: Option<f64>,
    /// How far its clock is from this node's, in seconds.
    pub clock_difference_seconds: Option<f64>,
}

/// How far a node is behind the leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLag {
    /// Which node.
    pub peer: NodeId,
    /// How many entries it lacks.
    pub entries: u64,
}

/// How many sessions are in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCount {
    /// The state, one of a fixed few words.
    pub state: &'static str,
    /// How many.
    pub count: u64,
}

/// Durations that were observed, sorted into buckets.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Upper bound in seconds (inclusive, rising), and how many observations are in that bucket and in none before it.
    pub buckets: Vec<(f64, u64)>,
    /// How many were above the last bound.
    pub above: u64,
    /// The sum of all observations, in seconds.
    pub sum_seconds: f64,
}

/// The OpenMetrics text of a snapshot, with the numbers of this process.
pub(super) fn to_openmetrics(snapshot: MetricsSnapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Families {
        snapshot,
        process: ProcessNumbers::read(),
    }));
    let mut text = String::new();
    text::encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Families {
    snapshot: MetricsSnapshot,
    process: ProcessNumbers,
}

impl Collector for Families {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut to = Writer { encoder };
        let numbers = &self.snapshot;
        to.family("chatd_build", "The program", None, MetricType::Info, |mut metric| {
            metric.encode_info(&[("version", numbers.version.as_str())])
        })?;
        to.gauge(
            "chatd_raft_is_leader",
            "Whether this node leads",
            None,
            Some(u64::from(numbers.is_leader)),
        )?;
        to.gauge("chatd_raft_term", "The Raft term", None, Some(numbers.term))?;
        to.gauge(
            "chatd_raft_commit_index",
            "Last committed log index",
            None,
            numbers.committed.map(|index| index.0),
        )?;
        to.gauge(
            "chatd_raft_applied_index",
            "Last applied log index",
            None,
            numbers.applied.map(|index| index.0),
        )?;
        let lags = numbers
            .follower_lag
            .iter()
            .map(|lag| ([("peer", lag.peer.to_string())], lag.entries));
        to.gauges(
            "chatd_raft_follower_lag_entries",
            "How many entries a node lacks, on the leader",
            None,
            lags,
        )?;
        to.counter("chatd_raft_elections", "Elections seen to begin", numbers.elections)?;
        to.histogram(
            "chatd_wal_fsync_duration",
            "How long the syncs of the log took",
            numbers.log_sync.as_ref(),
        )?;
        to.histogram(
            "chatd_post_commit_duration",
            "From a post's arrival to its commit",
            numbers.post_commit.as_ref(),
        )?;
        to.counter(
            "chatd_dedup_hits",
            "Requests answered from a stored receipt",
            numbers.dedup_hits,
        )?;
        let sessions = numbers
            .sessions
            .iter()
            .map(|session| ([("state", session.state.to_owned())], session.count));
        to.gauges("chatd_sessions", "Sessions on this node", None, sessions)?;
        let resumed = [
            ("ok", numbers.sessions_resumed),
            ("failed", numbers.sessions_not_resumed),
        ];
        to.counters(
            "chatd_session_resume",
            "Sessions that went on where another had ended",
            "result",
            resumed,
        )?;
        to.counter(
            "chatd_quic_path_migrations",
            "Changes of a client's address",
            numbers.path_migrations,
        )?;
        to.time(
            "chatd_snapshot_last_success_timestamp",
            "When the last snapshot was finished",
            numbers.snapshot_finished,
        )?;
        to.time(
            "chatd_cert_not_after_timestamp",
            "When the node's certificate expires",
            numbers.cert_expires,
        )?;
        let bytes = Some(&Unit::Bytes);
        to.gauge(
            "chatd_disk_free",
            "Free on the data's file system",
            bytes,
            numbers.disk_free_bytes,
        )?;
        to.gauge("chatd_data", "What the data directory takes", bytes, numbers.data_bytes)?;
        to.counter(
            "chatd_ratelimited",
            "Requests refused by a rate limit",
            numbers.rate_limited,
        )?;
        to.gauge(
            "chatd_raft_has_leader",
            "Whether this node knows of a leader",
            None,
            numbers.has_leader.map(u64::from),
        )?;
        to.gauge("chatd_raft_voters", "How many nodes vote", None, numbers.voters)?;
        to.peers(&numbers.peers)?;
        to.histogram(
            "chatd_checkpoint_duration",
            "How long the durable transactions of the state took",
            numbers.checkpoint.as_ref(),
        )?;
        let queues = numbers.queues.iter();
        let queues = queues.map(|(queue, depth)| ([("queue", (*queue).to_owned())], *depth));
        to.gauges("chatd_queue_depth", "What waits for its turn", None, queues)?;
        to.counter("chatd_events_delivered", "Events handed to feeds", numbers.delivered)?;
        to.gauge(
            "chatd_disk_size",
            "The size of the data's file system",
            bytes,
            numbers.disk_size_bytes,
        )?;
        let dropped = numbers.udp_dropped.iter().map(|(port, count)| (*port, Some(*count)));
        to.counters(
            "chatd_udp_dropped",
            "Packets that the kernel dropped for want of room",
            "port",
            dropped,
        )?;

        let process = &self.process;
        to.gauge(
            "process_resident_memory",
            "Memory in use",
            bytes,
            process.resident_bytes,
        )?;
        to.gauge("process_open_fds", "Open file descriptors", None, process.open_fds)?;
        to.gauge(
            "process_max_fds",
            "The limit on open file descriptors",
            None,
            process.max_fds,
        )?;
        to.gauge_f64(
            "process_start_time",
            "When the process was started",
            process.start_time_seconds,
        )?;
        to.counter_f64("process_cpu", "User and system CPU time spent", process.cpu_seconds)
    }
}

/// Writes families of which each has one kind of number; a unit becomes the end of the name.
struct Writer<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl Writer<'_> {
    fn family(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        write: impl FnOnce(MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        write(self.encoder.encode_descriptor(name, help, unit, kind)?)
    }

    fn gauge(&mut self, name: &str, help: &str, unit: Option<&Unit>, number: Option<u64>) -> fmt::Result {
        let Some(number) = number else { return Ok(()) };
        self.family(name, help, unit, MetricType::Gauge, |metric| {
            ConstGauge::new(number).encode(metric)
        })
    }

    fn gauge_f64(&mut self, name: &str, help: &str, seconds: Option<f64>) -> fmt::Result {
        let Some(seconds) = seconds else { return Ok(()) };
        let unit = Some(&Unit::Seconds);
        self.family(name, help, unit, MetricType::Gauge, |metric| {
            ConstGauge::new(seconds).encode(metric)
        })
    }

    fn time(&mut self, name: &str, help: &str, time: Option<UtcTime>) -> fmt::Result {
        // Milliseconds of any date fit a double exactly.
        #[allow(clippy::cast_precision_loss)]
        let seconds = time.map(|time| time.unix_ms() as f64 / 1000.0);
        self.gauge_f64(name, help, seconds)
    }

    fn gauges<'l, N: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        numbers: impl Iterator<Item = ([(&'l str, String); 1], N)>,
    ) -> fmt::Result {
        let mut numbers = numbers.peekable();
        if numbers.peek().is_none() {
            return Ok(());
        }
        self.family(name, help, unit, MetricType::Gauge, |mut metric| {
            for (labels, number) in numbers {
                ConstGauge::new(number).encode(metric.encode_family(&labels)?)?;
            }
            Ok(())
        })
    }

    fn counter(&mut self, name: &str, help: &str, number: Option<u64>) -> fmt::Result {
        let Some(number) = number else { return Ok(()) };
        self.family(name, help, None, MetricType::Counter, |metric| {
            ConstCounter::new(number).encode(metric)
        })
    }

    fn counter_f64(&mut self, name: &str, help: &str, seconds: Option<f64>) -> fmt::Result {
        let Some(seconds) = seconds else { return Ok(()) };
        let unit = Some(&Unit::Seconds);
        self.family(name, help, unit, MetricType::Counter, |metric| {
            ConstCounter::new(seconds).encode(metric)
        })
    }

    /// The other nodes: whether they answer, how far away they are, and how their clocks go.
    fn peers(&mut self, peers: &[PeerSeen]) -> fmt::Result {
        let label = |peer: &PeerSeen| [("peer", peer.peer.to_string())];
        let up = peers
            .iter()
            .map(|peer| (label(peer), u64::from(peer.rtt_seconds.is_some())));
        self.gauges("chatd_peer_up", "Whether another node answers this one", None, up)?;
        let seconds = Some(&Unit::Seconds);
        let rtt = peers.iter().filter_map(|peer| Some((label(peer), peer.rtt_seconds?)));
        self.gauges("chatd_peer_rtt", "The time to another node and back", seconds, rtt)?;
        let clock = peers
            .iter()
            .filter_map(|peer| Some((label(peer), peer.clock_difference_seconds?)));
        self.gauges(
            "chatd_peer_clock_difference",
            "How far the clock of another node is from this one's",
            seconds,
            clock,
        )
    }

    fn counters<'l>(
        &mut self,
        name: &str,
        help: &str,
        label: &str,
        numbers: impl IntoIterator<Item = (&'l str, Option<u64>)>,
    ) -> fmt::Result {
        let numbers = numbers.into_iter();
        let mut numbers = numbers.filter_map(|(value, number)| Some((value, number?))).peekable();
        if numbers.peek().is_none() {
            return Ok(());
        }
        self.family(name, help, None, MetricType::Counter, |mut metric| {
            for (value, number) in numbers {
                ConstCounter::new(number).encode(metric.encode_family(&[(label, value)])?)?;
            }
            Ok(())
        })
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: Option<&Histogram>) -> fmt::Result {
        let Some(Histogram {
            buckets,
            above,
            sum_seconds,
        }) = histogram
        else {
            return Ok(());
        };
        // The encoder takes the largest number for the bucket without a bound.
        let all: Vec<(f64, u64)> = buckets.iter().copied().chain([(f64::MAX, *above)]).collect();
        let count = all.iter().map(|(_, count)| count).sum();
        self.family(name, help, Some(&Unit::Seconds), MetricType::Histogram, |mut metric| {
            metric.encode_histogram::<NoLabels>(*sum_seconds, count, &all, None)
        })
    }
}

/// No labels, where the encoder wants a type for them.
struct NoLabels;

impl prometheus_client::encoding::EncodeLabelSet for NoLabels {
    fn encode(&self, _: &mut LabelSetEncoder<'_>) -> fmt::Result {
        Ok(())
    }
}
