//! Three nodes: the leader is killed again and again, then all at once.

use std::time::Duration;

use quorate_tests::{Cluster, Conversation, Seed, until};
use rand::Rng;

const WINDOW: usize = 8;
const ROOM: &str = "ops";
const ROUNDS: usize = 3;
/// Until another node leads.
const ELECTED_DEADLINE: Duration = Duration::from_secs(20);

#[test]
fn killing_the_leader_thrice_loses_nothing() {
    let seed = Seed::announce("killing_the_leader_thrice_loses_nothing");
    let mut dice = seed.dice();
    let mut cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[1, 2, 3], &[1, 2, 3], WINDOW);
    for round in 1..=ROUNDS {
        talk.wait_for_more(dice.random_range(5..40));
        let leader = cluster.leader();
        println!("round {round}: kills the leader, node {leader}");
        cluster.kill(leader);
        talk.wait_for_more(dice.random_range(1..40));
        cluster.start(leader);
        cluster.wait_healthy();
    }
    talk.finish(&cluster);
}

#[test]
fn every_acked_post_is_there_after_all_were_killed_at_once() {
    let mut cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[1, 2, 3], &[1, 3], WINDOW);
    talk.wait_for_more(60);
    cluster.kill_all_and_start();
    talk.wait_for_more(20);
    talk.finish(&cluster);
}

/// A paused process keeps its sockets, and believes that it leads, when it wakes up.
#[test]
fn a_leader_that_was_paused_and_wakes_up_loses_nothing() {
    let mut cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[1, 3], &[2, 3], WINDOW);
    talk.wait_for_more(30);
    let paused = cluster.leader();
    cluster.pause(paused);
    let witness = if paused == 1 { 2 } else { 1 };
    let elected = || cluster.status(witness)?.leader.filter(|leader| *leader != paused);
    let new = until("another node leads", ELECTED_DEADLINE, elected);
    println!("paused node {paused}; now node {new} leads");
    talk.wait_for_more(30);
    cluster.resume(paused);
    cluster.wait_healthy();
    talk.wait_for_more(30);
    talk.finish(&cluster);
}
