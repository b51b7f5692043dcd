//! Who leads is the operators' to say: a node that is drained, or has no vote any more, does not; one to which leadership was
//! handed keeps it; and the highest id has it back when nobody says otherwise.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions};

/// What the contract gives the highest id.
const BACK_DEADLINE: Duration = Duration::from_secs(30);

#[test]
fn a_drained_or_demoted_node_does_not_lead() {
    let options = ClusterOptions::new(3).set("raft", "hand_back", "1s");
    let cluster = Cluster::with(options);
    let ctl = |args: &[&str]| cluster.ctl(1, args).success();
    let leads = |what: &str, id: u64| cluster.leader_where(what, BACK_DEADLINE, |leader| leader == id);
    leads("the highest id leads", 3);

    let _ = ctl(&["member", "drain", "3"]);
    leads("the second highest leads instead", 2);
    let status = cluster.status(1).expect("it has a quorum");
    assert_eq!(status.nodes[&3].state, "draining");
    let refused = cluster.ctl(1, &["-o", "json", "leader", "transfer", "--to", "3"]);
    assert_eq!(refused.code, Some(7), "a drained node does not lead");
    let _ = ctl(&["member", "undrain", "3"]);
    leads("the highest id leads again", 3);

    let _ = ctl(&["leader", "transfer", "--to", "1"]);
    assert_eq!(cluster.leader(), 1, "it leads at once");
    let _ = cluster.ctl(2, &["leader", "transfer"]).success();
    leads("the wish is taken back", 3);

    let _ = ctl(&["member", "demote", "3"]);
    leads("a learner does not lead", 2);
    assert_eq!(cluster.status(1).expect("it has a quorum").nodes[&3].role, "learner");
    let _ = ctl(&["member", "promote", "3"]);
    leads("it votes and leads again", 3);
}

/// The config says never, an operator says otherwise, and takes it back.
#[test]
fn leadership_is_handed_back_only_while_operators_want_it() {
    // Never by itself, says the config.
    let cluster = Cluster::with(ClusterOptions::new(3).set("raft", "hand_back", "off"));
    let hands_back = |id: u64| {
        let shown = cluster.ctl(id, &["-o", "json", "leader", "show"]).success().data();
        shown["hand_back"].as_bool().expect("it is told")
    };
    let leads = |what: &str, id: u64| cluster.leader_where(what, BACK_DEADLINE, |leader| leader == id);
    let _ = cluster.ctl(1, &["leader", "transfer", "--to", "1"]).success();
    let _ = cluster.ctl(1, &["member", "drain", "3"]).success();
    let _ = cluster.ctl(1, &["member", "drain", "1"]).success();
    leads("the one that is left leads", 2);
    for id in ["1", "3"] {
        let _ = cluster.ctl(2, &["member", "undrain", id]).success();
    }
    assert!(!hands_back(2), "as configured");
    let _ = cluster.ctl(1, &["leader", "hand-back", "on"]).success();
    assert!(hands_back(1));
    leads("the highest id has leadership back, though the config says off", 3);
    let _ = cluster.ctl(1, &["leader", "hand-back", "as-configured"]).success();
    assert!(!hands_back(1));
}
