//! A node is taken out by its id, dead or alive, and never comes back: a live one ends by itself, a dead one is told when it
//! returns. What would cost the cluster its quorum or its tolerance is refused with the numbers.

use std::time::Duration;

use quorate_tests::{Cluster, Finished};

/// What the contract gives a removed daemon.
const END_DEADLINE: Duration = Duration::from_secs(30);

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
