//! SIGTERM is not a failure: leadership is handed over, clients move, and the daemon ends with 0.

use std::time::Duration;

use quorate_tests::{Cluster, Conversation, until};

const WINDOW: usize = 8;
const ROOM: &str = "ops";
/// By the contract.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn a_drained_leader_hands_over_and_its_clients_move_without_an_error() {
    let mut cluster = Cluster::new(3);
    let leader = cluster.leader();
    let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != leader).collect();
    let talk = Conversation::start(&cluster, ROOM, &[leader], &[leader, others[0]], WINDOW);
    talk.wait_for_more(30);
    assert_eq!(talk.owner().node(), leader);

    let status = cluster.stop(leader, DRAIN_DEADLINE);
    assert_eq!(status.code(), Some(0), "{status}");
    // At once: had the others to notice its death first, they would still believe in the old leader.
    let handed_over = cluster.stale_status(others[0]).leader;
    assert!(
        handed_over.is_some_and(|now| now != leader),
        "leader {handed_over:?} after node {leader} was drained"
    );

    talk.wait_for_more(30);
    until("the owner is on another node", DRAIN_DEADLINE, || {
        (talk.owner().node() != leader).then_some(())
    });
    let counts = talk.checker().report().counts;
    assert_eq!(
        (counts.refused, counts.attempted - counts.acked <= WINDOW),
        (0, true),
        "{counts}"
    );
    cluster.start(leader);
    cluster.wait_healthy();
    talk.finish(&cluster);
}

#[test]
fn every_node_of_a_cluster_ends_with_0_when_all_are_told_at_once() {
    let mut cluster = Cluster::new(3);
    for id in cluster.ids() {
        cluster.daemon(id).signal(quorate_tests::Signal::Terminate);
    }
    for id in cluster.ids() {
        let status = cluster.daemon(id).wait(DRAIN_DEADLINE);
        assert_eq!(status.code(), Some(0), "node {id}");
    }
}
