//! JSON-RPC: answers, order, errors.

use serde_json::json;

use crate::fake::Deed;
use crate::setup::{Rpc, Setup, code, error_code, text};

#[test]
fn rpc_answers_each_request_and_keeps_the_order_of_a_room() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.ask(1, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(2, "room.create", json!({"room": "ops"}));
    rpc.ask(3, "subscribe", json!({"room": "ops", "from_seq": 1}));
    for id in 10..110 {
        rpc.ask(
            id,
            "post",
            json!({"room": "ops", "body": format!("m{id}"), "id": format!("k{id}")}),
        );
    }
    rpc.ask(4, "history", json!({"room": "ops", "limit": 500}));
    assert_eq!(rpc.answer(1)["result"], json!({"user": "alice"}));
    assert_eq!(rpc.answer(3)["result"]["last_seq"], 1);
    for id in 10..110 {
        let posted = rpc.answer(id);
        assert_eq!(posted["result"]["seq"], id - 8, "{posted}");
        assert_eq!(posted["result"]["id"], format!("k{id}"));
    }
    let history = rpc.answer(4);
    assert_eq!(history["result"]["events"].as_array().unwrap().len(), 101);
    assert_eq!(
        (&history["result"]["first_seq"], &history["result"]["last_seq"]),
        (&json!(1), &json!(101))
    );
    for seq in 1..=101 {
        assert_eq!(rpc.event()["seq"], seq);
    }
    drop(rpc.child.stdin.take());
    assert_eq!(rpc.child.wait().unwrap().code(), Some(0));
}

#[test]
fn rpc_tells_its_errors_apart() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.write("");
    rpc.write("{nonsense");
    assert_eq!(
        rpc.until(|line| line["id"].is_null() && line["error"].is_object())["error"]["code"],
        -32700
    );
    rpc.write(r#"{"jsonrpc":"2.0","id":"a"}"#);
    assert_eq!(rpc.until(|line| line["id"] == "a")["error"]["code"], -32600);
    rpc.ask(1, "nonsense", json!({}));
    assert_eq!(rpc.answer(1)["error"]["code"], -32601);
    rpc.ask(2, "post", json!({"body": "no room"}));
    assert_eq!(rpc.answer(2)["error"]["code"], -32602);
    rpc.ask(3, "post", json!({"room": "ops", "body": "hi"}));
    let refused = rpc.answer(3);
    assert_eq!(refused["error"]["code"], -32000);
    assert_eq!(
        refused["error"]["data"],
        json!({"code": "not-logged-in", "outcome": "refused"})
    );
    rpc.ask(4, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(5, "room.create", json!({"room": "ops"}));
    rpc.answer(5);
    for (id, body, code) in [
        (6, "", "empty"),
        (7, "\u{7}", "bad-body"),
        (8, &*"x".repeat(70_000), "too-large"),
    ] {
        rpc.ask(id, "post", json!({"room": "ops", "body": body}));
        assert_eq!(
            rpc.answer(id)["error"]["data"],
            json!({"code": code, "outcome": "refused"})
        );
    }
    rpc.ask(9, "post", json!({"room": "ops", "body": "x", "id": "k".repeat(65)}));
    assert_eq!(rpc.answer(9)["error"]["data"]["outcome"], "refused");
}

#[test]
fn rpc_that_cannot_finish_its_outbox_says_what_is_left_and_the_next_one_finishes_it() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    setup.node.will([Deed::Forget]);
    setup.node.will([Deed::Refuse].into_iter().cycle().take(5000));
    let post = json!({"jsonrpc": "2.0", "id": 1, "method": "post", "params": {"room": "ops", "body": "late", "deadline_ms": 100}});
    let args = ["--json", "rpc", "--finish-within", "100ms"];
    let output = setup.run(&args, &format!("{post}\n"));
    assert_eq!(
        (code(&output), error_code(&output).as_str()),
        (8, "unknown"),
        "{output:?}"
    );
    assert!(
        text(&output.stderr).contains("1 changes are not answered yet"),
        "{output:?}"
    );
    setup.node.knobs().deeds.lock().unwrap().clear();
    assert_eq!(code(&setup.run(&["rpc"], "")), 0);
    assert_eq!(setup.cluster.bodies("ops"), ["late"]);
}

#[test]
fn rpc_that_has_told_all_its_answers_leaves_nothing_and_ends_with_0() {
    let setup = Setup::new().registered();
    setup.print(&["create", "ops"]);
    setup.stop();
    let post = json!({"jsonrpc": "2.0", "id": 1, "method": "post", "params": {"room": "ops", "body": "never", "deadline_ms": 100}});
    let output = setup.run(&["rpc"], &format!("{post}\n"));
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(text(&output.stdout).contains(r#""outcome":"refused""#), "{output:?}");
    let node = setup.another_node();
    assert_eq!(code(&setup.run(&["rpc", "--server", &node.addr], "")), 0);
    setup.print(&["send", "ops", "last"]);
    assert_eq!(setup.cluster.bodies("ops"), ["last"]);
}

#[test]
fn rpc_tells_an_unknown_outcome_and_finds_it_with_the_same_id() {
    let setup = Setup::new();
    let mut rpc = Rpc::new(&setup);
    rpc.ask(1, "register", json!({"user": "alice", "password": "secret"}));
    rpc.ask(2, "room.create", json!({"room": "ops"}));
    rpc.answer(2);
    setup.node.will([Deed::DoAndForget]);
    setup.node.will([Deed::Refuse].into_iter().cycle().take(5000));
    rpc.ask(
        3,
        "post",
        json!({"room": "ops", "body": "x", "id": "k", "deadline_ms": 200}),
    );
    assert_eq!(rpc.answer(3)["error"]["data"]["outcome"], "unknown");
    setup.node.knobs().deeds.lock().unwrap().clear();
    rpc.ask(4, "post", json!({"room": "ops", "body": "x", "id": "k"}));
    assert_eq!(rpc.answer(4)["result"]["seq"], 2);
    assert_eq!(setup.cluster.bodies("ops"), ["x"]);
}
