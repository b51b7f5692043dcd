//! A cluster grows from one node to five by `join`, and then every node that it began with is replaced by a new one, while people
//! talk: in the end none of the first five is there, and everything that was said is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use quorate_tests::{Cluster, ClusterOptions, Conversation, until};

const ROOM: &str = "ops";
/// The first nodes.
const NODES: u64 = 5;
/// Posts in flight of an author, and the pause before each: load for all of the test, and less than an author's most posts.
const PACE: (usize, Duration) = (4, Duration::from_millis(10));
/// Posts of each author between two steps.
const SETTLED_POSTS: usize = 20;
/// What the contract gives a removed daemon.
const END_DEADLINE: Duration = Duration::from_secs(30);
/// Until who was told to lead does.
const LED_DEADLINE: Duration = Duration::from_secs(20);
/// An author is not silent for longer. It is a second with what is shipped (`quorate-bench failover --cases replace` measures it);
/// this is a debug build on a machine that does other things too.
const GAP_MAX: Duration = Duration::from_secs(5);

/// Goes on until the step is over for the authors too, and tells how long one of them waited at the most.
fn settle(talk: &Conversation, step: &str, began: Instant) {
    talk.wait_for_more(SETTLED_POSTS);
    let gap = talk.longest_gap(began);
    println!(
        "{step}: {} ms, longest gap {} ms",
        began.elapsed().as_millis(),
        gap.as_millis()
    );
    assert!(gap < GAP_MAX, "{step}: an author waited for {gap:?}");
}

#[test]
fn five_nodes_come_and_then_five_others_in_their_place_while_people_talk() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1));
    // The only node that they know of, and that goes first of all.
    let talk = Conversation::start_at_pace(&cluster, ROOM, &[1, 1], &[1], PACE);
    talk.wait_for_more(SETTLED_POSTS);
    for expected in 2..=NODES {
        let began = Instant::now();
        let joined = cluster.join(expected - 1, &[]);
        assert_eq!(joined, expected);
        settle(&talk, &format!("{joined} joins"), began);
    }
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!((status.voters, status.voters_up, status.quorum), (5, 5, 3));

    for old in 1..=NODES {
        let began = Instant::now();
        let new = cluster.join(old, &["--role", "learner"]);
        settle(&talk, &format!("{new} joins as a learner"), began);
        let began = Instant::now();
        // Every second one leads when it goes.
        if old % 2 == 1 {
            let _ = cluster
                .ctl(new, &["leader", "transfer", "--to", &old.to_string()])
                .success();
            let led = cluster.leader_where("who goes leads", LED_DEADLINE, |leader| leader == old);
            assert_eq!(led, old);
        }
        let _ = cluster
            .ctl(new, &["-y", "member", "replace", &old.to_string(), &new.to_string()])
            .success();
        let (ended, trace) = cluster.wait_ended(old, END_DEADLINE);
        assert_eq!(ended.code(), Some(0), "{trace}");
        settle(&talk, &format!("{new} replaces {old}"), began);
    }

    let heirs: BTreeMap<u64, &str> = (NODES + 1..=2 * NODES).map(|id| (id, "voter")).collect();
    until("the five others are the cluster", LED_DEADLINE, || {
        let status = cluster.status(NODES + 1)?;
        let roles: BTreeMap<u64, &str> = status
            .nodes
            .iter()
            .map(|(id, node)| (*id, node.role.as_str()))
            .collect();
        (roles == heirs && (status.voters, status.voters_up, status.quorum) == (5, 5, 3)).then_some(())
    });
    talk.finish(&cluster);
}
