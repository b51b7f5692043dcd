//! What users mistype or try is refused with the code of the contract, and happened nowhere.

use quorate_tests::{CALL_DEADLINE, Cluster, Conversation, Rpc, until};
use serde_json::{Value, json};

const ROOM: &str = "ops";
const WINDOW: usize = 2;
/// A body of this size always goes.
const BODY_GOES_BYTES: usize = 8 * 1024;
/// Over this size it never does.
const BODY_MAX_BYTES: usize = 64 * 1024;

fn while_people_talk(bad: impl FnOnce(&Cluster, &Rpc)) {
    let cluster = Cluster::new(1);
    let talk = Conversation::start(&cluster, ROOM, &[1], &[1], WINDOW);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.join(ROOM);
    bad(&cluster, &alice);
    talk.wait_for_more(10);
    talk.finish(&cluster);
}

#[track_caller]
fn assert_refused(rpc: &Rpc, method: &str, params: &Value, codes: &[&str]) {
    let error = rpc.call(method, params).expect_err("it is refused");
    assert_eq!(error.number, -32000, "{method}: {error:?}");
    assert_eq!(error.outcome, "refused", "{method}: {error:?}");
    assert!(
        codes.is_empty() || codes.contains(&error.code.as_str()),
        "{method}: {error:?}, not {codes:?}"
    );
}

#[test]
fn a_body_over_the_limit_is_too_large() {
    while_people_talk(|_, alice| {
        let body = "x".repeat(BODY_MAX_BYTES + 1);
        assert_refused(alice, "post", &json!({"room": ROOM, "body": body}), &["too-large"]);
        let far_over = "x".repeat(4 * BODY_MAX_BYTES);
        assert_refused(alice, "post", &json!({"room": ROOM, "body": far_over}), &["too-large"]);
    });
}

#[test]
fn a_body_of_8_kib_goes() {
    let cluster = Cluster::new(1);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    let body = "x".repeat(BODY_GOES_BYTES);
    let placed = alice.post(ROOM, &body, "long").expect("8 KiB go");
    let (events, _) = alice.history(ROOM);
    assert_eq!(
        events.last().map(|event| (event.seq, event.body.as_deref())),
        Some((placed.seq, Some(body.as_str())))
    );
}

#[test]
fn an_empty_body_control_characters_and_a_long_id_are_refused() {
    while_people_talk(|_, alice| {
        assert_refused(alice, "post", &json!({"room": ROOM, "body": ""}), &[]);
        for control in ['\u{0}', '\u{7}', '\u{1b}', '\u{7f}', '\u{85}'] {
            assert_refused(
                alice,
                "post",
                &json!({"room": ROOM, "body": format!("a{control}b")}),
                &[],
            );
        }
        assert_refused(
            alice,
            "post",
            &json!({"room": ROOM, "body": "b", "id": "i".repeat(65)}),
            &[],
        );
    });
}

#[test]
fn a_name_with_control_characters_is_refused() {
    while_people_talk(|cluster, alice| {
        for name in ["al\u{7}ice", "al\nice", "a\u{0}", "\u{1b}[2J", "a b", "", "@alice"] {
            let fresh = cluster.rpc("fresh", 1);
            assert_refused(&fresh, "register", &json!({"user": name, "password": "secret"}), &[]);
            assert_refused(alice, "room.create", &json!({"room": name}), &[]);
        }
    });
}

#[test]
fn an_unknown_room_and_an_unknown_user_are_told() {
    while_people_talk(|_, alice| {
        for (method, params) in [
            ("post", json!({"room": "nowhere", "body": "hi"})),
            ("history", json!({"room": "nowhere"})),
            ("subscribe", json!({"room": "nowhere"})),
            ("room.join", json!({"room": "nowhere"})),
            ("room.members", json!({"room": "nowhere"})),
        ] {
            assert_refused(alice, method, &params, &["unknown-room"]);
        }
        assert_refused(
            alice,
            "post",
            &json!({"user": "nobody", "body": "hi"}),
            &["unknown-user"],
        );
    });
}

#[test]
fn who_is_not_a_member_may_not_post() {
    while_people_talk(|cluster, _| {
        let bob = cluster.rpc("bob", 1);
        bob.register("bob");
        assert_refused(&bob, "post", &json!({"room": ROOM, "body": "hi"}), &["not-a-member"]);
    });
}

#[test]
fn a_wrong_password_is_told_and_nothing_is_open() {
    while_people_talk(|cluster, _| {
        let thief = cluster.rpc("thief", 1);
        for (user, password) in [("alice", "guess"), ("alice", ""), ("no-such-user", "guess")] {
            let login = json!({"user": user, "password": password});
            assert_refused(&thief, "login", &login, &["wrong-password"]);
        }
        let error = thief
            .call("history", &json!({"room": ROOM}))
            .expect_err("not logged in");
        assert_eq!(error.outcome, "refused", "{error:?}");
    });
}

#[test]
fn lines_that_are_no_requests_get_the_errors_of_json_rpc() {
    let cluster = Cluster::new(1);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.send_raw("\n   \n");
    for (line, number) in [
        ("{no json\n", -32700),
        ("[]\n", -32600),
        ("{\"jsonrpc\":\"2.0\"}\n", -32600),
        ("7\n", -32600),
    ] {
        let told = |notice: &quorate_tests::Notice| {
            notice.method == "unmatched" && notice.params["error"]["code"] == number && notice.params["id"].is_null()
        };
        let before = alice.notices().iter().filter(|notice| told(notice)).count();
        alice.send_raw(line);
        until(&format!("{number} for {line:?}"), CALL_DEADLINE, || {
            (alice.notices().iter().filter(|notice| told(notice)).count() > before).then_some(())
        });
    }
    let number = |method: &str, params: &Value| alice.call(method, params).expect_err("it is no call").number;
    assert_eq!(number("no.such.method", &json!({})), -32601);
    assert_eq!(number("post", &json!({"room": 7, "body": "x"})), -32602);
    assert_eq!(number("post", &json!({"room": ROOM})), -32602);
    let whoami = alice.ask("whoami", &json!({}));
    assert_eq!(whoami["user"], "alice", "it goes on: {whoami}");
}
