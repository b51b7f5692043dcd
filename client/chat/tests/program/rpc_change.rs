//! JSON-RPC: what changes messages, rooms and accounts, and what is told without being asked.

use quorate_client::{IsTyping, RoomName, Seq, UserName};
use serde_json::{Value, json};

use crate::setup::{Rpc, Setup};

fn begin(setup: &Setup) -> Rpc {
    let mut rpc = Rpc::new(setup);
    rpc.ask(1, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(2, "room.create", json!({"room": "ops"}));
    rpc.answer(2);
    rpc
}

fn refusal(answer: &Value) -> (&Value, &Value) {
    (&answer["error"]["code"], &answer["error"]["data"]["code"])
}

#[test]
fn posts_edits_reactions_and_deletions_of_a_room_keep_their_order() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    for index in 0..20 {
        let (post, seq) = (10 + 4 * index, 2 + 4 * index);
        rpc.ask(post, "post", json!({"room": "ops", "body": format!("m{index}")}));
        rpc.ask(post + 1, "edit", json!({"room": "OPS", "seq": seq, "body": "better"}));
        rpc.ask(post + 2, "react", json!({"room": "ops", "seq": seq, "emoji": "x"}));
        rpc.ask(post + 3, "delete", json!({"room": "ops", "seq": seq}));
    }
    for index in 0..20 {
        let (post, seq) = (10 + 4 * index, 2 + 4 * index);
        assert_eq!(rpc.answer(post)["result"]["seq"], seq);
        for (id, line) in [(post + 1, seq + 1), (post + 2, seq + 2), (post + 3, seq + 3)] {
            assert_eq!(rpc.answer(id)["result"], json!({"target": seq, "seq": line}));
        }
    }
}

#[test]
fn what_was_so_before_has_no_line() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    rpc.ask(3, "post", json!({"room": "ops", "body": "hi"}));
    rpc.ask(
        4,
        "react",
        json!({"room": "ops", "seq": 2, "emoji": "x", "remove": true}),
    );
    assert_eq!(rpc.answer(4)["result"], json!({"target": 2, "seq": null}));
    rpc.ask(5, "room.archive", json!({"room": "ops"}));
    assert_eq!(rpc.answer(5)["result"], json!({"room": "ops", "seq": 3}));
    rpc.ask(6, "room.archive", json!({"room": "ops", "archived": true}));
    assert_eq!(rpc.answer(6)["result"]["seq"], Value::Null);
    rpc.ask(7, "room.archive", json!({"room": "ops", "archived": false}));
    assert_eq!(rpc.answer(7)["result"]["seq"], 4);
}

#[test]
fn what_does_not_parse_is_told_apart_from_what_is_refused() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    for (id, method, params) in [
        (10, "edit", json!({"room": "ops", "body": "x"})),
        (11, "react", json!({"room": "ops", "seq": 1})),
        (12, "room.role", json!({"room": "ops", "user": "bob", "role": "king"})),
        (13, "room.ban", json!({"room": "ops", "user": "bob", "for": "soon"})),
        (14, "room.list", json!({"limit": 0})),
        (15, "presence.set", json!({})),
        (16, "search", json!({})),
        (17, "devices.revoke", json!({})),
    ] {
        rpc.ask(id, method, params);
        assert_eq!(rpc.answer(id)["error"]["code"], -32602, "{method}");
    }
    for (id, method, params, code) in [
        (
            20,
            "edit",
            json!({"room": "ops", "seq": 1, "body": "x"}),
            "not-a-message",
        ),
        (21, "delete", json!({"room": "ops", "seq": 99}), "unknown-seq"),
        (22, "react", json!({"room": "ops", "seq": 1, "emoji": ""}), "bad-emoji"),
        (
            23,
            "room.kick",
            json!({"room": "ops", "user": "nobody"}),
            "unknown-user",
        ),
        (24, "room.delete", json!({"room": "nowhere"}), "unknown-room"),
    ] {
        rpc.ask(id, method, params);
        assert_eq!(refusal(&rpc.answer(id)), (&json!(-32000), &json!(code)), "{method}");
    }
}

#[test]
fn what_is_found_comes_as_events_with_a_cursor() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    for id in 10..13 {
        rpc.ask(id, "post", json!({"room": "ops", "body": format!("rain {id}")}));
    }
    rpc.ask(3, "search", json!({"words": "rain", "room": "ops", "limit": 2}));
    let found = rpc.answer(3)["result"].clone();
    assert_eq!(found["events"][0]["seq"], 4);
    assert_eq!(found["events"].as_array().unwrap().len(), 2);
    rpc.ask(4, "search", json!({"words": "rain", "before": found["next"]}));
    let rest = rpc.answer(4)["result"].clone();
    assert_eq!((&rest["events"][0]["seq"], rest.get("next")), (&json!(2), None));
    rpc.ask(5, "revisions", json!({"room": "ops", "seq": 2}));
    assert_eq!(rpc.answer(5)["result"]["events"][0]["body"], "rain 10");
}

#[test]
fn a_subscription_below_what_is_kept_first_says_so() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    for id in 10..14 {
        rpc.ask(id, "post", json!({"room": "ops", "body": "x"}));
        rpc.answer(id);
    }
    setup.cluster.cut("ops", Seq(3));
    rpc.ask(3, "subscribe", json!({"room": "ops", "from_seq": 1}));
    rpc.answer(3);
    let told = rpc.until(|line| line["method"] == "truncated");
    assert_eq!(told["params"], json!({"room": "ops", "first_seq": 3}));
    assert_eq!(rpc.event()["seq"], 3);
}

/// What stood in the old subscription, told by neither, was lost.
#[test]
fn a_room_that_is_subscribed_again_and_again_is_told_each_seq_once() {
    const POSTS: u64 = 300;
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    rpc.ask(3, "subscribe", json!({"room": "ops", "from_seq": 1}));
    for index in 0..POSTS {
        rpc.ask(1000 + index, "post", json!({"room": "ops", "body": "x"}));
        if index % 10 == 0 {
            rpc.ask(5000 + index, "subscribe", json!({"room": "ops"}));
        }
    }
    for seq in 1..=POSTS + 1 {
        assert_eq!(rpc.event()["seq"], seq);
    }
    rpc.ask(4, "subscribe", json!({"room": "ops", "from_seq": POSTS}));
    assert_eq!(rpc.event()["seq"], POSTS, "from where it is asked for");
}

#[test]
fn who_is_writing_is_told() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    rpc.ask(3, "typing", json!({"room": "ops"}));
    assert_eq!(rpc.answer(3)["result"], json!({}));
    rpc.ask(4, "presence.set", json!({"away": true}));
    assert_eq!(rpc.answer(4)["result"], json!({}));
    let notice = IsTyping {
        room: RoomName::parse("ops").unwrap(),
        user: UserName::parse("bob").unwrap(),
    };
    setup.node.knobs().typing.send(notice).unwrap();
    let told = rpc.until(|line| line["method"] == "typing");
    assert_eq!(told["params"], json!({"room": "ops", "user": "bob"}));
}

#[test]
fn an_account_that_is_deleted_may_do_nothing_any_more() {
    let setup = Setup::new();
    let mut rpc = begin(&setup);
    rpc.ask(3, "account.delete", json!({"password": "wrong"}));
    assert_eq!(rpc.answer(3)["error"]["data"]["code"], "wrong-password");
    rpc.ask(4, "post", json!({"room": "ops", "body": "the last"}));
    rpc.ask(5, "account.delete", json!({"password": "secret"}));
    rpc.ask(6, "post", json!({"room": "ops", "body": "too late"}));
    assert_eq!(rpc.answer(4)["result"]["seq"], 2);
    assert_eq!(rpc.answer(5)["result"], json!({}));
    assert_eq!(rpc.answer(6)["error"]["data"]["code"], "not-logged-in");
    assert_eq!(setup.cluster.bodies("ops"), ["the last"]);
}
