//! Two of three voters are gone for good: what the third has goes on, when an operator says so, and the others never come back.

use std::process::Command;
use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, Finished, Rpc, programs, run, until};

const ROOM: &str = "ops";
const DEADLINE: Duration = Duration::from_secs(60);
const STOPPED_DEADLINE: Duration = Duration::from_secs(20);

fn recover(cluster: &Cluster, id: u64, flags: &[&str]) -> Finished {
    let data = cluster.node_dir(id).join("data");
    let mut command = Command::new(&programs().chatctl);
    command
        .args(["-o", "json", "recover", "quorum", "--data-dir"])
        .arg(data)
        .args(flags);
    run(&mut command, "", DEADLINE)
}

#[test]
fn after_a_recovery_posts_go_on_and_the_others_are_refused() {
    let both = ["--keep-self", "--i-accept-data-loss"];
    let mut cluster = Cluster::with(ClusterOptions::new(3));
    let alice = cluster.rpc("alice", 2);
    alice.register("alice");
    alice.create(ROOM);
    let first = alice.post(ROOM, "with three", "first").expect("acknowledged");
    let _ = cluster.wait_equal_hashes();
    let _ = recover(&cluster, 2, &both).expect_code(7);
    cluster.kill(1);
    cluster.kill(3);
    cluster.stop(2, STOPPED_DEADLINE);
    drop(alice);

    let refused = recover(&cluster, 2, &["--keep-self"]).expect_code(7);
    assert!(refused.stderr.contains("DATA LOSS"), "{}", refused.stderr);
    let planned = recover(&cluster, 2, &["--dry-run"]).success();
    assert_eq!(planned.data()["voters"], serde_json::json!([1, 2, 3]));
    let done = recover(&cluster, 2, &both).success();
    assert_eq!(done.data(), planned.data());
    assert_eq!(done.data()["closed"], serde_json::json!([1, 3]));
    let _ = recover(&cluster, 2, &both).expect_code(7);

    cluster.start(2);
    until("node 2 leads alone", DEADLINE, || {
        let status = cluster.status(2)?;
        (status.leader == Some(2) && status.voters == 1 && status.nodes.len() == 1).then_some(())
    });
    let mut command = cluster.chat_command("alice");
    command.args(["rpc", "--server", &cluster.client_addr(2)]);
    let alice = Rpc::start(&mut command, "alice after");
    until("alice is back", DEADLINE, || {
        alice.call("whoami", &serde_json::json!({})).ok()
    });
    assert_eq!(alice.post(ROOM, "with three", "first").expect("acknowledged"), first);
    let second = alice.post(ROOM, "alone", "second").expect("posts go on");
    assert_eq!(second.seq, first.seq + 1);

    until(
        "the others are written down as gone, so that nobody waits for them",
        DEADLINE,
        || {
            let nodes = cluster.ctl(2, &["-o", "json", "ca", "show"]).success().data()["nodes"].clone();
            (nodes.as_array().map(Vec::len) == Some(1)).then_some(())
        },
    );
    // One that comes back with all its data is nobody here. It is not told to end: it may be one of a majority that goes on, where the
    // recovery was a mistake.
    cluster.start(3);
    until("node 3 is refused", DEADLINE, || {
        let trace = cluster.daemon(3).trace_text();
        trace
            .contains("another data directory under this node's id")
            .then_some(())
    });
    let third = alice.post(ROOM, "still alone", "third").expect("posts go on");
    assert_eq!(third.seq, second.seq + 1);
    let status = cluster.status(2).expect("it has its quorum");
    assert_eq!((status.leader, status.voters), (Some(2), 1));
}
