//! Two of five do nothing that three of five could undo, and say so.

use std::thread::ScopedJoinHandle;
use std::time::{Duration, Instant};

use quorate_tests::{Cluster, Conversation, Finished, until};

const WINDOW: usize = 8;
const ROOM: &str = "ops";
/// What a caller gives a post.
const POST_DEADLINE: Duration = Duration::from_secs(4);
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
    let answer = talk.post_through(&bystander, "bystander", "into the void", POST_DEADLINE);
    let error = answer.expect_err("there is no majority");
    assert!(sent.elapsed() < POST_DEADLINE + SLACK, "{:?}", sent.elapsed());
    match error.outcome.as_str() {
        "refused" => assert_eq!(error.code, "no-quorum", "{error:?}"),
        outcome => assert_eq!(outcome, "unknown", "{error:?}"),
    }

    let refused = |args: &[&str]| {
        let told = cluster.ctl(1, &[&["-o", "json", "-y"], args].concat()).expect_code(6);
        assert_eq!(told.error_code().as_deref(), Some("no-quorum"), "{args:?}: {told:?}");
        let numbers = "2 of 5 voters are reachable from this node, 3 are needed";
        assert!(told.stderr.contains(numbers), "{args:?}: {}", told.stderr);
    };
    // Each waits for a leader as long as it may, so all at once.
    std::thread::scope(|scope| {
        scope.spawn(|| refused(&["status"]));
        scope.spawn(|| refused(&["member", "remove", "5", "--force"]));
        scope.spawn(|| refused(&["lockdown", "read-only"]));
        let health = scope.spawn(|| cluster.ctl(1, &["health"]));
        let health = health.join().expect("it ends in time");
        assert_eq!(health.code, Some(5), "{health:?}");
    });
    let stale = cluster.stale_status(1);
    assert_eq!((stale.voters, stale.voters_up), (5, 2), "{stale:?}");
    assert!(cluster.raft_info(2).is_some(), "raft info always answers locally");
    assert_eq!(talk.checker().acked_count(), acked, "no majority, no acknowledgement");

    cluster.start(killed[0]);
    cluster.start(killed[1]);
    cluster.wait_healthy();
    talk.wait_for_more(20);
    cluster.start(killed[2]);
    cluster.wait_healthy();
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!(
        (status.voters, status.nodes.len()),
        (5, 5),
        "who was to be removed is there"
    );
    let lockdown = cluster.ctl(1, &["-o", "json", "lockdown"]).success().data();
    assert_eq!(lockdown["mode"], "off");
    talk.wait_for_more(5);
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
    let run = |profile, args: &[&str], stdin| cluster.chat(profile, args, stdin, ONE_SHOT_DEADLINE);
    std::thread::scope(|scope| {
        let read = scope.spawn(|| run("alice", &["history", ROOM, "--linearizable"], ""));
        let sent = scope.spawn(|| run("alice", &["send", ROOM, "hello?"], ""));
        // Nothing listens on the discard port.
        let login = [
            "login",
            "--server",
            "127.0.0.1:9",
            "--user",
            "alice",
            "--password-stdin",
        ];
        let nowhere = scope.spawn(move || run("nowhere", &login, "secret\n"));
        let ended = |command: ScopedJoinHandle<'_, Finished>| command.join().expect("it ends in time");
        let _ = ended(read).expect_code(6);
        let _ = ended(nowhere).expect_code(6);
        let sent = ended(sent);
        assert!(
            matches!(sent.code, Some(6 | 8)),
            "neither done nor surely not: {sent:?}"
        );
    });
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
