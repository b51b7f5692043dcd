//! The metrics, read with a parser that takes nothing but OpenMetrics 1.0.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use admin_support::{Fake, Server, exchange, raw};
use quorate_adminapi::UtcTime;
use quorate_core::{LogIndex, NodeId};
use quorate_daemon::admin::{Histogram, MetricsSnapshot, PeerLag, PeerSeen, SessionCount, serve_metrics};
use tokio::net::{TcpListener, TcpStream};

/// A family: its type, its unit, and its samples by name and labels.
#[derive(Default)]
struct Family {
    kind: String,
    unit: String,
    samples: Vec<(String, String, f64)>,
}

/// Reads a whole exposition (OpenMetrics 1.0, section "Text format"); panics at what is not allowed there.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let body = text
        .strip_suffix("# EOF\n")
        .expect("an exposition ends with # EOF and a line feed");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        if let Some(meta) = line.strip_prefix("# ") {
            let (what, rest) = meta.split_once(' ').expect("metadata has a name");
            let (name, value) = rest.split_once(' ').expect("metadata has a value");
            if name != current {
                assert!(!families.contains_key(name), "{name} is interleaved or comes twice");
                current = name.to_owned();
            }
            let family = families.entry(current.clone()).or_default();
            assert!(family.samples.is_empty(), "metadata after a sample: {line}");
            match what {
                "TYPE" => family.kind = value.to_owned(),
                "UNIT" => family.unit = value.to_owned(),
                "HELP" => assert!(!value.is_empty()),
                other => panic!("{other}"),
            }
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a sample has a value");
            let (name, labels) = series.split_once('{').map_or((series, ""), |(name, labels)| {
                (name, labels.strip_suffix('}').expect("labels end in a brace"))
            });
            let value = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            let family = families.get_mut(&current).expect("samples follow metadata");
            family.samples.push((name.to_owned(), labels.to_owned(), value));
        }
    }
    for (name, family) in &families {
        check(name, family);
    }
    families
}

fn check(name: &str, family: &Family) {
    let suffixes: &[&str] = match family.kind.as_str() {
        "counter" => &["_total"],
        "gauge" => &[""],
        "histogram" => &["_bucket", "_count", "_sum"],
        "info" => &["_info"],
        other => panic!("{name} has the type {other}"),
    };
    assert!(
        family.unit.is_empty() || name.ends_with(&format!("_{}", family.unit)),
        "{name} lacks its unit"
    );
    let mut seen = BTreeSet::new();
    for (sample, labels, value) in &family.samples {
        let suffix = sample
            .strip_prefix(name)
            .unwrap_or_else(|| panic!("{sample} in {name}"));
        assert!(suffixes.contains(&suffix), "{sample} in a {}", family.kind);
        assert!(seen.insert((sample, labels)), "{sample}{{{labels}}} comes twice");
        assert!(value.is_finite() && *value >= 0.0, "{sample} is {value}");
    }
    if family.kind == "histogram" {
        let of = |suffix: &'static str| {
            let samples = family.samples.iter();
            samples.filter(move |(sample, ..)| sample.ends_with(suffix))
        };
        let buckets: Vec<f64> = of("_bucket").map(|(_, _, value)| *value).collect();
        assert!(buckets.is_sorted(), "{name}'s buckets are cumulative");
        assert_eq!(of("_bucket").next_back().unwrap().1, "le=\"+Inf\"");
        assert_eq!(of("_count").next().unwrap().2, *buckets.last().unwrap());
    }
}

fn full() -> MetricsSnapshot {
    MetricsSnapshot {
        version: "0.1.0".into(),
        is_leader: true,
        term: 4,
        committed: Some(LogIndex(918)),
        applied: Some(LogIndex(917)),
        follower_lag: [(1, 0), (2, 307)]
            .map(|(peer, entries)| PeerLag {
                peer: NodeId(peer),
                entries,
            })
            .to_vec(),
        elections: Some(2),
        log_sync: Some(Histogram {
            buckets: vec![(0.001, 5), (0.01, 2)],
            above: 1,
            sum_seconds: 0.5,
        }),
        post_commit: Some(Histogram {
            buckets: vec![(0.005, 0)],
            above: 0,
            sum_seconds: 0.0,
        }),
        dedup_hits: Some(1),
        sessions: ["anonymous", "authenticated"]
            .map(|state| SessionCount { state, count: 3 })
            .to_vec(),
        sessions_resumed: Some(8),
        sessions_not_resumed: Some(0),
        path_migrations: Some(1),
        snapshot_finished: Some(UtcTime::from_unix_ms(1_795_368_922_007)),
        cert_expires: Some(UtcTime::from_unix_ms(1_797_960_922_000)),
        disk_free_bytes: Some(1 << 40),
        data_bytes: Some(123_456),
        rate_limited: Some(0),
        has_leader: Some(true),
        voters: Some(3),
        peers: vec![
            PeerSeen {
                peer: NodeId(1),
                rtt_seconds: Some(0.0005),
                clock_difference_seconds: Some(0.003),
            },
            PeerSeen {
                peer: NodeId(2),
                rtt_seconds: None,
                clock_difference_seconds: None,
            },
        ],
        checkpoint: Some(Histogram {
            buckets: vec![(0.005, 1)],
            above: 0,
            sum_seconds: 0.004,
        }),
        queues: vec![("relay", 3), ("log", 0)],
        delivered: Some(12),
        disk_size_bytes: Some(1 << 41),
        udp_dropped: vec![("client", 0), ("peer", 2)],
    }
}

async fn scrape(metrics: MetricsSnapshot) -> (String, BTreeMap<String, Family>) {
    let server = Server::start(Fake {
        metrics,
        ..Fake::default()
    });
    let answer = raw(
        &server,
        b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    let (head, text) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), parse(text))
}

#[tokio::test]
async fn all_numbers_are_there_under_their_names() {
    let (head, families) = scrape(full()).await;
    assert!(
        head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{head}"
    );
    let expected = [
        ("chatd_build", "info"),
        ("chatd_raft_is_leader", "gauge"),
        ("chatd_raft_term", "gauge"),
        ("chatd_raft_commit_index", "gauge"),
        ("chatd_raft_applied_index", "gauge"),
        ("chatd_raft_follower_lag_entries", "gauge"),
        ("chatd_raft_elections", "counter"),
        ("chatd_wal_fsync_duration_seconds", "histogram"),
        ("chatd_post_commit_duration_seconds", "histogram"),
        ("chatd_dedup_hits", "counter"),
        ("chatd_sessions", "gauge"),
        ("chatd_session_resume", "counter"),
        ("chatd_quic_path_migrations", "counter"),
        ("chatd_snapshot_last_success_timestamp_seconds", "gauge"),
        ("chatd_cert_not_after_timestamp_seconds", "gauge"),
        ("chatd_disk_free_bytes", "gauge"),
        ("chatd_data_bytes", "gauge"),
        ("chatd_ratelimited", "counter"),
        ("chatd_raft_has_leader", "gauge"),
        ("chatd_raft_voters", "gauge"),
        ("chatd_peer_up", "gauge"),
        ("chatd_peer_rtt_seconds", "gauge"),
        ("chatd_peer_clock_difference_seconds", "gauge"),
        ("chatd_checkpoint_duration_seconds", "histogram"),
        ("chatd_queue_depth", "gauge"),
        ("chatd_events_delivered", "counter"),
        ("chatd_disk_size_bytes", "gauge"),
        ("chatd_udp_dropped", "counter"),
        ("process_resident_memory_bytes", "gauge"),
        ("process_open_fds", "gauge"),
        ("process_max_fds", "gauge"),
        ("process_start_time_seconds", "gauge"),
        ("process_cpu_seconds", "counter"),
    ];
    let expected: BTreeMap<&str, &str> = expected.into_iter().collect();
    let found: BTreeMap<&str, &str> = families
        .iter()
        .map(|(name, family)| (name.as_str(), family.kind.as_str()))
        .collect();
    assert_eq!(found, expected);
    let one = |family: &str, sample: &str, labels: &str| {
        let samples = &families[family].samples;
        samples
            .iter()
            .find(|(name, with, _)| name == sample && with == labels)
            .map(|(_, _, value)| *value)
    };
    assert_eq!(
        one("chatd_raft_commit_index", "chatd_raft_commit_index", ""),
        Some(918.0)
    );
    assert_eq!(
        one(
            "chatd_raft_follower_lag_entries",
            "chatd_raft_follower_lag_entries",
            "peer=\"2\""
        ),
        Some(307.0)
    );
    assert_eq!(
        one("chatd_session_resume", "chatd_session_resume_total", "result=\"ok\""),
        Some(8.0)
    );
    let sync = "chatd_wal_fsync_duration_seconds";
    assert_eq!(
        one(sync, "chatd_wal_fsync_duration_seconds_bucket", "le=\"0.01\""),
        Some(7.0)
    );
    assert_eq!(
        one(sync, "chatd_wal_fsync_duration_seconds_bucket", "le=\"+Inf\""),
        Some(8.0)
    );
    assert_eq!(one(sync, "chatd_wal_fsync_duration_seconds_sum", ""), Some(0.5));
    let up = |peer: &str| one("chatd_peer_up", "chatd_peer_up", peer);
    assert_eq!((up("peer=\"1\""), up("peer=\"2\"")), (Some(1.0), Some(0.0)));
    assert_eq!(
        one("chatd_udp_dropped", "chatd_udp_dropped_total", "port=\"peer\""),
        Some(2.0)
    );
    let snapshot = "chatd_snapshot_last_success_timestamp_seconds";
    assert_eq!(one(snapshot, snapshot, ""), Some(1_795_368_922.007));
    assert!(one("process_resident_memory_bytes", "process_resident_memory_bytes", "").unwrap() > 1e6);
    assert!(one("process_start_time_seconds", "process_start_time_seconds", "").unwrap() > 1.7e9);
}

/// The names of metrics in a text, whatever is around them.
fn named(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("chatd_") || word.starts_with("process_"))
        .collect()
}

#[tokio::test]
async fn every_metric_that_the_dashboard_and_the_alerts_name_is_there() {
    let (_, families) = scrape(full()).await;
    let samples: BTreeSet<&str> = families
        .values()
        .flat_map(|family| family.samples.iter().map(|(name, ..)| name.as_str()))
        .collect();
    for text in [
        include_str!("../../config/grafana/quorate.json"),
        include_str!("../../config/prometheus/alerts.yml"),
    ] {
        let named = named(text);
        assert!(named.len() > 10, "{named:?}");
        let missing: Vec<_> = named.difference(&samples).collect();
        assert!(missing.is_empty(), "{missing:?} of {samples:?}");
    }
}

#[tokio::test]
async fn what_is_not_known_is_left_out() {
    let (_, families) = scrape(MetricsSnapshot::default()).await;
    let ours: Vec<&str> = families
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("chatd_"))
        .collect();
    assert_eq!(ours, ["chatd_build", "chatd_raft_is_leader", "chatd_raft_term"]);
}

#[tokio::test]
async fn the_tcp_listener_serves_metrics_and_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let source = Arc::new(Fake {
        metrics: full(),
        ..Fake::default()
    });
    let server = tokio::spawn(serve_metrics(listener, source, std::future::pending()));
    let get = async |path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        exchange(TcpStream::connect(addr).await.unwrap(), request.as_bytes()).await
    };
    let answer = get("/metrics").await;
    parse(answer.split_once("\r\n\r\n").unwrap().1);
    let answer = get("/v1/status").await;
    assert!(
        answer.starts_with("HTTP/1.1 404 ") && answer.contains("\"unknown-path\""),
        "{answer}"
    );
    server.abort();
}
