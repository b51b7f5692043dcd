//! Of the nodes that are there, the one with the highest id leads, as soon as it can.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions};

/// By the contract.
const HAND_BACK_DEADLINE: Duration = Duration::from_secs(30);
const ELECTION_DEADLINE: Duration = Duration::from_secs(30);
const KILLS: usize = 15;

#[test]
fn the_highest_id_leads_after_a_kill_and_after_its_return() {
    let mut cluster = Cluster::new(5);
    let _ = cluster.leader_where("node 5 leads at first", HAND_BACK_DEADLINE, |leader| leader == 5);
    cluster.kill(5);
    let next = cluster.leader_where("a leader after node 5", HAND_BACK_DEADLINE, |leader| leader != 5);
    println!("node {next} was elected after node 5");
    let _ = cluster.leader_where("node 4 leads without node 5", HAND_BACK_DEADLINE, |leader| leader == 4);
    cluster.start(5);
    cluster.wait_healthy();
    let _ = cluster.leader_where("node 5 has leadership back", HAND_BACK_DEADLINE, |leader| leader == 5);
}

/// Nodes that joined one after the other, each of which was the highest when it began; and nobody hands anything back, so that
/// who leads is who was elected. Every third time the node stays down for the next kill.
#[test]
fn fifteen_leader_kills_elect_the_highest_id_fifteen_times() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1).set("raft", "hand_back", "off"));
    for through in 1..5 {
        let _ = cluster.join(through, &[]);
    }
    let mut elections = Vec::new();
    for kill in 0..KILLS {
        let killed = cluster.leader();
        // Only who has the whole log may win.
        let _ = cluster.wait_equal_hashes();
        cluster.kill(killed);
        let expected = cluster.running().last().copied();
        let elected = cluster.leader_where("another leads", ELECTION_DEADLINE, |leader| leader != killed);
        elections.push((killed, expected, Some(elected)));
        if kill % 3 == 0 {
            continue;
        }
        let down: Vec<u64> = cluster
            .ids()
            .into_iter()
            .filter(|id| !cluster.running().contains(id))
            .collect();
        down.into_iter().for_each(|id| cluster.start(id));
        cluster.wait_healthy();
    }
    let wrong = elections.iter().filter(|(_, expected, elected)| expected != elected);
    assert_eq!(wrong.count(), 0, "killed, highest, elected: {elections:?}");
}
