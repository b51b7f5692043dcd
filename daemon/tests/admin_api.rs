//! The admin API over a real Unix socket, with a made-up node behind it.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use admin_support::{Fake, Server, ask, get, raw};
use quorate_adminapi::{TIMEOUT_HEADER, code};
use quorate_core::NodeId;
use quorate_daemon::admin::{AdminError, AdminSocket, AdminSocketError, HANDLER_DEADLINE, REQUEST_BODY_BYTES_MAX};

#[tokio::test]
async fn status_members_and_leader_show_what_the_source_says() {
    let server = Server::start(Fake::default());
    let (code, status) = get(&server, "/v1/status").await;
    assert_eq!(
        (code, status["this_node"].as_u64(), status["stale"].as_bool()),
        (200, Some(1), Some(false))
    );
    assert_eq!(status["cluster"]["tolerates"], 1);
    assert_eq!(status["nodes"][1]["cert_expires"], "2026-12-22T17:35:22.000Z");
    assert_eq!(status["nodes"][0]["last_contact_ms"], serde_json::Value::Null);

    let (code, members) = get(&server, "/v1/members").await;
    assert_eq!((code, &members), (200, &status["nodes"]));
    let (code, member) = get(&server, "/v1/members/2").await;
    assert_eq!((code, &member), (200, &status["nodes"][1]));
    let (code, leader) = get(&server, "/v1/leader").await;
    assert_eq!(code, 200);
    assert_eq!(
        leader,
        serde_json::json!({"id": 3, "term": 4, "peer_addr": "h3:7401", "client_addr": "h3:7400", "hand_back": true})
    );
}

#[tokio::test]
async fn raft_and_version_have_the_fields_of_the_contract() {
    let server = Server::start(Fake::default());
    let (code, raft) = get(&server, "/v1/raft").await;
    assert_eq!(code, 200);
    assert_eq!(
        raft,
        serde_json::json!({
            "id": 1, "term": 4, "vote": 3, "last_log_index": 920, "committed": 918, "applied": 918,
            "snapshot_index": null, "purged": null, "state_hash": {"index": 900, "hash": "00ff"},
        })
    );
    let (code, version) = get(&server, "/v1/version").await;
    assert_eq!(
        (code, version),
        (200, serde_json::json!({"program": "chatd", "version": "0.1.0"}))
    );
}

#[tokio::test]
async fn without_a_quorum_status_is_refused_unless_stale() {
    let server = Server::start(Fake::failing(no_quorum()));
    for path in ["/v1/status", "/v1/members", "/v1/members/1", "/v1/leader"] {
        let (status, body) = get(&server, path).await;
        assert_eq!(
            (status, body["error"]["code"].as_str()),
            (503, Some(code::NO_QUORUM)),
            "{path}"
        );
        assert_eq!(
            body["error"]["message"], "no quorum: 1 of 3 voters are reachable from this node, 2 are needed",
            "{path}"
        );
        assert!(
            body["error"]["hint"]
                .as_str()
                .unwrap()
                .starts_with("n3 led last; --stale"),
            "{path}"
        );
        let (status, body) = get(&server, &format!("{path}?stale=true")).await;
        assert_eq!(status, 200, "{path} {body}");
    }
    let (status, body) = get(&server, "/v1/status?stale=true").await;
    assert_eq!((status, body["stale"].as_bool()), (200, Some(true)));
    assert_eq!(get(&server, "/v1/raft").await.0, 200, "raft info is local");
}

#[tokio::test]
async fn a_change_that_no_majority_takes_is_refused_with_the_numbers_and_what_to_do() {
    let server = Server::start(Fake::failing(AdminError::NotTaken {
        voters: 3,
        reachable: 1,
        needed: 2,
        last_leader: Some(NodeId(3)),
    }));
    let (status, body) = ask(&server, "PUT", "/v1/lockdown", r#"{"mode":"off"}"#).await;
    let error = &body["error"];
    assert_eq!((status, error["code"].as_str()), (503, Some(code::NO_QUORUM)));
    assert_eq!(
        error["message"],
        "nothing was changed: no leader with a quorum took it; 1 of 3 voters are reachable from this node, 2 are needed"
    );
    assert_eq!(
        error["hint"],
        "n3 led last; chatctl status --stale shows which nodes are down; start them, then ask again"
    );
}

#[tokio::test]
async fn what_the_cluster_has_agreed_on_is_read_as_of_now_unless_stale() {
    let agreed = [
        ("/v1/users", "?limit=3"),
        ("/v1/rooms", ""),
        ("/v1/bans", ""),
        ("/v1/invites", ""),
        ("/v1/tokens", ""),
        ("/v1/retention", ""),
        ("/v1/quota", ""),
        ("/v1/lockdown", ""),
        ("/v1/audit", "?limit=3&after=1"),
    ];
    let cut_off = Server::start(Fake::failing(no_quorum()));
    let fake = Fake::default();
    let caught_up = Arc::clone(&fake.caught_up);
    let server = Server::start(fake);
    for (path, query) in agreed {
        let (status, body) = get(&cut_off, &format!("{path}{query}")).await;
        let code = body["error"]["code"].as_str();
        assert_eq!((status, code), (503, Some(code::NO_QUORUM)), "{path}");
        let stale = if query.is_empty() { "?stale=true" } else { "&stale=true" };
        let (status, body) = get(&cut_off, &format!("{path}{query}{stale}")).await;
        assert_eq!(status, 200, "{path} {body}");

        caught_up.store(0, Ordering::Relaxed);
        assert_eq!(get(&server, &format!("{path}{query}")).await.0, 200, "{path}");
        assert_eq!(
            caught_up.load(Ordering::Relaxed),
            1,
            "{path}: one round for each answer"
        );
    }
    assert_eq!(get(&server, "/v1/users?stale=maybe").await.0, 400);
    for path in ["/v1/audit/verify", "/v1/raft", "/v1/raft/verify", "/v1/doctor"] {
        assert_eq!(
            get(&cut_off, path).await.0,
            200,
            "{path} is there for times without a quorum"
        );
    }
}

fn no_quorum() -> AdminError {
    AdminError::NoQuorum {
        voters: 3,
        reachable: 1,
        needed: 2,
        last_leader: Some(NodeId(3)),
    }
}

#[tokio::test]
async fn health_is_200_or_503_and_says_why() {
    let server = Server::start(Fake::default());
    let (status, health) = get(&server, "/v1/health").await;
    assert_eq!(
        (status, health["healthy"].as_bool(), health["level"].as_str()),
        (200, Some(true), Some("ok"))
    );
    assert_eq!(get(&server, "/v1/health?min_tolerance=1").await.0, 200);
    let (status, health) = get(&server, "/v1/health?min_tolerance=2").await;
    assert_eq!((status, health["level"].as_str()), (503, Some("critical")));
    assert_eq!(health["problems"][0], "tolerates 1 more failure and 2 were asked for");

    let (status, health) = get(&Server::start(Fake::failing(no_quorum())), "/v1/health").await;
    assert_eq!((status, health["healthy"].as_bool()), (503, Some(false)));
    assert!(
        health["problems"][0].as_str().unwrap().starts_with("no quorum: 1 of 3"),
        "{health}"
    );
    assert_eq!(health["voters"], 3, "what the node knows by itself is told as well");

    let waiting = AdminError::NotFormed {
        waiting_for: vec![NodeId(2)],
    };
    let server = Server::start(Fake::failing(waiting));
    let (status, health) = get(&server, "/v1/health").await;
    assert_eq!((status, health["voters"].as_u64()), (503, Some(0)));
    let (status, body) = get(&server, "/v1/status").await;
    assert_eq!((status, body["error"]["code"].as_str()), (503, Some(code::NOT_FORMED)));
    assert_eq!(body["error"]["hint"], "it waits for n2");
}

#[tokio::test]
async fn what_is_not_there_is_told_as_json_with_a_code() {
    let server = Server::start(Fake::default());
    for (path, status, code) in [
        ("/", 404, code::UNKNOWN_PATH),
        ("/v2/status", 404, code::UNKNOWN_PATH),
        ("/v1/members/9", 404, code::UNKNOWN_NODE),
        ("/v1/members/x", 400, code::BAD_REQUEST),
        ("/v1/status?stale=maybe", 400, code::BAD_REQUEST),
        ("/v1/status?stael=true", 400, code::BAD_REQUEST),
        ("/v1/health?min_tolerance=-1", 400, code::BAD_REQUEST),
    ] {
        let (got, body) = get(&server, path).await;
        assert_eq!(
            (got, body["error"]["code"].as_str()),
            (status, Some(code)),
            "{path} {body}"
        );
    }
    let answer = raw(
        &server,
        b"DELETE /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(
        answer.starts_with("HTTP/1.1 405 ") && answer.contains("/v1/status has no DELETE"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_that_is_too_long_is_refused_before_it_is_read() {
    let server = Server::start(Fake::default());
    let head = format!(
        "GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        REQUEST_BODY_BYTES_MAX + 1
    );
    let answer = raw(&server, head.as_bytes()).await;
    assert!(
        answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"too-large\""),
        "{answer}"
    );
    let mut head = b"GET /v1/status HTTP/1.1\r\nx: ".to_vec();
    head.resize(64 * 1024, b'y');
    let answer = raw(&server, &head).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert_eq!(get(&server, "/v1/status").await.0, 200, "and the server goes on");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_does_not_answer_is_told_as_a_timeout() {
    let server = Server::start(Fake {
        hangs: true,
        ..Fake::default()
    });
    let asked = tokio::time::Instant::now();
    let (status, body) = get(&server, "/v1/status").await;
    assert_eq!((status, body["error"]["code"].as_str()), (504, Some(code::TIMED_OUT)));
    assert!(asked.elapsed() >= HANDLER_DEADLINE);
}

#[tokio::test(start_paused = true)]
async fn who_says_to_wait_longer_is_given_longer_and_who_says_less_is_not_cut_short() {
    let server = Server::start(Fake {
        hangs: true,
        ..Fake::default()
    });
    for (waits_ms, given_s) in [(60_000, 58), (1000, HANDLER_DEADLINE.as_secs())] {
        let asked = tokio::time::Instant::now();
        let head =
            format!("GET /v1/status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{TIMEOUT_HEADER}: {waits_ms}\r\n\r\n");
        let answer = raw(&server, head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 504 "), "{answer}");
        assert!(
            asked.elapsed().as_secs() >= given_s,
            "{waits_ms}: {:?}",
            asked.elapsed()
        );
    }
}

#[tokio::test]
async fn the_socket_is_for_owner_and_group_and_goes_with_the_server() {
    let server = Server::start(Fake::default());
    let path = server.path.clone();
    let file = std::fs::symlink_metadata(&path).unwrap();
    assert!(file.file_type().is_socket());
    assert_eq!(file.permissions().mode() & 0o777, 0o660);
    let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing is left beside it");
    server.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn the_socket_of_a_dead_daemon_is_replaced_and_that_of_a_live_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run/admin.sock");
    std::fs::create_dir(dir.path().join("run")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "a dead daemon leaves its socket behind");
    let alive = AdminSocket::bind(&path).unwrap();
    assert!(matches!(AdminSocket::bind(&path), Err(AdminSocketError::InUse(_))));
    assert!(path.exists());
    drop(alive);
    assert!(!path.exists());
}

#[tokio::test]
async fn what_is_not_a_socket_is_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(AdminSocket::bind(&path), Err(AdminSocketError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
    let long = dir.path().join("x".repeat(108));
    assert!(matches!(
        AdminSocket::bind(&long),
        Err(AdminSocketError::PathTooLong(_))
    ));
}

#[tokio::test]
async fn a_socket_in_a_folder_that_everybody_writes_to_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("open");
    let mode = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    std::fs::create_dir(&folder).unwrap();
    mode(0o777);
    let refused = AdminSocket::bind(&folder.join("admin.sock")).unwrap_err();
    assert!(matches!(refused, AdminSocketError::OpenFolder(_)), "{refused}");
    assert!(refused.to_string().contains("chmod o-w"), "{refused}");
    // As in /tmp, nobody can take away what is another's.
    mode(0o1777);
    drop(AdminSocket::bind(&folder.join("admin.sock")).unwrap());

    let made = dir.path().join("made");
    let _socket = AdminSocket::bind(&made.join("admin.sock")).unwrap();
    let mode = std::fs::metadata(&made).unwrap().permissions().mode();
    assert_eq!(
        mode & 0o027,
        0,
        "{mode:o}: nothing for others, and nothing to write for the group"
    );
}

#[tokio::test]
async fn a_socket_that_took_the_place_of_another_outlives_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("admin.sock");
    let old = AdminSocket::bind(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let new = AdminSocket::bind(&path).unwrap();
    drop(old);
    assert!(path.exists());
    drop(new);
}

#[tokio::test]
async fn the_log_and_the_comparison_of_states_take_their_parameters() {
    let server = Server::start(Fake::default());
    let (status, log) = get(&server, "/v1/raft/log?from=905&to=910&raw=true").await;
    assert_eq!(
        (status, &log["first"], &log["next"]),
        (200, &serde_json::json!(901), &serde_json::json!(905))
    );
    assert_eq!(get(&server, "/v1/raft/log?from=x").await.0, 400);
    let (status, verify) = get(&server, "/v1/raft/verify?all=true").await;
    assert_eq!(
        (status, &verify["equal"], &verify["index"]),
        (200, &serde_json::json!(true), &serde_json::json!(64))
    );
    assert_eq!(verify["nodes"][2]["result"], "not-reachable");
    let (status, snapshots) = get(&server, "/v1/snapshots").await;
    assert_eq!((status, &snapshots["applied"]), (200, &serde_json::json!(918)));
}
