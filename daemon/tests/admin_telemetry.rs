//! What operators watch and turn, over the admin API, with a made-up node behind it.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::sync::Arc;

use admin_support::{Fake, Server, get, raw};
use quorate_adminapi::{EventKind, code};
use quorate_core::NodeId;
use quorate_daemon::chronicle::Chronicle;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

async fn send(server: &Server, method: &str, path: &str, body: &str) -> (u16, Value) {
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = raw(server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn vitals_and_diagnosis_are_shown_as_the_node_says() {
    let server = Server::start(Fake::default());
    let (code, rows) = get(&server, "/v1/vitals").await;
    assert_eq!((code, rows.as_array().unwrap().len()), (200, 3));
    assert_eq!((&rows[1]["id"], &rows[1]["fsync_p99_us"]), (&json!(2), &json!(2000)));
    let (code, diagnosis) = get(&server, "/v1/doctor").await;
    assert_eq!((code, &diagnosis["healthy"]), (200, &json!(true)));
    assert_eq!(diagnosis["checks"][0]["check"], "quorum");
}

#[tokio::test]
async fn events_after_a_number_are_those_that_are_kept() {
    let chronicle = Arc::new(Chronicle::default());
    let server = Server::start(Fake {
        chronicle: Arc::clone(&chronicle),
        ..Fake::default()
    });
    chronicle.note(EventKind::Leader, NodeId(3), "n3 leads in term 4");
    chronicle.note(EventKind::PeerDown, NodeId(2), "n2 does not answer");
    let (code, events) = get(&server, "/v1/events").await;
    assert_eq!((code, events.as_array().unwrap().len()), (200, 2));
    assert_eq!((&events[0]["kind"], &events[0]["node"]), (&json!("leader"), &json!(3)));
    let (_, later) = get(&server, &format!("/v1/events?after={}", events[0]["no"])).await;
    assert_eq!(later, json!([events[1]]));
    assert_eq!(get(&server, "/v1/events?before=1").await.0, 400);
}

#[tokio::test]
async fn a_follower_is_told_of_each_event_as_it_comes_and_let_go_at_the_end() {
    let chronicle = Arc::new(Chronicle::default());
    let server = Server::start(Fake {
        chronicle: Arc::clone(&chronicle),
        ..Fake::default()
    });
    let mut stream = UnixStream::connect(&server.path).await.unwrap();
    stream
        .write_all(b"GET /v1/events?follow=true HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut lines = BufReader::new(stream).lines();
    for text in ["one", "two"] {
        chronicle.note(EventKind::Config, None, text);
        // Between the head and the lengths of chunks.
        let event = loop {
            let line = lines.next_line().await.unwrap().unwrap();
            if line.starts_with('{') {
                break serde_json::from_str::<Value>(&line).unwrap();
            }
        };
        assert_eq!(event["text"], text);
    }
    chronicle.close();
    while let Ok(Some(line)) = lines.next_line().await {
        assert!(!line.starts_with('{'), "{line}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_log_level_is_shown_set_and_refused() {
    let server = Server::start(Fake::default());
    assert_eq!(get(&server, "/v1/log-level").await.1["level"], "info");
    let (code, level) = send(&server, "PUT", "/v1/log-level", r#"{"level":"debug","for":"10m"}"#).await;
    assert_eq!(
        (code, &level["level"], &level["configured"]),
        (200, &json!("debug"), &json!("info"))
    );
    for body in [
        r#"{"level":"loud"}"#,
        r#"{"level":"debug","for":"2d"}"#,
        r#"{"level":"debug","for":"0s"}"#,
    ] {
        let (status, answer) = send(&server, "PUT", "/v1/log-level", body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!(code::BAD_REQUEST)),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_reload_tells_what_it_changed_or_why_it_did_not() {
    let server = Server::start(Fake::default());
    let (status, told) = send(&server, "POST", "/v1/config/reload", "null").await;
    assert_eq!((status, &told["changed"]), (200, &json!(["log.level"])));
    assert_eq!(get(&server, "/v1/config").await.1[0]["source"], "default");

    let server = Server::start(Fake {
        faulty_config: true,
        ..Fake::default()
    });
    let (status, answer) = send(&server, "POST", "/v1/config/reload", "null").await;
    assert_eq!((status, &answer["error"]["code"]), (409, &json!(code::NOT_RELOADED)));
}
