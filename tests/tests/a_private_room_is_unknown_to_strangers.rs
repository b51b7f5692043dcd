//! A private room is invisible and unreadable to everybody else, before joining and after leaving, on every node.

use quorate_tests::{CALL_DEADLINE, Cluster, Rpc};
use serde_json::{Value, json};

const ROOM: &str = "den";

/// Everything that names a room, as a stranger would try it.
fn attempts() -> Vec<(&'static str, Value)> {
    vec![
        ("room.info", json!({"room": ROOM})),
        ("room.members", json!({"room": ROOM})),
        ("room.join", json!({"room": ROOM})),
        ("room.leave", json!({"room": ROOM})),
        ("room.topic", json!({"room": ROOM, "topic": "t"})),
        ("room.invite", json!({"room": ROOM, "user": "mallory"})),
        ("room.kick", json!({"room": ROOM, "user": "alice"})),
        ("room.ban", json!({"room": ROOM, "user": "alice"})),
        ("room.unban", json!({"room": ROOM, "user": "alice"})),
        ("room.mute", json!({"room": ROOM, "user": "alice"})),
        ("room.role", json!({"room": ROOM, "user": "alice", "role": "member"})),
        ("room.transfer", json!({"room": ROOM, "user": "mallory"})),
        ("room.archive", json!({"room": ROOM})),
        ("room.delete", json!({"room": ROOM})),
        ("room.bans", json!({"room": ROOM})),
        ("post", json!({"room": ROOM, "body": "hi"})),
        ("edit", json!({"room": ROOM, "seq": 2, "body": "hi"})),
        ("delete", json!({"room": ROOM, "seq": 2})),
        ("react", json!({"room": ROOM, "seq": 2, "emoji": "👍"})),
        ("history", json!({"room": ROOM})),
        ("revisions", json!({"room": ROOM, "seq": 2})),
        ("subscribe", json!({"room": ROOM, "from_seq": 1})),
        ("read", json!({"room": ROOM, "upto": 1})),
        ("search", json!({"words": "treasure", "room": ROOM})),
    ]
}

fn is_unknown_to(stranger: &Rpc) {
    for (method, params) in attempts() {
        let refused = stranger.call(method, &params);
        let code = refused.as_ref().map_err(|error| error.code.as_str()).map(drop);
        assert_eq!(code, Err("unknown-room"), "{} {method}: {refused:?}", stranger.label());
    }
    let listed = stranger.ask("room.list", &json!({"all": true}));
    assert!(!listed.to_string().contains(ROOM), "{listed}");
    let found = stranger.ask("search", &json!({"words": "treasure"}));
    assert_eq!(found["events"].as_array().map(Vec::len), Some(0), "{found}");
}

#[test]
fn a_private_room_is_unknown_to_strangers_on_every_node() {
    let cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.ask("room.create", &json!({"room": ROOM, "private": true}));
    alice
        .post(ROOM, "the treasure is under the stairs", "t")
        .expect("posted");
    let mallory = cluster.rpc("mallory", 2);
    mallory.register("mallory");
    // Her own node has caught up with the room, so that its silence is no accident.
    cluster.wait_equal_hashes();
    is_unknown_to(&mallory);
    for id in [1, 3] {
        let elsewhere = cluster.rpc(&format!("mallory{id}"), id);
        elsewhere.login("mallory");
        is_unknown_to(&elsewhere);
    }

    // Invited, she may join and read; gone again, she may not even know of it.
    alice.ask("room.invite", &json!({"room": ROOM, "user": "mallory"}));
    mallory.join(ROOM);
    let (events, _) = mallory.history(ROOM);
    assert!(
        events
            .iter()
            .any(|event| event.body.as_deref() == Some("the treasure is under the stairs"))
    );
    mallory.subscribe(ROOM, None);
    mallory.ask("room.leave", &json!({"room": ROOM}));
    let after = alice.post(ROOM, "she is gone", "g").expect("posted");
    is_unknown_to(&mallory);
    // A post of her own to another room comes after what she must not see, were it sent.
    mallory.create("elsewhere");
    let marker = mallory.send("post", &json!({"room": "elsewhere", "body": "marker"}));
    assert!(marker.wait(CALL_DEADLINE).result.is_ok());
    let seen = mallory.events(ROOM);
    assert!(seen.iter().all(|event| event.seq < after.seq), "{seen:?}");
}
