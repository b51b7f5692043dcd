//! The network is cut between the leader and the others, sometimes in one direction only and sometimes with the leader's clients on
//! its side; then the node that an author is connected to is cut off from everybody as well. What either side acknowledged is
//! there in the end, once, in one order.

use std::time::Duration;

use quorate_tests::{AUTHORS, Cluster, ClusterOptions, Conversation, End, Seed, Weather, trials, until};
use rand::Rng;
use rand::rngs::StdRng;

/// Until the rest has another leader.
const ELECTED_DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn partitions_lose_nothing_in_twenty_trials() {
    let net = Seed::announce("the network of partitions_lose_nothing");
    let mut cluster = Cluster::with(ClusterOptions::new(5).through_net(net));
    trials("partitions_lose_nothing", &mut cluster, ordeal);
}

fn ordeal(cluster: &mut Cluster, talk: &mut Conversation, dice: &mut StdRng) {
    talk.wait_for_more(dice.random_range(1..20));
    let leader = cluster.leader();
    let others: Vec<End> = cluster
        .ids()
        .into_iter()
        .filter(|id| *id != leader)
        .map(End::Node)
        .collect();
    let (ways, with_clients) = (dice.random_range(0..3), dice.random_bool(0.5));
    println!("cuts off the leader, node {leader}: ways {ways}, its clients too: {with_clients}");
    for other in &others {
        if ways != 1 {
            cluster.net().set(End::Node(leader), *other, Weather::CUT);
        }
        if ways != 2 {
            cluster.net().set(*other, End::Node(leader), Weather::CUT);
        }
    }
    if !with_clients {
        cluster
            .net()
            .between(&[End::Node(leader)], &[End::Clients], Weather::CUT);
    }
    let elected = || {
        cluster
            .ids()
            .into_iter()
            .filter(|id| *id != leader)
            .find_map(|id| cluster.status(id)?.leader.filter(|now| *now != leader))
    };
    let new = until("the rest has a leader of its own", ELECTED_DEADLINE, elected);
    println!("now node {new} leads");
    talk.wait_for_more(dice.random_range(1..20));

    let node = talk.author_node(dice.random_range(0..AUTHORS));
    println!("cuts off node {node}");
    let rest: Vec<End> = others.into_iter().filter(|end| *end != End::Node(node)).collect();
    cluster.net().between(&[End::Node(node)], &rest, Weather::CUT);
    cluster.net().between(&[End::Node(node)], &[End::Clients], Weather::CUT);
    talk.wait_for_more(dice.random_range(1..20));

    cluster.net().heal();
    cluster.wait_healthy();
    talk.wait_for_more(dice.random_range(1..10));
}
