//! `member replace OLD NEW` gives the vote of one to the other in one change, while people talk, and nothing is lost.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, Conversation};

const ROOM: &str = "ops";
const WINDOW: usize = 4;
/// What the contract gives a removed daemon.
const END_DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn a_voter_is_replaced_by_a_learner_while_people_talk() {
    let mut cluster = Cluster::with(ClusterOptions::new(3));
    let talk = Conversation::start(&cluster, ROOM, &[2], &[1], WINDOW);
    talk.wait_for_more(20);
    let new = cluster.join(2, &["--role", "learner"]);
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!((status.voters, status.nodes[&new].role.as_str()), (3, "learner"));
    let wrong = cluster.ctl(1, &["-o", "json", "-y", "member", "replace", "1", "2"]);
    assert_eq!(wrong.code, Some(7), "node 2 votes already");

    let new_id = new.to_string();
    for change in [
        &["promote", &new_id][..],
        &["replace", "3", &new_id],
        &["remove", &new_id],
    ] {
        let args = [&["-o", "json", "--dry-run", "member"], change].concat();
        let planned = cluster.ctl(2, &args).success();
        assert_eq!(planned.data()["changed"], false, "{planned:?}");
    }
    // A wish that had come through would be carried out by now.
    talk.wait_for_more(20);
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!((status.voters, status.nodes[&new].role.as_str()), (3, "learner"));
    assert_eq!(status.nodes[&new].state, "up");
    let _ = cluster.ctl(2, &["-y", "member", "replace", "3", &new_id]).success();
    let (ended, _) = cluster.wait_ended(3, END_DEADLINE);
    assert_eq!(ended.code(), Some(0));
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!((status.voters, status.nodes[&new].role.as_str()), (3, "voter"));
    assert!(!status.nodes.contains_key(&3));
    talk.wait_for_more(20);
    talk.finish(&cluster);
}
