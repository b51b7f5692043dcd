//! What a room's retention gives up goes on every node alike, and readers are told where the past begins.

use quorate_tests::{CALL_DEADLINE, Cluster, until};
use serde_json::json;

const ROOM: &str = "ops";
const POSTS: u64 = 40;
const KEPT: u64 = 10;

#[test]
fn a_rooms_past_is_cut_at_the_same_place_on_every_node() {
    let cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    let sent: Vec<_> = (0..POSTS)
        .map(|at| alice.send_post(ROOM, &format!("number {at}"), &format!("n{at}")))
        .collect();
    for pending in sent {
        assert!(pending.wait(CALL_DEADLINE).result.is_ok());
    }
    let _ = cluster
        .ctl(2, &["rooms", "retention", ROOM, "--max-count", &KEPT.to_string()])
        .success();
    // The creator's join was line 1.
    let first = 1 + POSTS - KEPT + 1;
    let cut = || {
        let (_, bounds) = alice.history(ROOM);
        (bounds.first_seq == first).then_some(())
    };
    until("the room is cut", CALL_DEADLINE, cut);
    cluster.wait_equal_hashes();
    for id in cluster.ids() {
        let reader = cluster.rpc(&format!("reader{id}"), id);
        reader.login("alice");
        let (events, bounds) = reader.history(ROOM);
        assert_eq!((bounds.first_seq, bounds.last_seq), (first, POSTS + 1));
        let seqs: Vec<u64> = events.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (first..=POSTS + 1).collect::<Vec<_>>());
        reader.subscribe(ROOM, Some(1));
        reader.wait_for_seq(ROOM, POSTS + 1, CALL_DEADLINE);
        let told = reader.wait_for("the cut is told", CALL_DEADLINE, |notice| notice.method == "truncated");
        assert_eq!(told.params, json!({"room": ROOM, "first_seq": first}));
        let followed: Vec<u64> = reader.events(ROOM).iter().map(|event| event.seq).collect();
        assert_eq!(followed, (first..=POSTS + 1).collect::<Vec<_>>());
        let gone = reader.ask("search", &json!({"words": "\"number 0\""}));
        assert_eq!(gone["events"].as_array().map(Vec::len), Some(0), "{gone}");
    }
    // An id lives as long as its message: a kept one is found, one that is cut is free again.
    let kept = alice.post(ROOM, "again", &format!("n{}", POSTS - 1)).expect("found");
    assert_eq!(kept.seq, POSTS + 1);
    let fresh = alice.post(ROOM, "again", "n0").expect("posted");
    assert_eq!(fresh.seq, POSTS + 2);
}
