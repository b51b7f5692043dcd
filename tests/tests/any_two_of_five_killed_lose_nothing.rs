//! Five nodes: the leader and one more are killed while people talk, and come back. Nothing that was acknowledged is lost,
//! doubled or moved, and all five agree in the end.

use quorate_tests::{Cluster, Conversation, Seed};
use rand::seq::IndexedRandom;

const WINDOW: usize = 8;
const ROOM: &str = "ops";

#[test]
fn any_two_of_five_killed_lose_nothing() {
    let seed = Seed::announce("any_two_of_five_killed_lose_nothing");
    let mut dice = seed.dice();
    let mut cluster = Cluster::new(5);
    let talk = Conversation::start(&cluster, ROOM, &[1, 3, 5], &[2, 4, 5], WINDOW);
    talk.wait_for_more(40);

    let first = cluster.leader();
    println!("kills the leader, node {first}");
    cluster.kill(first);
    talk.wait_for_more(40);

    let second = *cluster.running().choose(&mut dice).expect("four are left");
    println!("kills node {second}");
    cluster.kill(second);
    talk.wait_for_more(40);

    cluster.start(first);
    cluster.start(second);
    cluster.wait_healthy();
    talk.wait_for_more(40);
    talk.finish(&cluster);
}
