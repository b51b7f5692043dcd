//! Two of five do nothing that three of five could undo, and say so.

use std::time::{Duration, Instant};

use quorate_tests::{Cluster, Conversation, until};
use serde_json::json;

const WINDOW: usize = 8;
const ROOM: &str = "ops";
/// What a caller gives a post.
const POST_DEADLINE_MS: u64 = 4000;
/// What the answer may take beyond it.
const SLACK: Duration = Duration::from_secs(3);
/// Until a survivor has given its leader up, and until a client has been told.
const LEADERLESS_DEADLINE: Duration = Duration::from_secs(15);
/// What a command without a quorum may take, by the contract.
const ONE_SHOT_DEADLINE: Duration = Duration::from_secs(35);

#[test]
fn without_a_majority_nothing_is_acked_and_with_one_again_nothing_is_lost() {
    let mut cluster = Cluster::new(5);
    let talk = Conversation::start(&cluster, ROOM, &[1, 4], &[2, 5], WINDOW);
    let bystander = cluster.rpc("bystander", 2);
    bystander.register("bystander");
    bystander.join(ROOM);
    talk.wait_for_more(30);

    // The leader is the highest by preference; any three will do.
    let killed = [3, 4, 5];
    for id in killed {
        cluster.kill(id);
    }
    until("a survivor has noticed", LEADERLESS_DEADLINE, || {
        let nodes = cluster.stale_status(1).nodes;
        killed.iter().all(|id| nodes[id].state == "down").then_some(())
    });
    // What was under way when the third died may still have been acknowledged by a majority.
    let acked = talk.checker().acked_count();

    let sent = Instant::now();
    let body = json!({"room": ROOM, "body": "into the void", "deadline_ms": POST_DEADLINE_MS});
    let error = bystander.call("post", &body).expect_err("there is no majority");
    assert!(
        sent.elapsed() < Duration::from_millis(POST_DEADLINE_MS) + SLACK,
        "{:?}",
        sent.elapsed()
    );
    match error.outcome.as_str() {
        "refused" => assert_eq!(error.code, "no-quorum", "{error:?}"),
        outcome => assert_eq!(outcome, "unknown", "{error:?}"),
    }

    let status = cluster.ctl(1, &["-o", "json", "status"]).expect_code(6);
    assert_eq!(status.error_code().as_deref(), Some("no-quorum"), "{}", status.stderr);
    let stale = cluster.stale_status(1);
    assert_eq!((stale.voters, stale.voters_up), (5, 2), "{stale:?}");
    assert!(cluster.raft_info(2).is_some(), "raft info always answers locally");
    let health = cluster.ctl(1, &["health"]);
    assert_eq!(health.code, Some(5), "{health:?}");
    assert_eq!(talk.checker().acked_count(), acked, "no majority, no acknowledgement");

    cluster.start(killed[0]);
    cluster.start(killed[1]);
    cluster.wait_healthy();
    // The bystander's post may have happened: it is no author's, so the record must know of it.
    let late = quorate_tests::Post {
        session: "bystander".into(),
        user: "bystander".into(),
        room: ROOM.into(),
        body: "into the void".into(),
        id: None,
    };
    let attempt = talk.checker().sent(late, quorate_tests::Moment::now());
    match error.outcome.as_str() {
        "refused" => talk.checker().refused(attempt),
        _ => talk.checker().unknown(attempt),
    }
    talk.wait_for_more(20);
    cluster.start(killed[2]);
    cluster.wait_healthy();
    talk.finish(&cluster);
}

#[test]
fn a_command_without_a_quorum_ends_in_time_with_exit_6() {
    let mut cluster = Cluster::new(3);
    let servers = cluster.servers_from(1);
    let register = ["register", "--server", &servers, "--user", "alice", "--password-stdin"];
    let _ = cluster
        .chat("alice", &register, "secret\n", ONE_SHOT_DEADLINE)
        .success();
    let _ = cluster
        .chat("alice", &["create", ROOM], "", ONE_SHOT_DEADLINE)
        .success();
    cluster.kill(3);
    cluster.kill(2);
    let read = ["history", ROOM, "--linearizable"];
    let _ = cluster.chat("alice", &read, "", ONE_SHOT_DEADLINE).expect_code(6);
    let sent = cluster.chat("alice", &["send", ROOM, "hello?"], "", ONE_SHOT_DEADLINE);
    assert!(
        matches!(sent.code, Some(6 | 8)),
        "neither done nor surely not: {sent:?}"
    );
    cluster.kill(1);
    let _ = cluster
        .chat("alice", &["history", ROOM], "", ONE_SHOT_DEADLINE)
        .expect_code(6);
}

#[test]
fn a_connected_client_is_told_that_the_quorum_is_lost_and_that_it_is_back() {
    let mut cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    assert_eq!(alice.node(), 1);
    cluster.kill(3);
    cluster.kill(2);
    let lost = alice.wait_for("the loss of the quorum to be told", LEADERLESS_DEADLINE, |notice| {
        notice.method == "connection" && notice.params["state"] == "no-quorum"
    });
    cluster.start(2);
    alice.wait_for("its return to be told", LEADERLESS_DEADLINE, |notice| {
        notice.at > lost.at && notice.method == "connection" && notice.params["state"] == "connected"
    });
}
