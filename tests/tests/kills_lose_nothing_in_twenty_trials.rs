//! The leader is killed, then the node that an author is connected to, then the author's program and a reader's. Two nodes of
//! five are gone by then, and what was in flight is in an outbox on disk: every acknowledged post is there in the end, once, in its
//! author's order and in one order for all readers, and no feed has a hole.

use quorate_tests::{AUTHORS, Cluster, Conversation, trials};
use rand::Rng;
use rand::rngs::StdRng;

#[test]
fn kills_of_leader_node_and_clients_lose_nothing_in_twenty_trials() {
    let mut cluster = Cluster::new(5);
    let ordeal = |cluster: &mut Cluster, talk: &mut Conversation, dice: &mut StdRng| {
        talk.wait_for_more(dice.random_range(1..20));
        let leader = cluster.leader();
        println!("kills the leader, node {leader}");
        cluster.kill(leader);
        talk.wait_for_more(dice.random_range(1..20));

        let author = dice.random_range(0..AUTHORS);
        let node = talk.author_node(author);
        println!("kills node {node}, of author {author}");
        cluster.kill(node);
        talk.wait_for_more(dice.random_range(1..20));

        let reader = dice.random_range(0..talk.readers().len());
        println!("kills the programs of author {author} and reader {reader}");
        talk.kill_author(cluster, author);
        talk.kill_reader(cluster, reader);
        talk.wait_for_more(dice.random_range(1..20));

        cluster.start(leader);
        cluster.start(node);
        cluster.wait_healthy();
        talk.wait_for_more(dice.random_range(1..10));
    };
    trials("kills_of_leader_node_and_clients", &mut cluster, ordeal);
}
