//! Of the nodes that are there, the one with the highest id leads, as soon as it can.

use std::time::Duration;

use quorate_tests::Cluster;

/// By the contract.
const HAND_BACK_DEADLINE: Duration = Duration::from_secs(30);

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
