//! A user's read marks are the same on all devices, only move forward, and count messages and mentions of others.

use quorate_tests::{Cluster, Rpc};
use serde_json::{Value, json};

fn unread(rpc: &Rpc, room: &str) -> Value {
    let answer = rpc.ask("unread", &json!({}));
    let rows = answer["rooms"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["room"] == room);
    let row = row.unwrap_or_else(|| panic!("no {room} in {answer}"));
    json!([row["unread"], row["mentions"], row["last_read"], row["last_seq"]])
}

#[test]
fn unread_counts_follow_the_user_over_devices_and_nodes() {
    let cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    let phone = cluster.rpc("phone", 2);
    phone.register("bob");
    alice.create("ops");
    phone.join("ops");
    for (at, body) in ["one", "two @bob", "three", "hello @bobby", "@room look"]
        .into_iter()
        .enumerate()
    {
        alice.post("ops", body, &at.to_string()).expect("posted");
    }
    phone.post("ops", "my own is never unread", "own").expect("posted");
    assert_eq!(unread(&phone, "ops"), json!([5, 2, 2, 8]));

    let laptop = cluster.rpc("laptop", 3);
    laptop.login("bob");
    assert_eq!(unread(&laptop, "ops"), json!([5, 2, 2, 8]));
    let marked = laptop.ask("read", &json!({"room": "ops", "upto": 4}));
    assert_eq!(marked["last_read"], json!(4), "{marked}");
    cluster.wait_equal_hashes();
    assert_eq!(unread(&phone, "ops"), json!([3, 1, 4, 8]));
    // Never back.
    phone.ask("read", &json!({"room": "ops", "upto": 1}));
    assert_eq!(unread(&phone, "ops"), json!([3, 1, 4, 8]));
    // What was taken away is not unread.
    alice.ask("delete", &json!({"room": "ops", "seq": 7}));
    cluster.wait_equal_hashes();
    assert_eq!(unread(&phone, "ops"), json!([2, 0, 4, 9]));

    let inbox = laptop.ask("mentions", &json!({}));
    let seqs: Vec<_> = inbox["events"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| event["seq"].clone())
        .collect();
    assert_eq!(seqs, [json!(4)], "{inbox}");

    // A direct message waits for somebody who is not there.
    drop((phone, laptop));
    alice.ask("post", &json!({"user": "bob", "body": "call me"}));
    let login = cluster
        .chat(
            "back",
            &[
                "--json",
                "login",
                "--server",
                &cluster.servers_from(2),
                "--user",
                "bob",
                "--password-stdin",
            ],
            "pw-bob\n",
            std::time::Duration::from_secs(35),
        )
        .success();
    assert_eq!(login.json()["unread"], json!(3), "{login:?}");
}
