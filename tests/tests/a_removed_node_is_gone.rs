//! A node is taken out by its id, dead or alive, and never comes back: a live one ends by itself, a dead one is told when it
//! returns. What would cost the cluster its quorum or its tolerance is refused with the numbers.

use std::time::Duration;

use quorate_tests::{Cluster, Finished, StatusView, until};

const ROOM: &str = "ops";
/// What the contract gives a removed daemon.
const END_DEADLINE: Duration = Duration::from_secs(30);
/// Until the others have noticed that a node is gone, and one of them leads.
const NOTICED_DEADLINE: Duration = Duration::from_secs(40);

fn counts(status: &StatusView) -> (u64, u64, usize) {
    (status.voters, status.quorum, status.nodes.len())
}

fn refused_with(told: &Finished, numbers: &str) {
    assert_eq!(
        (told.code, told.error_code().as_deref()),
        (Some(7), Some("refused")),
        "{told:?}"
    );
    assert!(told.stderr.contains(numbers), "{}", told.stderr);
}

#[test]
fn a_removed_node_ends_by_itself_and_cannot_come_back() {
    let mut cluster = Cluster::new(3);
    let unconfirmed = cluster.ctl(1, &["-o", "json", "member", "remove", "2"]);
    assert_eq!(unconfirmed.code, Some(7), "nobody has said yes");
    let remove = |cluster: &Cluster, id: &str| cluster.ctl(1, &["-o", "json", "-y", "member", "remove", id]);
    refused_with(
        &remove(&cluster, "2"),
        "2 voters, 2 reachable, 2 needed; now 3 voters, 3 reachable, 2 needed",
    );
    cluster.kill(3);
    let _ = cluster.leader();
    refused_with(
        &remove(&cluster, "2"),
        "2 voters, 1 reachable, 2 needed; now 3 voters, 2 reachable, 2 needed",
    );
    assert_eq!(remove(&cluster, "9").error_code().as_deref(), Some("unknown-node"));

    // The dead one.
    let _ = remove(&cluster, "3").success();
    let status = cluster.status(2).expect("two of two are there");
    assert_eq!((status.voters, status.nodes.len()), (2, 2));
    cluster.start(3);
    let (ended, trace) = cluster.wait_ended(3, END_DEADLINE);
    assert_eq!(ended.code(), Some(0), "in good order, so that nothing starts it again");
    assert!(trace.contains("node 3 was removed from the cluster"), "{trace}");

    // A live one, which leads: its voice is needed for the change that takes it out.
    let leader = cluster.leader();
    let other = 3 - leader;
    let _ = cluster
        .ctl(other, &["-y", "member", "remove", &leader.to_string()])
        .success();
    let (ended, trace) = cluster.wait_ended(leader, END_DEADLINE);
    assert_eq!(ended.code(), Some(0));
    assert!(trace.contains("was removed from the cluster"), "{trace}");
    let status = cluster.status(other).expect("one of one is there");
    assert_eq!((status.voters, status.leader), (1, Some(other)));
    let last = cluster.ctl(other, &["-o", "json", "-y", "cluster", "leave"]);
    assert_eq!(last.code, Some(7), "the last voter stays");
}

#[test]
fn who_has_left_or_was_removed_by_force_counts_to_the_quorum_no_more() {
    let mut cluster = Cluster::new(4);
    let alice = cluster.rpc("alice", 2);
    alice.register("alice");
    alice.create(ROOM);

    // By its own wish.
    let left = cluster
        .ctl(4, &["-o", "json", "-y", "cluster", "leave", "--force"])
        .success();
    assert_eq!((&left.data()["id"], &left.data()["changed"]), (&4.into(), &true.into()));
    let (ended, trace) = cluster.wait_ended(4, END_DEADLINE);
    assert_eq!(ended.code(), Some(0), "{trace}");
    let status = cluster.status(1).expect("three of three are there");
    assert_eq!(counts(&status), (3, 2, 3));
    // Two of four would do nothing.
    cluster.kill(3);
    until("two of three go on", NOTICED_DEADLINE, || {
        let status = cluster.status(1)?;
        (status.leader.is_some_and(|leader| leader < 3) && status.voters_up == 2).then_some(())
    });
    alice.post(ROOM, "two are enough", "two").expect("acknowledged");
    cluster.start(3);
    cluster.wait_healthy();

    // By somebody else's, although it is well and is missed.
    let remove = |options: &[&str]| {
        let args = [&["-o", "json", "-y", "member", "remove", "3"], options].concat();
        cluster.ctl(1, &args)
    };
    refused_with(
        &remove(&[]),
        "2 voters, 2 reachable, 2 needed; now 3 voters, 3 reachable, 2 needed",
    );
    let planned = remove(&["--dry-run"]);
    assert_eq!(
        planned.code,
        Some(7),
        "a rehearsal is refused as the change would be: {planned:?}"
    );
    let planned = remove(&["--force", "--dry-run"]).success().data();
    assert_eq!(
        (&planned["changed"], &planned["after"]["voters"]),
        (&false.into(), &2.into())
    );
    let status = cluster.status(1).expect("three of three are there");
    assert_eq!(counts(&status), (3, 2, 3), "--dry-run changes nothing");
    let removed = remove(&["--force"]).success().data();
    assert_eq!(
        (&removed["changed"], &removed["after"]["needed"]),
        (&true.into(), &2.into())
    );
    let (ended, trace) = cluster.wait_ended(3, END_DEADLINE);
    assert_eq!(ended.code(), Some(0), "{trace}");
    let status = cluster.status(2).expect("two of two are there");
    assert_eq!(counts(&status), (2, 2, 2));
    alice.post(ROOM, "and two of two", "all").expect("acknowledged");
}
