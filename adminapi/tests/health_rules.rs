//! When a cluster is healthy, and how it is told.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use quorate_adminapi::{Cluster, Health, HealthLevel, Member, MemberRole, MemberState, Status, Vitals};
use quorate_core::{LogIndex, NodeId};

fn node(id: u64, role: MemberRole, state: MemberState, is_leader: bool) -> Member {
    Member {
        id: NodeId(id),
        role,
        state,
        is_leader,
        peer_addr: format!("h{id}:7401"),
        client_addr: format!("h{id}:7400"),
        version: None,
        matched: None,
        applied: None,
        lag: None,
        last_contact_ms: None,
        sessions: None,
        disk_bytes: None,
        cert_expires: None,
        vitals: Vitals::default(),
    }
}

/// Five voters, the first `up` of them up, led by the first; and a learner that catches up.
fn cluster(up: u64, led: bool) -> Status {
    let mut nodes: Vec<Member> = (1..=5)
        .map(|id| {
            let state = if id <= up { MemberState::Up } else { MemberState::Down };
            node(id, MemberRole::Voter, state, led && id == 1)
        })
        .collect();
    nodes.push(node(6, MemberRole::Learner, MemberState::CatchingUp, false));
    let cluster = Cluster::of("abcdefghijklmnop".into(), "chat".into(), 4, Some(LogIndex(9)), &nodes);
    Status {
        cluster,
        nodes,
        this_node: NodeId(1),
        stale: false,
        warnings: Vec::new(),
    }
}

#[test]
fn all_up_is_ok_and_a_learner_that_catches_up_is_no_problem() {
    let health = Health::of(&cluster(5, true), 2);
    assert_eq!((health.healthy, health.level), (true, HealthLevel::Ok));
    assert_eq!(
        health.to_string(),
        "OK: 5 of 5 voters up, tolerates 2 more failures, leader n1"
    );
}

#[test]
fn a_voter_down_is_a_warning_until_fewer_failures_are_tolerated_than_asked_for() {
    let health = Health::of(&cluster(4, true), 1);
    assert_eq!((health.healthy, health.level), (true, HealthLevel::Warning));
    assert_eq!(
        health.to_string(),
        "WARNING: n5 is down; 4 of 5 voters up, tolerates 1 more failure, leader n1"
    );
    let health = Health::of(&cluster(4, true), 2);
    assert_eq!((health.healthy, health.level), (false, HealthLevel::Critical));
    assert_eq!(health.problems[0], "tolerates 1 more failure and 2 were asked for");
}

#[test]
fn without_a_majority_or_a_leader_it_is_critical() {
    let health = Health::of(&cluster(2, false), 0);
    assert_eq!((health.healthy, health.level), (false, HealthLevel::Critical));
    assert_eq!(health.problems[0], "no majority: 2 of 5 voters are up and 3 are needed");
    let health = Health::of(&cluster(5, false), 0);
    assert_eq!((health.healthy, health.level), (false, HealthLevel::Critical));
    assert_eq!(health.problems, ["no leader"]);
}

#[test]
fn a_cluster_that_does_not_answer_is_critical_even_if_the_node_remembers_better_days() {
    let health = Health::unanswered("no quorum".into(), Some(&cluster(5, true)), 0);
    assert_eq!((health.healthy, health.level), (false, HealthLevel::Critical));
    assert!(
        health.to_string().starts_with("CRITICAL: no quorum; 5 of 5"),
        "{health}"
    );
    let health = Health::unanswered("no cluster".into(), None, 0);
    assert_eq!(health.to_string(), "CRITICAL: no cluster");
}

#[test]
fn the_json_of_a_status_has_the_fields_of_the_contract() {
    let json = serde_json::to_value(cluster(5, true)).unwrap();
    let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let sorted = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        keys(&json["cluster"]),
        sorted(vec![
            "id",
            "name",
            "leader",
            "leader_since",
            "term",
            "committed",
            "voters",
            "voters_up",
            "quorum",
            "tolerates"
        ])
    );
    assert_eq!(
        keys(&json["nodes"][0]),
        sorted(vec![
            "id",
            "role",
            "state",
            "is_leader",
            "peer_addr",
            "client_addr",
            "version",
            "matched",
            "applied",
            "lag",
            "last_contact_ms",
            "sessions",
            "disk_bytes",
            "cert_expires",
            "rtt_us",
            "fsync_p99_us",
            "clock_ahead_ms",
            "disk_free_bytes",
            "disk_size_bytes",
            "catch_up_percent"
        ])
    );
    assert_eq!(json["this_node"], 1);
    assert_eq!(json["nodes"][5]["state"], "catching-up");
    assert_eq!(json["nodes"][5]["role"], "learner");
}
