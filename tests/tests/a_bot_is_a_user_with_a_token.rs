//! A bot is a user with a mark that logs in with a token; its owner makes, renews and ends it.

use quorate_tests::{CALL_DEADLINE, Cluster};
use serde_json::json;

#[test]
fn a_bot_belongs_to_its_owner_and_lives_by_its_token() {
    let cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create("ops");
    let made = alice.ask("bot.create", &json!({"user": "pager"}));
    let token = made["token"].as_str().expect("a token").to_owned();

    let bot = cluster.rpc("pager", 2);
    bot.ask("login", &json!({"user": "pager", "password": token}));
    assert_eq!(bot.ask("whoami", &json!({}))["owner"], json!("alice"));
    bot.join("ops");
    bot.post("ops", "disk full on n3", "alert-1").expect("posted");
    let listed = alice.ask("accounts.list", &json!({"match": "pag*"}));
    assert_eq!(listed["accounts"][0]["bot"], json!(true), "{listed}");
    let refused = bot
        .call("bot.create", &json!({"user": "child"}))
        .expect_err("bots make no bots");
    assert_eq!(refused.code, "not-allowed");

    // Somebody else's bot is nobody's.
    let bob = cluster.rpc("bob", 3);
    bob.register("bob");
    for (method, params) in [
        ("bot.token", json!({"user": "pager"})),
        ("bot.delete", json!({"user": "pager"})),
    ] {
        assert_eq!(
            bob.call(method, &params).expect_err("not his").code,
            "unknown-user",
            "{method}"
        );
    }

    // A new token ends what the old one opened.
    let renewed = alice.ask("bot.token", &json!({"user": "pager"}));
    bot.wait_for("the bot is cut off", CALL_DEADLINE, |notice| {
        notice.method == "connection" && notice.params.to_string().contains("revoked")
    });
    let old = bot
        .call("login", &json!({"user": "pager", "password": token}))
        .expect_err("the old token");
    assert_eq!(old.code, "wrong-password");
    bot.ask("login", &json!({"user": "pager", "password": renewed["token"]}));
    let again = bot.post("ops", "disk full on n3", "alert-1").expect("found");
    assert_eq!(again.seq, 3, "an id is the user's, whatever the token");

    alice.ask("bot.delete", &json!({"user": "pager"}));
    assert_eq!(alice.ask("bot.list", &json!({}))["bots"], json!([]));
    let gone = cluster.rpc("ghost", 1);
    let refused = gone.call("login", &json!({"user": "pager", "password": renewed["token"]}));
    assert_eq!(refused.expect_err("it is no more").code, "wrong-password");
}
