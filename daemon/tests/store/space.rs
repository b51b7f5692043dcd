//! Room on the disk that was given up is used again.

use std::fs;

use openraft::storage::RaftLogStorage;
use quorate_core::Sweep;
use quorate_daemon::store::{RAFT_FILE, STATE_FILE, Store};
use tempfile::TempDir;

use crate::chat::{ALICE, Chat};
use crate::script::{CLUSTER, NODE, ROOM, append, apply, checkpoint, log_id};

/// Posted in a round, and about as many are cut in it.
const POSTS: usize = 400;
const ROUNDS: usize = 20;
/// Of a message's text, about.
const TEXT_BYTES: usize = 500;

#[tokio::test]
async fn files_do_not_grow_while_as_much_goes_as_comes() {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), CLUSTER.parse().unwrap(), NODE).unwrap();
    let store = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    let (mut log, mut machine) = (store.log(), store.state_machine());
    let mut chat = Chat::new();
    chat.keep(POSTS as u64);
    let mut done = 0;
    let mut sizes = Vec::new();
    for round in 0..4 * ROUNDS {
        for number in 0..POSTS {
            let seq = chat.posted(
                ALICE,
                &format!("round {round} message {number} {}", "x".repeat(TEXT_BYTES)),
            );
            if number % 10 == 0 {
                chat.edit(
                    ALICE,
                    seq,
                    &format!("round {round} edit {number} {}", "y".repeat(TEXT_BYTES)),
                )
                .unwrap();
            }
        }
        chat.sweep(Sweep::Room(ROOM)).unwrap();
        for run in chat.entries[done..].chunks(100) {
            append(&mut log, run).await.await.unwrap().unwrap();
            apply(&mut machine, run).await.unwrap();
        }
        done = chat.entries.len();
        checkpoint(&mut machine).await.unwrap();
        log.purge(log_id(done as u64 - 1)).await.unwrap();
        let size = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
        sizes.push((size(STATE_FILE), size(RAFT_FILE)));
    }
    assert!(chat.last().0 > 10_000 && chat.last().0 - chat.first().0 < 1000);
    let most = |sizes: &[(u64, u64)]| {
        let state = sizes.iter().map(|(state, _)| *state).max().unwrap();
        (state, sizes.iter().map(|(_, log)| *log).max().unwrap())
    };
    let (early, late) = (most(&sizes[..ROUNDS]), most(&sizes[ROUNDS..]));
    let posted = (4 * ROUNDS * POSTS * TEXT_BYTES) as u64;
    // redb doubles a small file when a transaction does not fit, so one such step may come late; with
    // four times as much posted, files that kept what is gone would be four times as large.
    assert!(
        late.0 <= 2 * early.0 && late.1 <= 2 * early.1 && 4 * late.0.max(late.1) < posted,
        "state and log had up to {early:?} bytes in {ROUNDS} rounds, {late:?} in {} more, of {posted} posted",
        3 * ROUNDS
    );
    store.shutdown().await.unwrap();
}
