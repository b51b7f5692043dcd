//! SIGSTOP: a process that is there, keeps its sockets and its belief that it leads, and does nothing; then SIGCONT, and it goes on
//! as if no time had passed. First the leader, then the node that an author is connected to, then the author's program.

use quorate_tests::{AUTHORS, Cluster, Conversation, trials};
use rand::Rng;
use rand::rngs::StdRng;

#[test]
fn pauses_of_leader_node_and_client_lose_nothing_in_twenty_trials() {
    let mut cluster = Cluster::new(5);
    let ordeal = |cluster: &mut Cluster, talk: &mut Conversation, dice: &mut StdRng| {
        talk.wait_for_more(dice.random_range(1..20));
        let leader = cluster.leader();
        println!("pauses the leader, node {leader}");
        cluster.pause(leader);
        talk.wait_for_more(dice.random_range(1..20));

        let author = dice.random_range(0..AUTHORS);
        let node = talk.author_node(author);
        println!("pauses node {node}, of author {author}");
        cluster.pause(node);
        talk.wait_for_more(dice.random_range(1..20));

        println!("pauses the program of author {author}, and wakes the nodes");
        talk.pause_author(author);
        cluster.resume(leader);
        talk.wait_for_more_of_others(author, dice.random_range(1..20));
        cluster.resume(node);
        talk.resume_author(author);
        cluster.wait_healthy();
        talk.wait_for_more(dice.random_range(1..10));
    };
    trials("pauses_of_leader_node_and_client", &mut cluster, ordeal);
}
