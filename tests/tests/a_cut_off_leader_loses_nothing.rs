//! The network is cut between the leader and the rest, then it is bad for all: what is acknowledged on either side is there in
//! the end, once, in one order.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, Conversation, End, Seed, Weather};

const ROOM: &str = "ops";
const WINDOW: usize = 8;
/// Until the majority has another leader.
const ELECTED_DEADLINE: Duration = Duration::from_secs(20);
/// A bad line: every twentieth datagram is lost, and the others overtake each other.
const BAD: Weather = Weather {
    loss: 0.05,
    delay: Duration::from_millis(2),
    jitter: Duration::from_millis(20),
};

fn nodes(ids: &[u64]) -> Vec<End> {
    ids.iter().map(|id| End::Node(*id)).collect()
}

#[test]
fn a_leader_that_is_cut_off_with_its_clients_loses_nothing() {
    let seed = Seed::announce("a_leader_that_is_cut_off_with_its_clients_loses_nothing");
    let cluster = Cluster::with(ClusterOptions::new(3).through_net(seed));
    let old = cluster.leader();
    let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != old).collect();
    let talk = Conversation::start(&cluster, ROOM, &[old, others[0]], &[old, others[1]], WINDOW);
    talk.wait_for_more(30);

    // Its clients still reach it, and it them.
    cluster.net().between(&nodes(&[old]), &nodes(&others), Weather::CUT);
    let elected = || {
        others
            .iter()
            .find_map(|id| cluster.status(*id)?.leader.filter(|leader| *leader != old))
    };
    let new = quorate_tests::until("the majority has a leader of its own", ELECTED_DEADLINE, elected);
    println!("cut off: node {old}; now node {new} leads");
    talk.wait_for_more(30);
    cluster.net().heal();
    cluster.wait_healthy();
    talk.wait_for_more(30);
    talk.finish(&cluster);
}

#[test]
fn datagrams_that_are_lost_late_and_out_of_order_lose_nothing() {
    let seed = Seed::announce("datagrams_that_are_lost_late_and_out_of_order_lose_nothing");
    let cluster = Cluster::with(ClusterOptions::new(3).through_net(seed));
    let talk = Conversation::start(&cluster, ROOM, &[1, 2], &[3], WINDOW);
    let all = nodes(&cluster.ids());
    cluster.net().between(&all, &all, BAD);
    cluster.net().between(&all, &[End::Clients], BAD);
    talk.wait_for_more(60);
    cluster.net().heal();
    talk.finish(&cluster);
}
