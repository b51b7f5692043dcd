//! The admin API about users, rooms, bans, the lockdown and the audit log, with a made-up node behind it that has a real
//! state.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::sync::{Arc, Mutex};

use admin_support::{Fake, Server, ask, get, raw};
use quorate_core::{Operation, State};
use quorate_daemon::admin::AdminError;
use serde_json::{Value, json};

fn server() -> (Server, Arc<Mutex<State>>) {
    let chat = Arc::new(Mutex::new(State::new()));
    let fake = Fake {
        chat: Some(Arc::clone(&chat)),
        ..Fake::default()
    };
    (Server::start(fake), chat)
}

async fn done(server: &Server, method: &str, path: &str, body: Value) -> Value {
    let (status, answer) = ask(server, method, path, &body.to_string()).await;
    assert_eq!(status, 200, "{method} {path}: {answer}");
    answer
}

async fn refused(server: &Server, method: &str, path: &str, body: Value) -> (u16, String) {
    let (status, answer) = ask(server, method, path, &body.to_string()).await;
    (status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn users_are_made_listed_disabled_and_ended() {
    let (server, _) = server();
    for user in ["alice", "bob", "adam"] {
        done(
            &server,
            "POST",
            "/v1/users",
            json!({"user": user, "password": "secret"}),
        )
        .await;
    }
    let made = done(
        &server,
        "POST",
        "/v1/users",
        json!({"user": "root", "password": "x", "role": "admin"}),
    )
    .await;
    assert_eq!(
        (made["role"].as_str(), made["state"].as_str()),
        (Some("admin"), Some("active"))
    );
    let names = |page: &Value| -> Vec<String> {
        let rows = page["users"].as_array().unwrap().iter();
        rows.map(|row| row["user"].as_str().unwrap().to_owned()).collect()
    };
    let (_, page) = get(&server, "/v1/users?match=a*&limit=1").await;
    assert_eq!(
        (names(&page), page["next"].as_str()),
        (vec!["adam".to_owned()], Some("adam"))
    );
    let (_, page) = get(&server, "/v1/users?match=a*&limit=1&after=adam").await;
    assert_eq!((names(&page), page["next"].as_str()), (vec!["alice".to_owned()], None));

    done(&server, "POST", "/v1/users/alice/disable", json!({})).await;
    let (_, alice) = get(&server, "/v1/users/alice").await;
    assert_eq!(alice["state"], "disabled");
    done(&server, "POST", "/v1/users/alice/enable", json!({})).await;
    done(&server, "PUT", "/v1/users/alice/role", json!({"role": "moderator"})).await;
    done(&server, "PUT", "/v1/users/alice/password", json!({"password": "other"})).await;
    let (_, alice) = get(&server, "/v1/users/alice").await;
    assert_eq!(
        (alice["state"].as_str(), alice["role"].as_str()),
        (Some("active"), Some("moderator"))
    );
    let (_, sessions) = get(&server, "/v1/users/alice/sessions").await;
    assert_eq!(sessions, json!({"user": "alice", "online_at": [], "devices": []}));
    done(&server, "DELETE", "/v1/users/alice/sessions", json!({})).await;
    done(&server, "DELETE", "/v1/users/alice?purge_messages=true", json!({})).await;
    assert_eq!(get(&server, "/v1/users/alice").await.0, 404);
}

#[tokio::test]
async fn what_is_wrong_with_a_request_about_users_has_its_status_and_code() {
    let (server, _) = server();
    done(
        &server,
        "POST",
        "/v1/users",
        json!({"user": "alice", "password": "secret"}),
    )
    .await;
    let device = "00".repeat(32);
    for (method, path, body, status, code) in [
        (
            "POST",
            "/v1/users",
            json!({"user": "alice", "password": "x"}),
            409,
            "name-taken",
        ),
        (
            "POST",
            "/v1/users",
            json!({"user": "operator", "password": "x"}),
            409,
            "bad-name",
        ),
        (
            "POST",
            "/v1/users",
            json!({"user": "bob", "password": ""}),
            400,
            "bad-password",
        ),
        (
            "POST",
            "/v1/users",
            json!({"user": "bob", "password": "x", "role": "king"}),
            400,
            "bad-request",
        ),
        (
            "POST",
            "/v1/users",
            json!({"user": "b b", "password": "x"}),
            400,
            "bad-request",
        ),
        ("POST", "/v1/users/nobody/disable", json!({}), 404, "unknown-user"),
        (
            "PUT",
            "/v1/users/nobody/password",
            json!({"password": "x"}),
            404,
            "unknown-user",
        ),
        ("DELETE", "/v1/users/nobody", json!({}), 404, "unknown-user"),
        (
            "DELETE",
            "/v1/users/alice/sessions/xyz",
            json!({}),
            404,
            "unknown-device",
        ),
        (
            "DELETE",
            &format!("/v1/users/alice/sessions/{device}"),
            json!({}),
            404,
            "unknown-device",
        ),
    ] {
        let found = refused(&server, method, path, body).await;
        assert_eq!(found, (status, code.to_owned()), "{method} {path}");
    }
}

#[tokio::test]
async fn rooms_are_made_for_users_closed_given_away_and_ended() {
    let (server, _) = server();
    for user in ["alice", "bob"] {
        done(
            &server,
            "POST",
            "/v1/users",
            json!({"user": user, "password": "secret"}),
        )
        .await;
    }
    let made = done(
        &server,
        "POST",
        "/v1/rooms",
        json!({"room": "den", "owner": "alice", "private": true}),
    )
    .await;
    assert_eq!(
        (made["owner"].as_str(), made["private"].as_bool()),
        (Some("alice"), Some(true))
    );
    let plain = done(&server, "POST", "/v1/rooms", json!({"room": "plain"})).await;
    assert_eq!(plain["owner"].as_str(), Some("alice"), "the oldest account");
    done(&server, "PUT", "/v1/users/bob/role", json!({"role": "admin"})).await;
    let led = done(&server, "POST", "/v1/rooms", json!({"room": "led"})).await;
    assert_eq!(led["owner"].as_str(), Some("bob"), "who may do most");
    let found = refused(&server, "POST", "/v1/rooms", json!({"room": "den", "owner": "alice"})).await;
    assert_eq!(found, (409, "name-taken".to_owned()));
    let found = refused(&server, "POST", "/v1/rooms", json!({"room": "ops", "owner": "nobody"})).await;
    assert_eq!(found, (404, "unknown-user".to_owned()));
    done(&server, "PUT", "/v1/rooms/den/archived", json!({"archived": true})).await;
    done(&server, "PUT", "/v1/rooms/den/owner", json!({"user": "bob"})).await;
    let (_, den) = get(&server, "/v1/rooms/den").await;
    assert_eq!(
        (den["owner"].as_str(), den["archived"].as_bool()),
        (Some("bob"), Some(true))
    );
    let (_, members) = get(&server, "/v1/rooms/den/members").await;
    assert_eq!(
        members,
        json!([
            {"user": "alice", "role": "moderator", "muted": false},
            {"user": "bob", "role": "owner", "muted": false},
        ])
    );
    let (_, page) = get(&server, "/v1/rooms?match=d*").await;
    assert_eq!(
        (page["rooms"][0]["room"].as_str(), &page["next"]),
        (Some("den"), &Value::Null)
    );
    done(&server, "DELETE", "/v1/rooms/den", json!({})).await;
    assert_eq!(get(&server, "/v1/rooms/den").await.0, 404);
    assert_eq!(get(&server, "/v1/rooms/den/members").await.0, 404);
    assert_eq!(get(&server, "/v1/rooms/den/export").await.0, 404);
}

#[tokio::test]
async fn bans_are_of_users_and_of_networks_and_are_lifted_by_their_id() {
    let (server, chat) = server();
    done(
        &server,
        "POST",
        "/v1/users",
        json!({"user": "mallory", "password": "secret"}),
    )
    .await;
    let ban = done(
        &server,
        "POST",
        "/v1/bans",
        json!({"subject": "mallory", "ttl": "7d", "reason": "spam"}),
    )
    .await;
    assert_eq!(
        (ban["user"].as_str(), ban["reason"].as_str()),
        (Some("mallory"), Some("spam"))
    );
    let net = done(&server, "POST", "/v1/bans", json!({"subject": "192.0.2.77/24"})).await;
    assert_eq!(
        (net["network"].as_str(), &net["until"]),
        (Some("192.0.2.0/24"), &Value::Null)
    );
    let addr = "192.0.2.1".parse().unwrap();
    assert!(chat.lock().unwrap().network_ban(addr).is_some());
    let (_, bans) = get(&server, "/v1/bans").await;
    assert_eq!(bans, json!([ban, net]));
    let (_, mallory) = get(&server, "/v1/users/mallory").await;
    assert_eq!((&mallory["banned"], &mallory["ban"]["id"]), (&json!(true), &ban["id"]));
    let path = format!("/v1/bans/{}", ban["id"]);
    done(&server, "DELETE", &path, json!({})).await;
    assert_eq!(
        refused(&server, "DELETE", &path, json!({})).await,
        (404, "unknown-ban".to_owned())
    );
    for (subject, status, code) in [
        ("nobody", 404, "unknown-user"),
        ("192.0.2.0/33", 400, "bad-request"),
        ("2001:db8::/200", 400, "bad-request"),
        ("", 400, "bad-request"),
    ] {
        let found = refused(&server, "POST", "/v1/bans", json!({"subject": subject})).await;
        assert_eq!(found, (status, code.to_owned()), "{subject:?}");
    }
}

#[tokio::test]
async fn the_lockdown_is_set_and_shown() {
    let (server, _) = server();
    assert_eq!(get(&server, "/v1/lockdown").await, (200, json!({"mode": "off"})));
    for mode in ["no-register", "auth-only", "read-only", "off"] {
        done(&server, "PUT", "/v1/lockdown", json!({"mode": mode})).await;
        assert_eq!(get(&server, "/v1/lockdown").await, (200, json!({"mode": mode})));
    }
    let found = refused(&server, "PUT", "/v1/lockdown", json!({"mode": "shut"})).await;
    assert_eq!(found, (400, "bad-request".to_owned()));
}

#[tokio::test]
async fn the_audit_log_has_the_fields_of_the_contract() {
    let (server, _) = server();
    let (status, rows) = get(&server, "/v1/audit?after=1&limit=1").await;
    assert_eq!(status, 200);
    let row = &rows[0];
    assert_eq!(
        [
            &row["seq"],
            &row["at"],
            &row["uid"],
            &row["actor"],
            &row["action"],
            &row["target"],
            &row["outcome"]
        ],
        [
            &json!(2),
            &json!("2026-12-22T17:35:22.000Z"),
            &json!(7),
            &json!("root"),
            &json!("users.disable"),
            &json!("alice"),
            &json!("done")
        ]
    );
    assert_eq!(row["hash"].as_str().map(str::len), Some(64));
    let (status, report) = get(&server, "/v1/audit/verify").await;
    assert_eq!(
        (status, &report["ok"], &report["entries"]),
        (200, &json!(true), &json!(3))
    );
}

#[tokio::test]
async fn what_entries_carry_is_shown_only_to_who_is_written_down() {
    let fake = Fake::default();
    let operated = Arc::clone(&fake.operated);
    let server = Server::start(fake);
    assert_eq!(get(&server, "/v1/raft/log?from=905").await.0, 200);
    assert!(
        operated.lock().unwrap().is_empty(),
        "without texts it is no business of the audit log"
    );
    assert_eq!(get(&server, "/v1/raft/log?from=905&to=910&raw=true").await.0, 200);
    let note = Operation::Note {
        action: "raft.log".parse().unwrap(),
        target: "from 905 to 910".parse().unwrap(),
    };
    let noted: Vec<_> = operated.lock().unwrap().iter().map(|(_, done)| done.clone()).collect();
    assert_eq!(noted, [note]);

    let cut_off = Server::start(Fake::failing(AdminError::OutcomeUnknown));
    assert_eq!(get(&cut_off, "/v1/raft/log?raw=true").await.0, 504);
    assert_eq!(get(&cut_off, "/v1/raft/log").await.0, 200);
}

#[tokio::test]
async fn an_export_is_written_down_before_it_is_read_and_tells_when_it_breaks_off() {
    let (server, chat) = server();
    done(
        &server,
        "POST",
        "/v1/users",
        json!({"user": "alice", "password": "secret"}),
    )
    .await;
    let before = chat.lock().unwrap().audit().next;
    let request = b"GET /v1/users/alice/export HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let whole = raw(&server, request).await;
    assert!(whole.contains("User(UserName(\"alice\"))"), "{whole}");
    assert!(whole.ends_with("0\r\n\r\n"), "the end is told: {whole}");
    assert_eq!(chat.lock().unwrap().audit().next, before.next());

    let fake = Fake {
        breaks_off: true,
        ..Fake::default()
    };
    let broken = raw(&Server::start(fake), request).await;
    assert!(!broken.ends_with("0\r\n\r\n"), "no end is told: {broken}");
}
