//! Reading histories and waiting for what is applied.

use std::time::Duration;

use quorate_core::{LogIndex, RoomId, Seq};
use quorate_daemon::store::{Range, StoredEvent, WaitError};
use tokio::time::Instant;

use crate::script::{Node, ROOM, entries};

async fn read(node: &Node, range: Range, limit: usize, bytes_max: usize) -> Vec<StoredEvent> {
    node.store
        .reader()
        .history(ROOM, range, limit, bytes_max)
        .await
        .unwrap()
}

fn seqs(events: &[StoredEvent]) -> Vec<u64> {
    events.iter().map(|event| event.seq.0).collect()
}

#[tokio::test]
async fn every_range_is_read_in_order_and_cut_at_its_far_end() {
    let node = Node::create();
    node.append_and_apply(&entries(400)).await;
    let last = node
        .store
        .reader()
        .with_state(|state| state.room(ROOM).unwrap().last_seq.0);
    assert!(last > 200);
    let all = read(&node, Range::After(Seq(0)), usize::MAX, usize::MAX).await;
    assert_eq!(seqs(&all), (1..=last).collect::<Vec<_>>());
    for event in &all {
        let decoded = quorate_protocol::event::decode(&event.bytes).unwrap();
        assert_eq!((decoded.seq, decoded.no, decoded.room), (event.seq, event.no, ROOM));
    }
    assert_eq!(read(&node, Range::Newest, usize::MAX, usize::MAX).await, all);
    let few = |range| read(&node, range, 5, usize::MAX);
    assert_eq!(seqs(&few(Range::After(Seq(10))).await), [11, 12, 13, 14, 15]);
    assert_eq!(seqs(&few(Range::Before(Seq(10))).await), [5, 6, 7, 8, 9]);
    assert_eq!(seqs(&few(Range::Before(Seq(3))).await), [1, 2]);
    assert_eq!(seqs(&few(Range::Newest).await), (last - 4..=last).collect::<Vec<_>>());
    assert_eq!(seqs(&few(Range::After(Seq(last))).await), [0_u64; 0]);
    assert_eq!(seqs(&few(Range::Before(Seq(1))).await), [0_u64; 0]);
    assert_eq!(
        seqs(&few(Range::Before(Seq(u64::MAX))).await),
        (last - 4..=last).collect::<Vec<_>>()
    );
    assert!(
        node.store
            .reader()
            .history(RoomId(999), Range::Newest, 5, 99)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_page_is_cut_by_bytes_but_never_to_nothing() {
    let node = Node::create();
    node.append_and_apply(&entries(100)).await;
    let all = read(&node, Range::After(Seq(0)), usize::MAX, usize::MAX).await;
    let three: usize = all[..3].iter().map(|event| event.bytes.len()).sum();
    assert_eq!(seqs(&read(&node, Range::After(Seq(0)), 50, three).await), [1, 2, 3]);
    assert_eq!(seqs(&read(&node, Range::After(Seq(0)), 50, three - 1).await), [1, 2]);
    assert_eq!(seqs(&read(&node, Range::After(Seq(0)), 50, 0).await), [1]);
    let last = all.last().unwrap();
    assert_eq!(seqs(&read(&node, Range::Newest, 50, 0).await), [last.seq.0]);
}

#[tokio::test]
async fn a_history_has_what_was_applied_before_it_was_asked_for() {
    let node = Node::create();
    let all = entries(300);
    node.append_and_apply(&all[..20]).await;
    for entry in &all[20..] {
        node.append_and_apply(std::slice::from_ref(entry)).await;
        let last = node
            .store
            .reader()
            .with_state(|state| state.room(ROOM).unwrap().last_seq.0);
        assert_eq!(seqs(&read(&node, Range::Newest, 1, usize::MAX).await), [last]);
    }
}

#[tokio::test]
async fn waiting_ends_when_the_index_is_applied_or_the_deadline_comes() {
    let node = Node::create();
    let all = entries(30);
    node.append_and_apply(&all[..10]).await;
    let reader = node.store.reader();
    let soon = || Instant::now() + Duration::from_millis(10);
    reader.wait_applied(LogIndex(9), soon()).await.unwrap();
    let late = reader.wait_applied(LogIndex(20), soon()).await.unwrap_err();
    assert!(matches!(
        late,
        WaitError::Deadline {
            applied: LogIndex(9),
            awaited: LogIndex(20)
        }
    ));
    let far = Instant::now() + Duration::from_secs(60);
    let waiting = tokio::spawn(async move { reader.wait_applied(LogIndex(20), far).await });
    node.append_and_apply(&all[10..]).await;
    waiting.await.unwrap().unwrap();
}
