//! The Raft log: batches, bounds, and what is remembered of peers.

use openraft::RaftLogReader;
use openraft::storage::RaftLogStorage;
use quorate_core::NodeId;
use quorate_daemon::consensus::types::{LogId, Vote};
use quorate_daemon::store::{Incarnation, RAFT_FILE, StoreError};
use redb::{ReadableDatabase, ReadableTableMetadata, TableDefinition};

use crate::disk::Crash;
use crate::script::{Node, append, entries, log_id, store_error};

const LOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("log");

fn vote(term: u64) -> Vote {
    Vote::new(term, NodeId(1))
}

#[tokio::test]
async fn appends_that_wait_together_share_a_commit() {
    let node = Node::create();
    let all = entries(501);
    let mut log = node.store.log();
    let before = log.stats().read().commits;
    node.disk.hold_syncs(RAFT_FILE);
    let mut told = vec![append(&mut log, &all[..1]).await];
    node.disk.wait_held();
    for entry in &all[1..] {
        told.push(append(&mut log, std::slice::from_ref(entry)).await);
    }
    assert!(
        told.iter_mut().all(|told| told.try_recv().is_err()),
        "nothing is confirmed before its sync"
    );
    let early = log.try_get_log_entries(0..501).await.unwrap();
    assert_eq!(early.len(), 501, "entries are readable before they are durable");
    node.disk.release_syncs();
    for told in told {
        told.await.unwrap().unwrap();
    }
    let stats = log.stats().read();
    assert_eq!(stats.commits - before, 2);
    assert_eq!(stats.rows, 501);
}

#[tokio::test]
async fn purging_leaves_the_bounds_and_deletes_the_rows() {
    let node = Node::create();
    let all = entries(10_000);
    node.append_and_apply(&all).await;
    node.checkpoint().await;
    let mut log = node.store.log();
    log.purge(log_id(8_999)).await.unwrap();
    let bounds = |state: openraft::LogState<_>| (state.last_purged_log_id, state.last_log_id);
    assert_eq!(
        bounds(log.get_log_state().await.unwrap()),
        (Some(log_id(8_999)), Some(log_id(9_999)))
    );
    let left = log.try_get_log_entries(0..).await.unwrap();
    assert_eq!((left[0].log_id, left.len()), (log_id(9_000), 1_000));
    // Something durable behind the purge: then its mark is durable too, its rows may still go.
    log.save_vote(&vote(3)).await.unwrap();

    let node = node.after_crash(&node.disk.crash(Crash::LosingAll));
    let mut log = node.store.log();
    assert_eq!(
        bounds(log.get_log_state().await.unwrap()),
        (Some(log_id(8_999)), Some(log_id(9_999)))
    );
    assert_eq!(log.read_vote().await.unwrap(), Some(vote(3)));
    let left = log.try_get_log_entries(0..).await.unwrap();
    assert_eq!(left, all[9_000..]);
    let rows = |node: &Node| {
        let database = node.disk.crash(Crash::LosingAll);
        let database = crate::disk::Disk::from_image(&database).database(RAFT_FILE);
        let transaction = database.begin_read().unwrap();
        transaction.open_table(LOG).unwrap().len().unwrap()
    };
    // Each durable operation takes a slice of the purged rows with it, if it was not done before.
    for term in 4..8 {
        log.save_vote(&vote(term)).await.unwrap();
    }
    assert_eq!(rows(&node), 1_000);
}

#[tokio::test]
async fn a_purge_past_the_durable_state_is_held_back() {
    let node = Node::create();
    let all = entries(60);
    node.append_and_apply(&all[..50]).await;
    let mut log = node.store.log();
    let purged =
        async |log: &mut quorate_daemon::store::LogStore| log.get_log_state().await.unwrap().last_purged_log_id;
    log.purge(log_id(40)).await.unwrap();
    assert_eq!(purged(&mut log).await, None, "nothing is durable yet");
    node.checkpoint().await;
    node.append(&all[50..]).await.unwrap();
    assert_eq!(purged(&mut log).await, Some(log_id(40)), "it is done when it may be");
}

#[tokio::test]
async fn a_hole_in_the_log_ends_the_store() {
    let node = Node::create();
    let all = entries(10);
    node.append(&all[..3]).await.unwrap();
    let refused = node.append(&all[5..6]).await.unwrap_err();
    assert!(matches!(store_error(&refused), StoreError::Order { .. }));
    assert!(node.store.failure().get().is_some());
    assert!(
        node.append(&all[3..4]).await.is_err(),
        "nothing is confirmed after a failure"
    );
}

#[tokio::test]
async fn a_truncated_tail_is_replaced_also_on_disk() {
    let node = Node::create();
    let all = entries(20);
    node.append(&all).await.unwrap();
    let mut log = node.store.log();
    log.truncate_after(Some(log_id(9))).await.unwrap();
    let mut other = all[10..15].to_vec();
    for entry in &mut other {
        let leader = openraft::vote::RaftLeaderId::new(2, NodeId(2));
        entry.log_id = LogId::new(leader, entry.log_id.index());
    }
    node.append(&other).await.unwrap();
    let expected: Vec<_> = all[..10].iter().chain(&other).cloned().collect();
    assert_eq!(log.try_get_log_entries(0..).await.unwrap(), expected);
    let node = node.after_crash(&node.disk.crash(Crash::LosingAll));
    assert_eq!(node.store.log().try_get_log_entries(0..).await.unwrap(), expected);
}

#[tokio::test]
async fn the_committed_id_rides_on_the_next_batch_and_is_never_past_the_log() {
    let node = Node::create();
    let all = entries(20);
    node.append(&all[..10]).await.unwrap();
    let mut log = node.store.log();
    let commits = log.stats().read().commits;
    log.save_committed(Some(log_id(7))).await.unwrap();
    assert_eq!(log.stats().read().commits, commits, "it costs no commit of its own");
    node.append(&all[10..11]).await.unwrap();
    let committed = async |node: &Node| {
        let node = node.after_crash(&node.disk.crash(Crash::LosingAll));
        node.store.log().read_committed().await.unwrap()
    };
    assert_eq!(committed(&node).await, Some(log_id(7)));
    log.save_committed(Some(log_id(15))).await.unwrap();
    node.append(&all[11..12]).await.unwrap();
    assert_eq!(committed(&node).await, Some(log_id(11)));
}

#[tokio::test]
async fn peers_and_the_enrolment_are_remembered() {
    let node = Node::create();
    let log = node.store.log();
    assert_eq!((log.peer_incarnation(NodeId(2)), log.is_enrolled()), (None, false));
    log.record_peer_incarnation(NodeId(2), Incarnation(77)).await.unwrap();
    log.mark_enrolled().await.unwrap();
    let node = node.after_crash(&node.disk.crash(Crash::LosingAll));
    let log = node.store.log();
    assert_eq!(
        (log.peer_incarnation(NodeId(2)), log.is_enrolled()),
        (Some(Incarnation(77)), true)
    );
    assert_eq!(log.peer_incarnation(NodeId(3)), None);
}

#[tokio::test]
async fn a_shut_down_log_confirms_nothing() {
    let node = Node::create();
    let mut log = node.store.log();
    let all = entries(3);
    node.append(&all[..2]).await.unwrap();
    node.store.shutdown().await.unwrap();
    assert!(append(&mut log, &all[2..]).await.await.unwrap().is_err());
    assert!(log.save_vote(&vote(9)).await.is_err());
}
