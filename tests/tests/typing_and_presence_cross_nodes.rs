//! Who is there and who is writing is known on the other nodes, and on none where it is switched off.

use quorate_tests::{CALL_DEADLINE, Cluster, ClusterOptions, Rpc, until};
use serde_json::json;

fn presence(rpc: &Rpc, user: &str) -> String {
    let members = rpc.ask("room.members", &json!({"room": "ops"}));
    let rows = members["members"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["user"] == user).expect("a member");
    row["presence"].as_str().unwrap_or("unknown").to_owned()
}

fn two_people(cluster: &Cluster) -> (Rpc, Rpc) {
    let (alice, bob) = (
        cluster.rpc("alice", 1),
        cluster.rpc("bob", cluster.ids().len().min(2) as u64),
    );
    alice.register("alice");
    bob.register("bob");
    alice.create("ops");
    bob.join("ops");
    bob.subscribe("ops", None);
    (alice, bob)
}

#[test]
fn typing_and_presence_are_known_on_other_nodes() {
    let cluster = Cluster::new(3);
    let (alice, bob) = two_people(&cluster);
    let there = |of: &str| {
        until("it is known", CALL_DEADLINE, || {
            (presence(&alice, "bob") == of).then_some(())
        });
    };
    there("online");
    bob.ask("presence.set", &json!({"away": true}));
    there("away");
    until("bob sees alice typing", CALL_DEADLINE, || {
        alice.ask("typing", &json!({"room": "ops"}));
        let told = bob.notices().into_iter().find(|notice| notice.method == "typing")?;
        assert_eq!(told.params, json!({"room": "ops", "user": "alice"}));
        Some(())
    });
    drop(bob);
    there("offline");
    assert!(
        alice.notices().iter().all(|notice| notice.method != "typing"),
        "nobody else typed"
    );
}

#[test]
fn nobodys_presence_is_told_where_it_is_switched_off() {
    let cluster = Cluster::with(ClusterOptions::new(1).set("presence", "enabled", "false"));
    let (alice, bob) = two_people(&cluster);
    assert_eq!(presence(&alice, "bob"), "unknown");
    alice.ask("typing", &json!({"room": "ops"}));
    // What comes after it has come, so it would have come too.
    alice.post("ops", "done typing", "d").expect("posted");
    bob.wait_for_seq("ops", 3, CALL_DEADLINE);
    assert!(bob.notices().iter().all(|notice| notice.method != "typing"));
}
