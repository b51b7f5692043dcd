//! What operators change about nodes, over a real Unix socket: which node it is about, and in whose name.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::os::unix::fs::MetadataExt;

use quorate_adminapi::{ChangeReport, code};
use quorate_core::{NodeId, Operation, Operator, RosterOperation};
use quorate_daemon::admin::AdminError;

use admin_support::{Fake, Server, raw};

/// The status and the JSON of what a POST answers.
async fn post(server: &Server, path: &str, body: &str) -> (u16, serde_json::Value) {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer = raw(server, format!("{head}{body}").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_node_that_leaves_is_the_one_that_is_asked() {
    let server = Server::start(Fake::default());
    let (status, body) = post(&server, "/v1/cluster/leave", r#"{"force":true}"#).await;
    let report: ChangeReport = serde_json::from_value(body).unwrap();
    assert_eq!((status, report.id, report.changed), (200, NodeId(1), true));
    let (_, body) = post(&server, "/v1/members/3/change", r#"{"action":"remove","dry_run":true}"#).await;
    let report: ChangeReport = serde_json::from_value(body).unwrap();
    assert_eq!((report.id, report.changed), (NodeId(3), false));
}

#[tokio::test]
async fn a_refusal_by_a_safety_check_says_how_to_insist() {
    let numbers = "2 voters, 1 reachable, 2 needed";
    let server = Server::start(Fake::failing(AdminError::Unsafe(numbers.to_owned())));
    let (status, body) = post(&server, "/v1/members/3/change", r#"{"action":"remove"}"#).await;
    let error = &body["error"];
    assert_eq!((status, error["code"].as_str()), (409, Some(code::REFUSED)));
    assert_eq!(error["message"].as_str(), Some(numbers));
    assert!(error["hint"].as_str().unwrap().contains("--force"));
}

#[tokio::test]
async fn a_node_of_a_cluster_neither_founds_nor_joins_another() {
    let server = Server::start(Fake::default());
    for path in ["/v1/cluster/init", "/v1/cluster/join"] {
        let (status, body) = post(&server, path, "{}").await;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (409, Some(code::ALREADY_FORMED))
        );
    }
}

#[tokio::test]
async fn what_is_asked_is_asked_in_the_name_of_who_opened_the_socket() {
    let fake = Fake::default();
    let operated = std::sync::Arc::clone(&fake.operated);
    let server = Server::start(fake);
    let (status, _) = post(&server, "/v1/certs/renew", r#"{"node":2}"#).await;
    assert_eq!(status, 200);
    let uid = std::fs::metadata(&server.path).unwrap().uid();
    let expected = Operation::Roster(RosterOperation::RenewCerts { node: Some(NodeId(2)) });
    assert_eq!(operated.lock().unwrap()[..], [(Operator { uid }, expected)]);
}
