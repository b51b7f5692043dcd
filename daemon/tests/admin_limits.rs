//! What one caller cannot do to the others.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

mod admin_support;

use std::time::Duration;

use admin_support::{BACKUP_CHUNK, Fake, Server, get, raw};
use quorate_daemon::admin::{ADMIN_CONNECTIONS_MAX, AdminError, HANDLER_DEADLINE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

#[tokio::test(start_paused = true)]
async fn connections_that_say_nothing_are_closed_and_those_that_wait_get_their_places() {
    let server = Server::start(Fake::default());
    let mut silent = Vec::new();
    for _ in 0..ADMIN_CONNECTIONS_MAX {
        silent.push(UnixStream::connect(&server.path).await.unwrap());
    }
    let asked = tokio::time::Instant::now();
    assert_eq!(get(&server, "/v1/version").await.0, 200);
    assert!(
        asked.elapsed() >= Duration::from_secs(5),
        "there was a place before one was free"
    );
    for mut stream in silent {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_comes_letter_by_letter_is_cut_off() {
    let server = Server::start(Fake::default());
    let mut stream = UnixStream::connect(&server.path).await.unwrap();
    let started = tokio::time::Instant::now();
    while stream.write_all(b"G").await.is_ok() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(started.elapsed() < Duration::from_secs(60), "it is still open");
    }
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_does_not_wait_for_idle_connections() {
    let server = Server::start(Fake::default());
    let mut idle = UnixStream::connect(&server.path).await.unwrap();
    idle.write_all(b"GET /v1/version HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(idle.read(&mut [0; 1024]).await.unwrap() > 0);
    server.stop().await;
    let mut rest = Vec::new();
    let _ = idle.read_to_end(&mut rest).await;
}

const SAVE: &[u8] = b"POST /v1/snapshots/save HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_backup_may_take_longer_than_other_answers() {
    let pause = Duration::from_secs(5);
    assert!(10 * pause > HANDLER_DEADLINE);
    let server = Server::start(Fake {
        backup: (10, pause),
        ..Fake::default()
    });
    let answer = raw(&server, SAVE).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..100]);
    assert!(answer.ends_with("\r\n0\r\n\r\n"), "it has come to its end");
    assert!(answer.len() > 10 * BACKUP_CHUNK.len());
}

#[tokio::test]
async fn who_does_not_read_a_backup_delays_no_other_request() {
    let server = Server::start(Fake {
        backup: (1_000_000, Duration::ZERO),
        ..Fake::default()
    });
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = UnixStream::connect(&server.path).await.unwrap();
        stream.write_all(SAVE).await.unwrap();
        assert!(stream.read(&mut [0; 64]).await.unwrap() > 0);
        slow.push(stream);
    }
    assert_eq!(get(&server, "/v1/version").await.0, 200);
    drop(slow);
    server.stop().await;
}

#[tokio::test]
async fn a_backup_that_cannot_begin_is_refused_with_the_reason() {
    let server = Server::start(Fake::failing(AdminError::Busy(
        "2 backups are being made already".to_owned(),
    )));
    let answer = raw(&server, SAVE).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("\"busy\""), "{answer}");
}
