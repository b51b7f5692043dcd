//! A disk that fails a sync is not trusted with another.

use openraft::storage::RaftLogStorage;
use quorate_core::NodeId;
use quorate_daemon::consensus::types::Vote;
use quorate_daemon::store::{RAFT_FILE, STATE_FILE, StoreError};

use crate::script::{Node, append, apply, checkpoint, entries, store_error};

#[tokio::test]
async fn after_a_failed_sync_of_the_log_nothing_is_confirmed() {
    let node = Node::create();
    let all = entries(40);
    node.append_and_apply(&all[..20]).await;
    node.disk.fail_syncs(RAFT_FILE);
    let mut log = node.store.log();
    let mut told = Vec::new();
    for entry in &all[20..30] {
        told.push(append(&mut log, std::slice::from_ref(entry)).await);
    }
    for told in told {
        let error = told.await.unwrap().unwrap_err();
        assert!(matches!(store_error(&error), StoreError::Database { .. }));
    }
    assert!(matches!(node.store.failure().wait().await, StoreError::Database { .. }));
    assert!(append(&mut log, &all[30..31]).await.await.unwrap().is_err());
    assert!(log.save_vote(&Vote::new(9, NodeId(1))).await.is_err());
    assert!(log.mark_enrolled().await.is_err());
    assert!(apply(&mut node.store.state_machine(), &all[20..21]).await.is_err());
    assert!(node.store.shutdown().await.is_err());
}

#[tokio::test]
async fn after_a_failed_checkpoint_the_log_confirms_nothing_either() {
    let node = Node::create();
    let all = entries(40);
    node.append_and_apply(&all[..20]).await;
    node.disk.fail_syncs(STATE_FILE);
    assert!(checkpoint(&mut node.store.state_machine()).await.is_err());
    assert!(matches!(node.store.failure().wait().await, StoreError::Database { .. }));
    assert!(
        append(&mut node.store.log(), &all[20..21])
            .await
            .await
            .unwrap()
            .is_err()
    );
    assert!(node.store.shutdown().await.is_err());
}

#[tokio::test]
async fn a_batch_under_way_is_not_confirmed_when_the_other_file_fails_meanwhile() {
    let node = Node::create();
    let all = entries(40);
    node.append_and_apply(&all[..20]).await;
    node.disk.hold_syncs(RAFT_FILE);
    let told = append(&mut node.store.log(), &all[20..21]).await;
    node.disk.wait_held();
    node.disk.fail_syncs(STATE_FILE);
    assert!(checkpoint(&mut node.store.state_machine()).await.is_err());
    node.disk.release_syncs();
    assert!(told.await.unwrap().is_err());
}
