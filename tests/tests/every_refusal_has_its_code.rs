//! What is over a limit, in the wrong state or without permission is refused with its own code, the same on two nodes that
//! are asked at once, and nothing has changed.

use quorate_tests::{CALL_DEADLINE, Cluster, Rpc};
use serde_json::{Value, json};

const ROOM: &str = "ops";

/// One user, connected to two nodes.
struct Person {
    here: Rpc,
    there: Rpc,
}

impl Person {
    fn register(cluster: &Cluster, name: &str) -> Self {
        let here = cluster.rpc(name, 1);
        here.register(name);
        let there = cluster.rpc(&format!("{name}-there"), 2);
        there.login(name);
        Self { here, there }
    }

    fn ask(&self, method: &str, params: &Value) -> Value {
        self.here.ask(method, params)
    }
}

struct Case<'a> {
    who: &'a Person,
    method: &'static str,
    params: Value,
    code: &'static str,
}

#[test]
fn every_refusal_has_its_code_on_two_nodes_at_once() {
    let cluster = Cluster::new(3);
    let [alice, bob, carol, dora, eve, mallory] =
        ["alice", "bob", "carol", "dora", "eve", "mallory"].map(|name| Person::register(&cluster, name));
    alice.ask("room.create", &json!({"room": ROOM}));
    for person in [&bob, &dora, &eve, &mallory] {
        person.ask("room.join", &json!({"room": ROOM}));
    }
    let message = alice.ask("post", &json!({"room": ROOM, "body": "hello", "id": "m"}))["seq"].clone();
    let gone = alice.ask("post", &json!({"room": ROOM, "body": "oops", "id": "g"}))["seq"].clone();
    alice.ask("delete", &json!({"room": ROOM, "seq": gone}));
    alice.ask("room.role", &json!({"room": ROOM, "user": "dora", "role": "read-only"}));
    alice.ask("room.mute", &json!({"room": ROOM, "user": "eve"}));
    alice.ask("room.ban", &json!({"room": ROOM, "user": "mallory"}));
    alice.ask("room.create", &json!({"room": "attic"}));
    bob.ask("room.join", &json!({"room": "attic"}));
    let relic = bob.ask("post", &json!({"room": "attic", "body": "a relic", "id": "r"}))["seq"].clone();
    alice.ask("room.archive", &json!({"room": "attic"}));
    alice.ask("room.create", &json!({"room": "poor"}));
    let _ = cluster
        .ctl(
            1,
            &["quota", "--user", "carol", "--max-text-bytes", "8B", "--max-rooms", "0"],
        )
        .success();
    carol.ask("room.join", &json!({"room": "poor"}));

    let refused = |who, method, params, code| Case {
        who,
        method,
        params,
        code,
    };
    let cases = [
        // Not there.
        refused(&bob, "post", json!({"room": "nowhere", "body": "hi"}), "unknown-room"),
        refused(&bob, "post", json!({"user": "nobody", "body": "hi"}), "unknown-user"),
        refused(&bob, "room.join", json!({"room": "nowhere"}), "unknown-room"),
        refused(
            &alice,
            "room.invite",
            json!({"room": ROOM, "user": "nobody"}),
            "unknown-user",
        ),
        refused(
            &alice,
            "room.kick",
            json!({"room": ROOM, "user": "carol"}),
            "no-such-member",
        ),
        refused(
            &alice,
            "room.mute",
            json!({"room": ROOM, "user": "carol"}),
            "no-such-member",
        ),
        refused(
            &alice,
            "room.transfer",
            json!({"room": ROOM, "user": "carol"}),
            "no-such-member",
        ),
        refused(
            &alice,
            "edit",
            json!({"room": ROOM, "seq": 999, "body": "x"}),
            "unknown-seq",
        ),
        refused(
            &alice,
            "react",
            json!({"room": ROOM, "seq": 999, "emoji": "👍"}),
            "unknown-seq",
        ),
        refused(&alice, "read", json!({"room": ROOM, "upto": 999}), "unknown-seq"),
        refused(
            &alice,
            "post",
            json!({"room": ROOM, "body": "x", "reply_to": 999}),
            "unknown-seq",
        ),
        refused(
            &alice,
            "devices.revoke",
            json!({"id": "00".repeat(32)}),
            "unknown-device",
        ),
        refused(&alice, "bot.delete", json!({"user": "nobody"}), "unknown-user"),
        // Not a member.
        refused(&carol, "post", json!({"room": ROOM, "body": "hi"}), "not-a-member"),
        refused(&carol, "history", json!({"room": ROOM}), "not-a-member"),
        refused(&carol, "subscribe", json!({"room": ROOM}), "not-a-member"),
        refused(
            &carol,
            "room.topic",
            json!({"room": ROOM, "topic": "t"}),
            "not-a-member",
        ),
        // Not with this role, or not to this one.
        refused(&bob, "room.kick", json!({"room": ROOM, "user": "eve"}), "not-allowed"),
        refused(&bob, "room.ban", json!({"room": ROOM, "user": "alice"}), "not-allowed"),
        refused(&bob, "room.mute", json!({"room": ROOM, "user": "eve"}), "not-allowed"),
        refused(
            &bob,
            "room.role",
            json!({"room": ROOM, "user": "eve", "role": "moderator"}),
            "not-allowed",
        ),
        refused(
            &bob,
            "room.transfer",
            json!({"room": ROOM, "user": "bob"}),
            "not-allowed",
        ),
        refused(&bob, "room.archive", json!({"room": ROOM}), "not-allowed"),
        refused(&bob, "room.delete", json!({"room": ROOM}), "not-allowed"),
        refused(&bob, "room.bans", json!({"room": ROOM}), "not-allowed"),
        refused(
            &bob,
            "room.retention",
            json!({"room": ROOM, "max_count": 5}),
            "not-allowed",
        ),
        refused(
            &bob,
            "edit",
            json!({"room": ROOM, "seq": message, "body": "x"}),
            "not-allowed",
        ),
        refused(&bob, "delete", json!({"room": ROOM, "seq": message}), "not-allowed"),
        refused(
            &alice,
            "room.kick",
            json!({"room": ROOM, "user": "alice"}),
            "not-allowed",
        ),
        refused(&dora, "post", json!({"room": ROOM, "body": "hi"}), "not-allowed"),
        refused(
            &dora,
            "react",
            json!({"room": ROOM, "seq": message, "emoji": "👍"}),
            "not-allowed",
        ),
        // In the wrong state.
        refused(&eve, "post", json!({"room": ROOM, "body": "hi"}), "muted"),
        refused(&mallory, "room.join", json!({"room": ROOM}), "banned"),
        refused(&bob, "post", json!({"room": "attic", "body": "hi"}), "archived"),
        refused(
            &bob,
            "edit",
            json!({"room": "attic", "seq": relic, "body": "x"}),
            "archived",
        ),
        refused(
            &alice,
            "edit",
            json!({"room": ROOM, "seq": gone, "body": "x"}),
            "redacted",
        ),
        refused(
            &alice,
            "react",
            json!({"room": ROOM, "seq": gone, "emoji": "👍"}),
            "redacted",
        ),
        refused(
            &alice,
            "edit",
            json!({"room": ROOM, "seq": 1, "body": "x"}),
            "not-a-message",
        ),
        refused(&alice, "room.create", json!({"room": ROOM}), "name-taken"),
        refused(&alice, "room.create", json!({"room": "@alice+bob"}), "bad-name"),
        refused(&alice, "passwd", json!({"old": "wrong", "new": "x"}), "wrong-password"),
        // Over a limit.
        refused(
            &carol,
            "post",
            json!({"room": "poor", "body": "nine bytes"}),
            "quota-exceeded",
        ),
        refused(&carol, "room.create", json!({"room": "mine"}), "too-many"),
        refused(&alice, "post", json!({"room": ROOM, "body": ""}), "empty"),
        refused(
            &alice,
            "post",
            json!({"room": ROOM, "body": "x".repeat(65_537)}),
            "too-large",
        ),
        refused(
            &alice,
            "edit",
            json!({"room": ROOM, "seq": message, "body": ""}),
            "empty",
        ),
    ];
    let lines = alice.here.history(ROOM).1.last_seq;
    for Case {
        who,
        method,
        params,
        code,
    } in &cases
    {
        let asked = [who.here.send(method, params), who.there.send(method, params)];
        for pending in asked {
            let answer = pending.wait(CALL_DEADLINE).result;
            let error = answer.expect_err(&format!("{method} {params} is refused"));
            assert_eq!(
                (error.code.as_str(), error.outcome.as_str()),
                (*code, "refused"),
                "{method} {params}: {error:?}"
            );
        }
    }
    assert_eq!(alice.here.history(ROOM).1.last_seq, lines, "none of it left a line");
}
