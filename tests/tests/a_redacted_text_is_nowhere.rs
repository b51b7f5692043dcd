//! A redacted text is in no history, search, feed, revision or export any more, on no node, also after restarts.

use std::time::Duration;

use quorate_tests::{CALL_DEADLINE, Cluster, Rpc};
use serde_json::json;

const ROOM: &str = "ops";
const CLI_DEADLINE: Duration = Duration::from_secs(35);
const SECRETS: [&str; 2] = ["hunter2", "swordfish"];

fn nowhere(cluster: &Cluster, rpc: &Rpc) {
    let everything = [
        rpc.ask("history", &json!({"room": ROOM, "limit": 500, "linearizable": true})),
        rpc.ask("search", &json!({"words": SECRETS[0]})),
        rpc.ask("search", &json!({"words": SECRETS[1]})),
        rpc.call("revisions", &json!({"room": ROOM, "seq": 2}))
            .unwrap_or_default(),
    ];
    for answer in everything {
        for secret in SECRETS {
            assert!(!answer.to_string().contains(secret), "{}: {answer}", rpc.label());
        }
    }
    let last = rpc.subscribe(ROOM, Some(1));
    rpc.wait_for_seq(ROOM, last, CALL_DEADLINE);
    let seen = format!("{:?}", rpc.events(ROOM));
    assert!(SECRETS.iter().all(|secret| !seen.contains(secret)), "{seen}");
    let exported = cluster
        .chat("alice", &["export", ROOM, "-"], "", CLI_DEADLINE)
        .success();
    assert!(
        SECRETS.iter().all(|secret| !exported.stdout.contains(secret)),
        "{exported:?}"
    );
}

#[test]
fn a_redacted_text_is_nowhere_on_any_node() {
    let mut cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    let posted = alice.post(ROOM, "the password is hunter2", "p").expect("posted");
    assert_eq!(posted.seq, 2);
    alice.ask(
        "edit",
        &json!({"room": ROOM, "seq": 2, "body": "the password is swordfish"}),
    );
    let shown = alice.ask("history", &json!({"room": ROOM}));
    assert_eq!(shown["events"][1]["body"], json!("the password is swordfish"));
    assert_eq!(shown["events"][1]["edited"], json!(true));
    let found = alice.ask("search", &json!({"words": "swordfish"}));
    assert_eq!(found["events"].as_array().map(Vec::len), Some(1), "{found}");

    let deleted = alice.ask("delete", &json!({"room": ROOM, "seq": 2}));
    assert_eq!(deleted["seq"], json!(4), "{deleted}");
    let shown = alice.ask("history", &json!({"room": ROOM}));
    let (message, edit, redaction) = (&shown["events"][1], &shown["events"][2], &shown["events"][3]);
    assert_eq!(
        (&message["kind"], &message["redacted"]),
        (&json!("message"), &json!(true)),
        "{shown}"
    );
    assert_eq!((&edit["kind"], &edit["target"]), (&json!("edit"), &json!(2)), "{shown}");
    assert_eq!(
        (&redaction["kind"], &redaction["target"]),
        (&json!("redaction"), &json!(2)),
        "{shown}"
    );

    for id in cluster.ids() {
        let elsewhere = cluster.rpc(&format!("alice{id}"), id);
        elsewhere.login("alice");
        nowhere(&cluster, &elsewhere);
    }
    cluster.kill_all_and_start();
    for id in cluster.ids() {
        nowhere(&cluster, &cluster.rpc(&format!("alice{id}"), id));
    }
    // The id still belongs to the message that was there.
    let again = alice.post(ROOM, "the password is hunter2", "p").expect("found");
    assert_eq!(again.seq, 2);
}
