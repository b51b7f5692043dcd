//! Search finds words and phrases over what the asker may read, and an index that is lost is made again.

use std::fs;

use quorate_tests::{Cluster, Rpc};
use serde_json::{Value, json};

fn found(rpc: &Rpc, ask: &Value) -> Vec<(String, u64)> {
    let answer = rpc.ask("search", ask);
    let events = answer["events"].as_array().expect("events").clone();
    let place = |event: &Value| {
        let room = event["room"].as_str().expect("a room").to_owned();
        (room, event["seq"].as_u64().expect("a seq"))
    };
    events.iter().map(place).collect()
}

fn at(places: &[(&str, u64)]) -> Vec<(String, u64)> {
    places.iter().map(|(room, seq)| ((*room).to_owned(), *seq)).collect()
}

fn all_is_found(alice: &Rpc, bob: &Rpc) {
    // Newest first.
    assert_eq!(
        found(alice, &json!({"words": "pump"})),
        at(&[("den", 2), ("ops", 4), ("ops", 3)])
    );
    assert_eq!(found(bob, &json!({"words": "pump"})), at(&[("ops", 4), ("ops", 3)]));
    assert_eq!(found(alice, &json!({"words": "PUMP red"})), at(&[("ops", 4)]));
    assert_eq!(found(alice, &json!({"words": "\"the red pump\""})), at(&[("ops", 4)]));
    assert_eq!(found(alice, &json!({"words": "\"pump red the\""})), at(&[]));
    assert_eq!(
        found(alice, &json!({"words": "pump", "from": "bob"})),
        at(&[("ops", 4)])
    );
    assert_eq!(
        found(alice, &json!({"words": "pump", "room": "den"})),
        at(&[("den", 2)])
    );
    assert_eq!(found(alice, &json!({"words": "pump", "limit": 1})), at(&[("den", 2)]));
    assert_eq!(found(alice, &json!({"words": "nothing"})), at(&[]));
}

#[test]
fn search_finds_what_may_be_read_and_a_lost_index_is_made_again() {
    let mut cluster = Cluster::new(1);
    let (alice, bob) = (cluster.rpc("alice", 1), cluster.rpc("bob", 1));
    alice.register("alice");
    bob.register("bob");
    alice.create("ops");
    bob.join("ops");
    alice.post("ops", "pump seven is hot", "1").expect("posted");
    bob.post("ops", "you mean the red pump?", "2").expect("posted");
    alice.ask("room.create", &json!({"room": "den", "private": true}));
    alice.post("den", "bob knows of the pump", "3").expect("posted");
    all_is_found(&alice, &bob);
    let refused = alice.call("search", &json!({"words": "  "})).expect_err("no words");
    assert_eq!(refused.outcome, "refused", "{refused:?}");

    drop((alice, bob));
    cluster.kill(1);
    let index = cluster.node_dir(1).join("data").join("search");
    fs::remove_dir_all(&index).expect("the index is a folder of the data directory");
    cluster.start(1);
    cluster.wait_healthy();
    all_is_found(&cluster.rpc("alice", 1), &cluster.rpc("bob", 1));
}
