//! A deleted account logs in no more and is in no list; its messages stay without its name, or go as it wished.

use quorate_tests::{CALL_DEADLINE, Cluster, Rpc, until};
use serde_json::{Value, json};

fn events(rpc: &Rpc, room: &str) -> Vec<Value> {
    rpc.ask("history", &json!({"room": room, "limit": 500, "linearizable": true}))["events"]
        .as_array()
        .expect("events")
        .clone()
}

#[test]
fn a_deleted_accounts_messages_stay_without_its_name_or_go() {
    let cluster = Cluster::new(3);
    let watcher = cluster.rpc("watcher", 1);
    watcher.register("watcher");
    watcher.create("ops");
    for (user, purge) in [("alice", false), ("bob", true)] {
        let leaver = cluster.rpc(user, 2);
        leaver.register(user);
        leaver.join("ops");
        leaver.post("ops", &format!("words of {user}"), "w").expect("posted");
        leaver.ask("post", &json!({"user": "watcher", "body": "between us"}));
        let wrong = leaver
            .call("account.delete", &json!({"password": "wrong"}))
            .expect_err("a wrong password");
        assert_eq!(wrong.code, "wrong-password");
        leaver.ask(
            "account.delete",
            &json!({"password": format!("pw-{user}"), "purge": purge}),
        );
        let refused = leaver
            .call("post", &json!({"room": "ops", "body": "from beyond"}))
            .expect_err("gone");
        assert_eq!(refused.code, "not-logged-in");
        for id in cluster.ids() {
            let again = cluster.rpc(&format!("{user}-again{id}"), id);
            let login = again.call("login", &json!({"user": user, "password": format!("pw-{user}")}));
            assert_eq!(login.expect_err("gone").code, "wrong-password");
            // Nobody steps into a dead account's name.
            let taken = again.call("register", &json!({"user": user, "password": "mine now"}));
            assert_eq!(taken.expect_err("taken").code, "name-taken");
        }
        assert_eq!(
            watcher
                .call("post", &json!({"user": user, "body": "hello?"}))
                .expect_err("nobody")
                .code,
            "unknown-user"
        );
    }
    let accounts = watcher.ask("accounts.list", &json!({}));
    assert_eq!(accounts["accounts"].as_array().map(Vec::len), Some(1), "{accounts}");

    for id in cluster.ids() {
        let reader = cluster.rpc(&format!("reader{id}"), id);
        reader.login("watcher");
        until("bob's words are gone", CALL_DEADLINE, || {
            let all = events(&reader, "ops");
            (!format!("{all:?}").contains("words of bob")).then_some(())
        });
        let all = events(&reader, "ops");
        let alices = all
            .iter()
            .find(|event| event["body"] == "words of alice")
            .expect("they stay");
        assert_eq!(alices["author"], json!("deleted"));
        assert!(
            all.iter()
                .all(|event| event["author"] != "alice" && event["author"] != "bob"),
            "{all:?}"
        );
        let searched = reader.ask("search", &json!({"words": "words"}));
        assert_eq!(searched["events"].as_array().map(Vec::len), Some(1), "{searched}");
        assert_eq!(searched["events"][0]["author"], json!("deleted"));
    }
    cluster.wait_equal_hashes();
}
