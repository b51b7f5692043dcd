//! Snapshots over the wire: equal or refused.

use std::fs;
use std::sync::Arc;

use bytes::Bytes;
use openraft::storage::RaftStateMachine;
use quorate_core::{LogIndex, NodeId, Seq, State};
use quorate_daemon::fanout::{Hub, Mailbox, Pull};
use quorate_daemon::store::{
    FRAME_MAX_BYTES, Range, Received, Removal, SnapshotData, SnapshotError, SnapshotWriter, Store,
};
use tempfile::TempDir;

use crate::chat::Chat;
use crate::script::{Node, ROOM, apply, entries};

fn receive(node: &Store, frames: &[Bytes]) -> Result<Received, SnapshotError> {
    let mut writer = SnapshotWriter::begin(&node.snapshot_dir())?;
    for frame in frames {
        writer.push(frame.clone())?;
    }
    writer.finish()
}

async fn install(store: &Store, frames: &[Bytes]) {
    let received = receive(store, frames).unwrap();
    let meta = received.meta();
    let mut machine = store.state_machine();
    machine
        .install_snapshot(&meta, SnapshotData::Received(received))
        .await
        .unwrap();
}

/// A store on real files: installing renames them.
fn on_files(node: NodeId) -> (TempDir, Store) {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), crate::script::CLUSTER.parse().unwrap(), node).unwrap();
    let store = reopen(&dir);
    (dir, store)
}

fn reopen(dir: &TempDir) -> Store {
    Store::open(dir.path(), None, Arc::default()).unwrap()
}

async fn frames(store: &Store) -> Vec<Bytes> {
    let reader = crate::script::checkpoint(&mut store.state_machine()).await.unwrap();
    reader.frames().collect::<Result<_, _>>().unwrap()
}

fn names(dir: &TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn an_installed_snapshot_is_equal_now_and_after_a_restart() {
    let all = entries(3_000);
    let leader = Node::create();
    leader.append_and_apply(&all).await;
    let sent = leader.frames().await;
    assert!(sent.len() > 3, "more than one frame of rows");
    assert!(sent.iter().all(|frame| frame.len() <= FRAME_MAX_BYTES));

    let (dir, follower) = on_files(NodeId(2));
    apply(&mut follower.state_machine(), &all[..100]).await.unwrap();
    let before = follower.reader();
    install(&follower, &sent).await;
    let hash = |store: &Store| store.reader().with_state(State::hash);
    assert_eq!(hash(&follower), hash(&leader.store));
    assert_eq!(before.applied(), LogIndex(2_999), "readers from before see it");
    assert_eq!(frames(&follower).await, sent);
    assert_eq!(names(&dir), ["identity.toml", "raft.redb", "state.redb"]);
    let whole = |store: &Store| {
        let reader = store.reader();
        async move {
            reader
                .history(ROOM, Range::After(Seq(0)), usize::MAX, usize::MAX)
                .await
                .unwrap()
        }
    };
    assert_eq!(whole(&follower).await, whole(&leader.store).await);

    follower.shutdown().await.unwrap();
    let follower = reopen(&dir);
    assert_eq!(follower.reader().last_applied(), leader.store.reader().last_applied());
    assert_eq!(frames(&follower).await, sent);
    assert_eq!(follower.identity().node, NodeId(2), "it stays who it is");

    // And it goes on from there like any other.
    let more = entries(3_100);
    apply(&mut follower.state_machine(), &more[3_000..]).await.unwrap();
    leader.append_and_apply(&more[3_000..]).await;
    assert_eq!(frames(&follower).await, leader.frames().await);
}

#[tokio::test]
async fn a_snapshot_carries_changed_lines_and_their_originals() {
    let chat = Chat::lively(400);
    let leader = Node::create();
    leader.append_and_apply(&chat.entries).await;
    let (_dir, follower) = on_files(NodeId(2));
    let mut removals = follower.reader().removals();
    install(&follower, &leader.frames().await).await;
    assert_eq!(removals.take(), Some(Removal::Lost));
    let mut originals = 0;
    for seq in chat.first().0..=chat.last().0 {
        let places = [(ROOM, Seq(seq))];
        let (ours, theirs) = (follower.reader(), leader.store.reader());
        assert_eq!(ours.lines(&places).await.unwrap(), theirs.lines(&places).await.unwrap());
        let original = ours.original(ROOM, Seq(seq)).await.unwrap();
        originals += usize::from(original.is_some());
        assert_eq!(original, theirs.original(ROOM, Seq(seq)).await.unwrap());
    }
    assert!(originals > 0);
}

#[tokio::test]
async fn installing_wakes_the_followers_of_applied_indexes() {
    let all = entries(50);
    let leader = Node::create();
    leader.append_and_apply(&all).await;
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), crate::script::CLUSTER.parse().unwrap(), NodeId(2)).unwrap();
    let hub: Arc<Hub> = Arc::default();
    let follower = Store::open(dir.path(), None, hub.clone()).unwrap();
    let watching = hub.watch_applied();
    install(&follower, &leader.frames().await).await;
    assert_eq!(*watching.borrow(), LogIndex(49));
}

/// A follower with 100 entries, and what is then sent to it.
async fn behind(hub: Arc<Hub>) -> (TempDir, Store, Vec<Bytes>) {
    let all = entries(2_000);
    let leader = Node::create();
    leader.append_and_apply(&all).await;
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), crate::script::CLUSTER.parse().unwrap(), NodeId(2)).unwrap();
    let follower = Store::open(dir.path(), None, hub).unwrap();
    apply(&mut follower.state_machine(), &all[..100]).await.unwrap();
    (dir, follower, leader.frames().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_snapshot_is_installed_no_reader_sees_rows_that_are_newer_than_the_state() {
    let (_dir, follower, sent) = behind(Arc::default()).await;
    let reader = follower.reader();
    let watch = tokio::spawn(async move {
        while reader.applied() < LogIndex(1_999) {
            let rows = reader.history(ROOM, Range::Newest, 1, 1).await.unwrap();
            // Looked at after the rows, as who hands them on does.
            let state = reader.with_state(|state| state.room(ROOM).unwrap().last_seq);
            assert!(rows[0].seq <= state, "rows up to {}, the state {state}", rows[0].seq);
        }
    });
    install(&follower, &sent).await;
    watch.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_sees_the_state_of_a_snapshot_gets_nothing_out_of_an_old_tail() {
    let hub: Arc<Hub> = Arc::default();
    let mailbox = Arc::new(Mailbox::default());
    // Followed before there is a line, so that the tail has them all.
    let feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
    let (_dir, follower, sent) = behind(Arc::clone(&hub)).await;
    assert!(matches!(feed.pull(1 << 20), Pull::Events(_)));
    mailbox.woken().await;
    let reader = follower.reader();
    let before = reader.with_state(State::hash);
    let watch = std::thread::spawn(move || {
        while reader.with_state(State::hash) == before {
            std::thread::yield_now();
        }
        (feed.pull(1 << 20), feed)
    });
    install(&follower, &sent).await;
    let (pulled, _feed) = watch.join().unwrap();
    assert_eq!(pulled, Pull::Unknown);
    // And is told to look into the store in the end, whether or not it has looked before.
    assert_eq!(mailbox.woken().await, [1]);
}

#[tokio::test]
async fn whatever_is_done_to_the_frames_they_are_refused_and_the_old_state_stays() {
    let leader = Node::create();
    leader.append_and_apply(&entries(3_000)).await;
    let sent = leader.frames().await;
    let (dir, follower) = on_files(NodeId(2));
    apply(&mut follower.state_machine(), &entries(100)).await.unwrap();
    let before = frames(&follower).await;

    let mut spoilt: Vec<(String, Vec<Bytes>)> = Vec::new();
    for at in 0..sent.len() {
        let mut without = sent.clone();
        without.remove(at);
        spoilt.push((format!("without {at}"), without));
        let mut twice = sent.clone();
        twice.insert(at, sent[at].clone());
        spoilt.push((format!("twice {at}"), twice));
        spoilt.push((format!("ends before {at}"), sent[..at].to_vec()));
        for byte in [0, 3, sent[at].len() / 2, sent[at].len() - 1] {
            let mut flipped = sent.clone();
            let mut bytes = sent[at].to_vec();
            bytes[byte] ^= 4;
            flipped[at] = bytes.into();
            spoilt.push((format!("frame {at} flipped at {byte}"), flipped));
        }
        let mut cut = sent.clone();
        cut[at] = sent[at].slice(..sent[at].len() / 2);
        spoilt.push((format!("frame {at} cut"), cut));
    }
    let mut swapped = sent.clone();
    swapped.swap(1, 2);
    spoilt.push(("swapped".to_owned(), swapped));
    for (how, frames) in spoilt {
        assert!(
            matches!(receive(&follower, &frames), Err(SnapshotError::Garbled { .. })),
            "{how}"
        );
    }
    assert_eq!(names(&dir), ["identity.toml", "raft.redb", "state.redb"]);
    assert_eq!(frames(&follower).await, before);
    assert!(
        follower.failure().get().is_none(),
        "a bad snapshot is no failure of this node"
    );
}

#[tokio::test]
async fn another_clusters_snapshot_is_refused() {
    let dir = TempDir::new().unwrap();
    Store::create(dir.path(), "zzzzzzzzzzzzzzzz".parse().unwrap(), NodeId(1)).unwrap();
    let other = reopen(&dir);
    let leader = Node::create();
    leader.append_and_apply(&entries(30)).await;
    let received = receive(&other, &leader.frames().await);
    assert!(matches!(received, Err(SnapshotError::OtherCluster { .. })));
}

#[tokio::test]
async fn a_snapshot_that_is_not_the_one_named_is_refused() {
    let leader = Node::create();
    leader.append_and_apply(&entries(30)).await;
    let (_dir, follower) = on_files(NodeId(2));
    let received = receive(&follower, &leader.frames().await).unwrap();
    let mut meta = received.meta();
    meta.last_log_id = Some(crate::script::log_id(28));
    let installed = follower
        .state_machine()
        .install_snapshot(&meta, SnapshotData::Received(received))
        .await;
    assert!(installed.is_err());
    assert_eq!(follower.reader().last_applied(), None);
}

#[tokio::test]
async fn what_a_crash_left_of_a_snapshot_is_removed_at_the_next_start() {
    let (dir, store) = on_files(NodeId(2));
    store.shutdown().await.unwrap();
    fs::write(dir.path().join("state.redb.new.7"), b"half").unwrap();
    fs::write(dir.path().join("snapshot.spool.3"), b"half").unwrap();
    reopen(&dir).shutdown().await.unwrap();
    assert_eq!(names(&dir), ["identity.toml", "raft.redb", "state.redb"]);
}
