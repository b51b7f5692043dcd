//! Backups: whole or refused, and what is made of them.

use std::fs;
use std::time::Duration;

use quorate_core::{LogIndex, NodeId, Seq, State};
use quorate_daemon::consensus::types::{LogEntry, NodeAddrs, Payload, Proposal};
use quorate_daemon::store::{
    BackupError, BackupStream, OpenError, Range, RecoverError, RestoreError, SAVES_MAX, SaveError, SaveState, Store,
    check_backup, rehash_backup,
};
use quorate_protocol::entry;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::chat::Chat;
use crate::disk::Crash;
use crate::script::{Node, ROOM, apply, entries, log_id, membership};

const UID: u32 = 1000;
const NEW_CLUSTER: &str = "zyxwvutsrqponmlk";

async fn rest(mut stream: BackupStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await.unwrap() {
        bytes.extend_from_slice(&chunk);
    }
    bytes
}

async fn backup(store: &Store) -> Vec<u8> {
    rest(store.backups().save(UID).await.unwrap()).await
}

fn restored(backup: &[u8], node: NodeId) -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    Store::restore(dir.path(), NEW_CLUSTER.parse().unwrap(), node, backup).unwrap();
    let store = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    (dir, store)
}

async fn history(store: &Store) -> Vec<quorate_daemon::store::StoredEvent> {
    let reader = store.reader();
    reader
        .history(ROOM, Range::After(Seq(0)), usize::MAX, usize::MAX)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_backup_says_what_is_in_it() {
    let chat = Chat::lively(400);
    let node = Node::create();
    node.append_and_apply(&chat.entries).await;
    let bytes = backup(&node.store).await;
    let summary = check_backup(bytes.as_slice()).unwrap();
    let last = chat.entries.last().unwrap().log_id;
    assert_eq!(summary.cluster, crate::script::CLUSTER);
    assert_eq!(summary.node, NodeId(1));
    assert_eq!(summary.index, LogIndex(last.index()));
    assert_eq!(summary.term, 1);
    assert_eq!(summary.hash, node.store.reader().with_state(State::hash));
    // Entries of the audit log are rows beside those of the state.
    let audit = node.store.reader().with_state(State::audit);
    let audited = audit.next.0 - audit.first.0;
    assert_eq!(summary.records, node.records().len() as u64 + audited);
    assert_eq!(summary.events, summary.places);
    assert_eq!(summary.bytes, bytes.len() as u64);
    assert_eq!(summary.blake3, bytes[bytes.len() - 32..]);
    assert_eq!(rehash_backup(bytes.as_slice()).unwrap(), summary.blake3);
    assert!(summary.messages > 0 && summary.messages < summary.events);
    assert_eq!(summary.rooms, 1);
}

#[tokio::test]
async fn whatever_is_done_to_a_backup_is_found() {
    let node = Node::create();
    node.append_and_apply(&Chat::lively(300).entries).await;
    let bytes = backup(&node.store).await;
    check_backup(bytes.as_slice()).unwrap();
    // The head and the hash to the last byte, and a sample of what is between.
    let step = (bytes.len() / 150).max(1);
    let sampled = (0..60)
        .chain((60..bytes.len()).step_by(step))
        .chain(bytes.len() - 40..bytes.len());
    for at in sampled {
        let mut flipped = bytes.clone();
        flipped[at] ^= 4;
        assert!(check_backup(flipped.as_slice()).is_err(), "byte {at} flipped");
        assert!(check_backup(&bytes[..at]).is_err(), "cut at {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(check_backup(longer.as_slice()).is_err());
    assert!(matches!(
        check_backup(b"#!/bin/sh\necho hello, this is something else\n".as_slice()),
        Err(BackupError::NotABackup)
    ));
}

#[tokio::test]
async fn a_restored_node_goes_on_where_the_backup_ends_as_the_only_voter_of_another_cluster() {
    let all = entries(3_000);
    let node = Node::create();
    node.append_and_apply(&all).await;
    let (dir, store) = restored(&backup(&node.store).await, NodeId(9));
    let reader = store.reader();
    assert_eq!(store.identity().cluster.as_str(), NEW_CLUSTER);
    assert_eq!(store.identity().node, NodeId(9));
    assert_ne!(store.identity().incarnation, node.store.identity().incarnation);
    assert_eq!(reader.last_applied(), Some(log_id(2_999)));
    assert_eq!(
        reader.with_state(State::hash),
        node.store.reader().with_state(State::hash)
    );
    let stored = reader.membership();
    let members: Vec<_> = stored.nodes().collect();
    assert_eq!(members, [(&NodeId(9), &NodeAddrs::default())]);
    assert!(store.log().is_enrolled());
    assert_eq!(store.log().bounds(), None, "the log begins behind the backup");
    assert_eq!(history(&store).await, history(&node.store).await);

    // The same request, sent again after the restore, has the same outcome and changes nothing.
    let is_post = |entry: &&LogEntry| match &entry.payload {
        Payload::Normal(Proposal(bytes)) => entry::decode(bytes).unwrap().command.name() == "post-message",
        _ => false,
    };
    let post = all.iter().rev().find(is_post).unwrap();
    let again = LogEntry {
        log_id: log_id(3_000),
        payload: post.payload.clone(),
    };
    let before = reader.with_state(|state| state.room(ROOM).unwrap().last_seq);
    apply(&mut store.state_machine(), std::slice::from_ref(&again))
        .await
        .unwrap();
    let after = reader.with_state(|state| state.room(ROOM).unwrap().last_seq);
    assert_eq!(before, after);

    store.shutdown().await.unwrap();
    let store = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    assert_eq!(store.reader().last_applied(), Some(log_id(3_000)));
}

#[tokio::test]
async fn a_backup_of_a_restored_node_is_a_backup() {
    let node = Node::create();
    node.append_and_apply(&entries(200)).await;
    let (_dir, store) = restored(&backup(&node.store).await, NodeId(4));
    let summary = check_backup(backup(&store).await.as_slice()).unwrap();
    assert_eq!((summary.node, summary.highest_node), (NodeId(4), NodeId(4)));
    assert_eq!(summary.hash, node.store.reader().with_state(State::hash));
}

#[tokio::test]
async fn nothing_is_made_of_a_damaged_backup_or_over_a_node() {
    let node = Node::create();
    node.append_and_apply(&entries(200)).await;
    let bytes = backup(&node.store).await;
    let dir = TempDir::new().unwrap();
    let restore = |bytes: &[u8]| Store::restore(dir.path(), NEW_CLUSTER.parse().unwrap(), NodeId(4), bytes);
    let mut flipped = bytes.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    assert!(matches!(restore(&flipped), Err(RestoreError::Backup(_))));
    let nothing = Store::inspect(dir.path()).unwrap();
    assert_eq!(nothing, quorate_daemon::store::Contents::Empty);
    restore(&bytes).unwrap();
    assert!(matches!(
        restore(&bytes),
        Err(RestoreError::Open(OpenError::NotEmpty { .. }))
    ));
}

#[tokio::test]
async fn an_id_that_was_a_nodes_is_remembered_when_nobody_is_left_who_had_it() {
    let node = Node::create();
    let mut all = entries(20);
    all.push(membership(20, &[1, 2, 30]));
    // Both in one run: the rows see the last membership only.
    all.push(membership(21, &[1, 40]));
    all.push(membership(22, &[1, 2]));
    node.append_and_apply(&all).await;
    assert_eq!(node.store.reader().highest_node(), NodeId(40));
    let summary = check_backup(backup(&node.store).await.as_slice()).unwrap();
    assert_eq!(summary.highest_node, NodeId(40));
    node.checkpoint().await;
    let again = node.after_crash(&node.disk.crash(Crash::LosingAll));
    assert_eq!(again.store.reader().highest_node(), NodeId(40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_of_a_backup_delays_nobody_and_loses_nothing() {
    let all = entries(3_000);
    let node = Node::create();
    node.append_and_apply(&all[..2_000]).await;
    let backups = node.store.backups();
    let slow = backups.save(UID).await.unwrap();
    let names: Vec<_> = fs::read_dir(node.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        names.iter().all(|name| !name.to_string_lossy().contains("spool")),
        "it has no name that could stay: {names:?}"
    );
    timeout(Duration::from_secs(60), node.append_and_apply(&all[2_000..]))
        .await
        .expect("writes go on");
    node.checkpoint().await;
    let summary = check_backup(rest(slow).await.as_slice()).unwrap();
    assert!(summary.index >= LogIndex(1_999));
}

#[tokio::test]
async fn a_few_backups_are_made_at_once_and_one_that_is_given_up_leaves_its_place() {
    let node = Node::create();
    node.append_and_apply(&entries(500)).await;
    let backups = node.store.backups();
    let mut running = Vec::new();
    for _ in 0..SAVES_MAX {
        running.push(backups.save(UID).await.unwrap());
    }
    assert!(matches!(backups.save(UID).await, Err(SaveError::TooMany(_))));
    let complete = running.pop().unwrap();
    drop(running);
    rest(complete).await;
    let saves = backups.saves();
    assert_eq!(saves[0].state, SaveState::Complete);
    assert_eq!(saves[0].index, Some(LogIndex(499)));
    assert_eq!(saves[0].uid, UID);
    assert!(saves[0].rows > Some(0) && saves[0].bytes > 0 && saves[0].took_ms.is_some());
    assert!(saves[1..].iter().all(|save| save.state == SaveState::BrokenOff));
    rest(backups.save(UID).await.unwrap()).await;
}

#[tokio::test]
async fn a_node_without_an_entry_has_nothing_to_back_up() {
    let node = Node::create();
    assert!(matches!(node.store.backups().save(UID).await, Err(SaveError::Nothing)));
}

/// One of three voters, stopped, on real files.
async fn survivor(entries: &[LogEntry]) -> TempDir {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), crate::script::CLUSTER.parse().unwrap(), NodeId(3)).unwrap();
    let store = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    store.log().mark_enrolled().await.unwrap();
    let told = crate::script::append(&mut store.log(), entries).await;
    told.await.unwrap().unwrap();
    let applied = entries.len() / 2;
    apply(&mut store.state_machine(), &entries[..applied]).await.unwrap();
    store.shutdown().await.unwrap();
    dir
}

#[tokio::test]
async fn a_recovered_node_has_its_whole_log_and_a_membership_of_its_own_and_refuses_the_others() {
    let mut all = entries(40);
    all[0] = membership(0, &[1, 2, 3]);
    let dir = survivor(&all).await;
    let planned = Store::survey(dir.path()).unwrap();
    assert_eq!(Store::recover(dir.path()).unwrap(), planned);
    assert_eq!((planned.last, planned.term), (LogIndex(39), 1));
    assert_eq!(planned.voters, [1, 2, 3].map(NodeId));
    assert_eq!(planned.closed, [1, 2].map(NodeId));
    assert!(planned.last_proposed_at.is_some());

    let store = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    let log = store.log();
    let found = log.page(0..100, usize::MAX).await.unwrap();
    assert_eq!(found.len(), 41);
    for (kept, appended) in found.iter().zip(&all) {
        assert_eq!((&kept.log_id, &kept.payload), (&appended.log_id, &appended.payload));
    }
    let Payload::Membership(own) = &found[40].payload else {
        panic!("{:?} is no membership", found[40])
    };
    assert_eq!(own.voter_ids().collect::<Vec<_>>(), [NodeId(3)]);
    assert_eq!(
        own.get_node(&NodeId(3)).unwrap().peer,
        "10.0.0.3:7001",
        "it stays where it is"
    );
    assert!(found[40].log_id > all[39].log_id);
    for gone in [1, 2].map(NodeId) {
        assert!(log.peer_incarnation(gone).is_some(), "its own would be another");
    }
    store.shutdown().await.unwrap();
    assert!(matches!(
        Store::recover(dir.path()),
        Err(RecoverError::Alone(NodeId(3)))
    ));
}

#[tokio::test]
async fn a_node_that_runs_or_never_took_part_is_not_recovered() {
    let mut all = entries(10);
    all[0] = membership(0, &[1, 2, 3]);
    let dir = survivor(&all).await;
    let running = Store::open(dir.path(), None, std::sync::Arc::default()).unwrap();
    assert!(matches!(
        Store::recover(dir.path()),
        Err(RecoverError::Open(OpenError::Locked { .. }))
    ));
    running.shutdown().await.unwrap();

    let fresh = TempDir::new().unwrap();
    assert!(matches!(
        Store::survey(fresh.path()),
        Err(RecoverError::Open(OpenError::NotFormed { .. }))
    ));
    Store::create(fresh.path(), crate::script::CLUSTER.parse().unwrap(), NodeId(3)).unwrap();
    assert!(matches!(Store::survey(fresh.path()), Err(RecoverError::NeverTookPart)));
}

#[tokio::test]
async fn two_nodes_note_the_same_hashes_at_the_same_indexes() {
    let all = entries(1_000);
    let (one, other) = (Node::create(), Node::create_as(NodeId(2)));
    one.append_and_apply(&all).await;
    // Not as far, and in runs of another length.
    for run in all[..700].chunks(37) {
        other.append_and_apply(run).await;
    }
    let (ones, others) = (one.store.reader().state_hashes(), other.store.reader().state_hashes());
    let shared: Vec<_> = others.iter().filter(|noted| ones.contains(noted)).collect();
    assert_eq!(shared.len(), others.len() - 1, "all but the newest");
    assert!(shared.len() >= 10);
    assert_eq!(ones.last().unwrap().1, one.store.reader().with_state(State::hash).hash);
}
