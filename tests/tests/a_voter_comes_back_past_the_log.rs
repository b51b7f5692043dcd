//! A voter that was away for longer than the others keep their log gets a snapshot, while the cluster serves, and is as the others.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, Conversation, RaftView, until};

const ROOM: &str = "ops";
const WINDOW: usize = 8;
/// Entries between two snapshots, and those that the log keeps behind one.
const SNAPSHOT_ENTRIES: &str = "200";
const KEEP_ENTRIES: &str = "100";
/// What is posted meanwhile by both: more than the log holds between two snapshots and behind one.
const MISSED_POSTS: usize = 600;
const DEADLINE: Duration = Duration::from_secs(60);

fn raft(cluster: &Cluster, id: u64) -> RaftView {
    until("the node tells of its log", DEADLINE, || cluster.raft_info(id))
}

#[test]
fn what_the_log_has_no_more_comes_by_a_snapshot_while_people_talk() {
    let options = ClusterOptions::new(3)
        .set("raft", "snapshot_entries", SNAPSHOT_ENTRIES)
        .set("raft", "keep_entries", KEEP_ENTRIES);
    let mut cluster = Cluster::with(options);
    let talk = Conversation::start(&cluster, ROOM, &[2, 3], &[1, 3], WINDOW);
    talk.wait_for_more(20);
    cluster.kill(1);
    let leader = cluster.leader();
    // What node 1 has at the most: it had no more than the leader.
    let had = raft(&cluster, leader).last_log_index.expect("it has a log");
    talk.wait_for_more(MISSED_POSTS / 2);
    let leader = cluster.leader();
    let purged = until("the leader's log begins after what node 1 has", DEADLINE, || {
        raft(&cluster, leader).purged.filter(|purged| *purged > had)
    });

    cluster.start(1);
    talk.wait_for_more(20);
    cluster.wait_healthy();
    until("node 1 has caught up", DEADLINE, || {
        raft(&cluster, 1).applied.filter(|applied| *applied > purged)
    });
    let trace = cluster.daemon(1).trace_text();
    println!("node 1 had {had} at the most, the log of node {leader} began after {purged}");
    assert!(
        trace.contains("installing a snapshot"),
        "it came by another way: {trace}"
    );
    // Its vote counts again: the quorum needs it.
    let other = 5 - leader;
    cluster.kill(other);
    talk.wait_for_more(20);
    cluster.start(other);
    talk.finish(&cluster);
}
