//! A node that comes back at another address is the same node: the others find it there, told of it by an operator the cluster has as
//! many nodes and voters as before, and clients find it too.
//!
//! Once the node with the highest id came back in another place, led through its own dials, and no other node could reach it: they had
//! no quorum to show to anybody, and refused the very command that tells where it is.

use std::time::Duration;

use quorate_tests::{Cluster, Rpc, until};
use serde_json::Value;

const ROOM: &str = "ops";
const DEADLINE: Duration = Duration::from_secs(40);

/// Id and addresses of each node, by this one's word.
fn places(cluster: &Cluster, at: u64) -> Option<Vec<(u64, String, String)>> {
    let told = cluster.ctl(at, &["-o", "json", "status"]);
    if told.code != Some(0) {
        return None;
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let place = |node: &Value| {
        let id = node["id"].as_u64().unwrap_or_default();
        (id, text(&node["client_addr"]), text(&node["peer_addr"]))
    };
    let data = told.data();
    data["nodes"].as_array().map(|nodes| nodes.iter().map(place).collect())
}

#[test]
fn with_another_address_it_leads_as_before_and_is_no_other_node() {
    let mut cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    let before = cluster.client_addr(3);
    cluster.kill(3);
    cluster.start_elsewhere(3);
    assert_ne!(cluster.client_addr(3), before);
    // It leads again, being the highest, before anybody has said where it is: the others find it from where it dials them.
    cluster.wait_healthy();
    alice.post(ROOM, "while it is nowhere", "zero").expect("acknowledged");
    let (peer, client) = (cluster.peer_addr(3), cluster.client_addr(3));
    let _ = cluster
        .ctl(1, &["member", "set-addr", "3", "--peer", &peer, "--client", &client])
        .success();
    cluster.wait_healthy();

    let expected: Vec<_> = (1..=3)
        .map(|id| (id, cluster.client_addr(id), cluster.peer_addr(id)))
        .collect();
    for id in cluster.ids() {
        until("every node knows where the others are", DEADLINE, || {
            (places(&cluster, id)? == expected).then_some(())
        });
        let status = cluster.status(id).expect("it has a quorum");
        assert_eq!((status.voters, status.voters_up, status.quorum), (3, 3, 2));
        until("the node finds nothing wrong", DEADLINE, || {
            (cluster.ctl(id, &["health"]).code == Some(0)).then_some(())
        });
    }

    // One who knows nothing but the new place.
    let mut command = cluster.chat_command("bob");
    command.args(["rpc", "--server", &client]);
    let bob = Rpc::start(&mut command, "bob");
    bob.register("bob");
    assert_eq!(bob.node(), 3);
    bob.join(ROOM);
    // Its vote is needed, and it is reached where it is now: also by one who was told of the place by the cluster.
    cluster.kill(1);
    bob.post(ROOM, "from another place", "one").expect("acknowledged");
    cluster.kill(2);
    cluster.start(1);
    alice.post(ROOM, "to another place", "two").expect("acknowledged");
    cluster.start(2);
    cluster.wait_healthy();
    cluster.wait_equal_hashes();
}
