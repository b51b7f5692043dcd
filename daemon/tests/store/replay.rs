//! After a crash, the checkpoint and the log make the state that was.

use quorate_daemon::store::STATE_FILE;

use crate::chat::Chat;
use crate::disk::Crash;
use crate::script::{Node, entries, records_by_index};

#[tokio::test]
async fn replaying_after_a_crash_makes_the_same_state_and_rows() {
    let all = Chat::lively(900).entries;
    let uncrashed = Node::create();
    uncrashed.append_and_apply(&all).await;
    for crash in [Crash::OfProcess, Crash::LosingAll, Crash::Tearing(3)] {
        let node = Node::create();
        // Checkpoints by time would make the place of the crash a matter of luck.
        node.append_and_apply(&all[..300]).await;
        node.checkpoint().await;
        node.append(&all[300..]).await.unwrap();
        node.disk.hold_syncs(STATE_FILE);
        node.apply(&all[300..]).await;
        let image = node.disk.crash(crash);
        node.disk.release_syncs();

        let node = node.after_crash(&image);
        let reader = node.store.reader();
        assert_eq!(reader.applied().0, 299, "{crash:?}: the file is at its checkpoint");
        assert_eq!(node.records(), records_by_index(&all)[299]);
        node.replay().await;
        assert_eq!(node.records(), uncrashed.records(), "{crash:?}");
        let hash = |node: &Node| node.store.reader().with_state(quorate_core::State::hash);
        assert_eq!(hash(&node), hash(&uncrashed));
        assert_eq!(
            node.frames().await,
            uncrashed.frames().await,
            "{crash:?}: the rows are equal"
        );
        assert_eq!(node.store.reader().membership(), uncrashed.store.reader().membership());
    }
}

#[tokio::test]
async fn a_clean_end_leaves_nothing_to_replay() {
    let all = entries(200);
    let node = Node::create();
    node.append_and_apply(&all).await;
    let (dir, disk) = (node.dir.clone(), node.disk.clone());
    let before = node.records();
    node.store.shutdown().await.unwrap();
    let node = Node::open(dir, crate::disk::Disk::from_image(&disk.crash(Crash::LosingAll)));
    assert_eq!(node.store.reader().applied().0, 199);
    assert_eq!(node.records(), before);
}

#[tokio::test]
async fn an_entry_is_never_applied_twice() {
    let all = entries(20);
    let node = Node::create();
    node.append_and_apply(&all).await;
    let again = crate::script::apply(&mut node.store.state_machine(), &all[10..]).await;
    assert!(again.is_err());
    assert!(node.store.failure().get().is_some());
    assert_eq!(node.records(), records_by_index(&all)[19]);
}

#[tokio::test]
async fn an_entry_without_meaning_ends_the_store() {
    let mut all = entries(20);
    all[15].payload = openraft::EntryPayload::Normal(quorate_daemon::consensus::types::Proposal(
        bytes::Bytes::from_static(b"\xffnonsense"),
    ));
    let node = Node::create();
    node.append(&all).await.unwrap();
    assert!(
        crate::script::apply(&mut node.store.state_machine(), &all)
            .await
            .is_err()
    );
    assert!(node.store.failure().get().is_some());
}
