//! Lines that change after they were written: what is read of them, and what is left of a text.

use quorate_core::{EventNo, RoomEvent, RoomEventKind, RoomId, Seq, Sweep, UserId};
use quorate_daemon::store::{HistoryError, LINES_MAX, Range, STATE_FILE, StoredEvent};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use crate::chat::{ALICE, BOB, Chat};
use crate::disk::{Crash, Disk};
use crate::script::{Node, ROOM};

async fn node_of(chat: &Chat) -> Node {
    let node = Node::create();
    node.append_and_apply(&chat.entries).await;
    node
}

async fn after(node: &Node, seq: u64) -> Vec<StoredEvent> {
    let range = Range::After(Seq(seq));
    node.store
        .reader()
        .history(ROOM, range, 10_000, usize::MAX)
        .await
        .unwrap()
}

fn decode(event: &StoredEvent) -> RoomEvent {
    let decoded = quorate_protocol::event::decode(&event.bytes).unwrap();
    assert_eq!((decoded.seq, decoded.no, decoded.room), (event.seq, event.no, ROOM));
    decoded
}

async fn line(node: &Node, seq: Seq) -> Option<RoomEvent> {
    let mut found = node.store.reader().lines(&[(ROOM, seq)]).await.unwrap();
    found.remove(0).as_ref().map(decode)
}

async fn original(node: &Node, seq: Seq) -> Option<RoomEvent> {
    let found = node.store.reader().original(ROOM, seq).await.unwrap();
    found.as_ref().map(decode)
}

fn text(event: Option<RoomEvent>) -> String {
    match event.unwrap().kind {
        RoomEventKind::Message { body, .. }
        | RoomEventKind::Revised { body, .. }
        | RoomEventKind::Edited { body, .. } => body.as_str().to_owned(),
        other => panic!("no text in {other:?}"),
    }
}

/// Whether the bytes stand in a live row of any table, after a checkpoint.
async fn is_in_a_row(node: &Node, text: &str) -> bool {
    node.checkpoint().await;
    let database = Disk::from_image(&node.disk.crash(Crash::LosingAll)).database(STATE_FILE);
    let transaction = database.begin_read().unwrap();
    let has = |value: &[u8]| value.windows(text.len()).any(|part| part == text.as_bytes());
    let mut found = false;
    for name in ["records", "places", "originals"] {
        let table: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new(name);
        let table = transaction.open_table(table).unwrap();
        found |= table.iter().unwrap().any(|row| has(row.unwrap().1.value()));
    }
    let events: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("events");
    let events = transaction.open_table(events).unwrap();
    found || events.iter().unwrap().any(|row| has(row.unwrap().1.value()))
}

#[tokio::test]
async fn an_edited_message_stands_in_its_place_with_its_new_text() {
    let mut chat = Chat::new();
    let seq = chat.posted(ALICE, "first");
    chat.posted(BOB, "other");
    let before = node_of(&chat).await;
    chat.edit(ALICE, seq, "second").unwrap();
    let edit = chat.last();
    let node = node_of(&chat).await;
    let (was, is) = (line(&before, seq).await.unwrap(), line(&node, seq).await.unwrap());
    let RoomEventKind::Message { id, reply_to, .. } = was.kind.clone() else {
        panic!("{was:?}");
    };
    let kind = RoomEventKind::Revised {
        id,
        body: "second".parse().unwrap(),
        reply_to,
        edit,
    };
    assert_eq!(is, RoomEvent { kind, ..was });
}

#[tokio::test]
async fn every_text_of_an_edited_message_stays_readable() {
    let mut chat = Chat::new();
    let seq = chat.posted(ALICE, "first");
    chat.edit(ALICE, seq, "second").unwrap();
    let second = chat.last();
    chat.edit(ALICE, seq, "third").unwrap();
    let third = chat.last();
    let node = node_of(&chat).await;
    assert_eq!(text(original(&node, seq).await), "first");
    assert_eq!(text(line(&node, second).await), "second");
    assert_eq!(text(line(&node, third).await), "third");
    assert_eq!(text(line(&node, seq).await), "third");
}

#[tokio::test]
async fn a_message_that_was_never_edited_has_no_original_apart() {
    let mut chat = Chat::new();
    let seq = chat.posted(ALICE, "first");
    let node = node_of(&chat).await;
    assert_eq!(original(&node, seq).await, None);
    assert_eq!(original(&node, Seq(999)).await, None);
}

#[tokio::test]
async fn a_redacted_text_is_in_no_row_whether_it_was_written_long_ago_or_just_now() {
    for checkpoint_first in [true, false] {
        let mut chat = Chat::new();
        let seq = chat.posted(ALICE, "topsecret one");
        chat.edit(ALICE, seq, "topsecret two").unwrap();
        chat.edit(ALICE, seq, "topsecret three").unwrap();
        let other = chat.posted(ALICE, "harmless");
        let node = Node::create();
        if checkpoint_first {
            node.append_and_apply(&chat.entries).await;
            assert!(is_in_a_row(&node, "topsecret").await);
        }
        let done = if checkpoint_first { chat.entries.len() } else { 0 };
        chat.redact(ALICE, seq).unwrap();
        node.append_and_apply(&chat.entries[done..]).await;
        assert!(!is_in_a_row(&node, "topsecret").await);
        assert!(is_in_a_row(&node, "harmless").await);
        let frames = node.frames().await;
        assert!(
            !frames
                .iter()
                .any(|frame| frame.windows(9).any(|part| part == b"topsecret"))
        );
        assert_eq!(text(line(&node, other).await), "harmless");
        assert!(matches!(
            line(&node, seq).await.unwrap().kind,
            RoomEventKind::Withdrawn { .. }
        ));
        for edit in [Seq(seq.0 + 1), Seq(seq.0 + 2)] {
            let kind = line(&node, edit).await.unwrap().kind;
            assert_eq!(kind, RoomEventKind::EditWithdrawn { target: seq });
        }
        assert_eq!(original(&node, seq).await, None);
    }
}

#[tokio::test]
async fn a_deleted_users_texts_are_in_no_row_after_the_purge() {
    let mut chat = Chat::new();
    let seq = chat.posted(BOB, "topsecret one");
    chat.edit(BOB, seq, "topsecret two").unwrap();
    chat.posted(BOB, "topsecret three");
    let other = chat.posted(ALICE, "harmless");
    chat.delete_user(BOB).unwrap();
    let node = node_of(&chat).await;
    assert!(is_in_a_row(&node, "topsecret").await);
    let before = chat.last();
    let done = chat.entries.len();
    chat.sweep(Sweep::User(UserId(3))).unwrap();
    assert_eq!(chat.last(), before, "no line says so");
    node.append_and_apply(&chat.entries[done..]).await;
    assert!(!is_in_a_row(&node, "topsecret").await);
    assert_eq!(text(line(&node, other).await), "harmless");
}

#[tokio::test]
async fn a_cut_history_begins_at_the_first_line_that_is_kept() {
    let mut chat = Chat::new();
    for number in 1..=50 {
        chat.posted(ALICE, &format!("message {number}"));
    }
    chat.keep(10);
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    let (first, last) = (chat.first().0, chat.last().0);
    assert!(first > 30 && first < last);
    let node = node_of(&chat).await;
    let kept: Vec<_> = (first..=last).collect();
    let seqs = |events: Vec<StoredEvent>| events.iter().map(|event| event.seq.0).collect::<Vec<_>>();
    assert_eq!(seqs(after(&node, 0).await), kept);
    assert_eq!(seqs(after(&node, 7).await), kept);
    assert_eq!(seqs(after(&node, first - 1).await), kept);
    assert_eq!(seqs(after(&node, first).await), kept[1..]);
    let reader = node.store.reader();
    let before = reader.history(ROOM, Range::Before(Seq(last)), 100, usize::MAX).await;
    assert_eq!(seqs(before.unwrap()), (first..last).collect::<Vec<_>>());
    let newest = reader.history(ROOM, Range::Newest, 100, usize::MAX).await;
    assert_eq!(seqs(newest.unwrap()), kept);
    let before = reader.history(ROOM, Range::Before(Seq(first)), 100, usize::MAX).await;
    assert_eq!(before.unwrap(), []);
    assert!(!is_in_a_row(&node, "message 30").await);
    assert_eq!(line(&node, Seq(first - 1)).await, None);
}

#[tokio::test]
async fn an_edit_that_outlives_its_message_keeps_no_text() {
    let mut chat = Chat::new();
    let seq = chat.posted(ALICE, "topsecret one");
    for number in 1..=10 {
        chat.posted(ALICE, &format!("message {number}"));
    }
    chat.edit(ALICE, seq, "topsecret two").unwrap();
    let edit = chat.last();
    chat.keep(5);
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    assert!(seq < chat.first() && chat.first() < edit);
    let node = node_of(&chat).await;
    assert!(!is_in_a_row(&node, "topsecret").await);
    let kind = line(&node, edit).await.unwrap().kind;
    assert_eq!(kind, RoomEventKind::EditWithdrawn { target: seq });
}

#[tokio::test]
async fn a_deleted_room_leaves_no_row_behind() {
    let mut chat = Chat::new();
    let seq = chat.posted(ALICE, "first");
    chat.edit(ALICE, seq, "second").unwrap();
    chat.delete_room();
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    let node = node_of(&chat).await;
    assert_eq!(after(&node, 0).await, []);
    assert!(!is_in_a_row(&node, "hello").await);
    assert!(!is_in_a_row(&node, "second").await);
    let all = node.store.reader().events_from(EventNo(0), 100, usize::MAX).await;
    assert_eq!(all.unwrap(), []);
}

#[tokio::test]
async fn lines_are_found_by_their_places_in_the_order_asked() {
    let mut chat = Chat::new();
    let (one, two) = (chat.posted(ALICE, "one"), chat.posted(ALICE, "two"));
    let node = node_of(&chat).await;
    let asked = [
        (ROOM, two),
        (ROOM, Seq(99)),
        (RoomId(999), one),
        (ROOM, one),
        (ROOM, two),
    ];
    let found = node.store.reader().lines(&asked).await.unwrap();
    let seqs: Vec<_> = found.iter().map(|line| line.as_ref().map(|line| line.seq)).collect();
    assert_eq!(seqs, [Some(two), None, None, Some(one), Some(two)]);
}

#[tokio::test]
async fn more_lines_than_allowed_are_refused() {
    let node = node_of(&Chat::new()).await;
    let asked = vec![(ROOM, Seq(1)); LINES_MAX + 1];
    let found = node.store.reader().lines(&asked).await;
    assert!(matches!(found, Err(HistoryError::TooMany { max: LINES_MAX, .. })));
    assert_eq!(node.store.reader().lines(&asked[1..]).await.unwrap().len(), LINES_MAX);
}

#[tokio::test]
async fn events_of_all_rooms_come_in_log_order_and_page_by_page() {
    let chat = Chat::lively(400);
    let node = node_of(&chat).await;
    let reader = node.store.reader();
    let all = reader.events_from(EventNo(0), usize::MAX, usize::MAX).await.unwrap();
    assert!(all.len() > 20);
    assert!(all.is_sorted_by(|one, two| one.no < two.no));
    let mut paged = Vec::new();
    let mut next = EventNo(0);
    loop {
        let page = reader.events_from(next, 7, 1000).await.unwrap();
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 7);
        next = last.no.next();
        paged.extend(page);
    }
    assert_eq!(paged, all);
    assert_eq!(reader.events_from(EventNo(0), 7, 0).await.unwrap(), all[..1]);
    let by_room: Vec<_> = after(&node, 0).await.iter().map(decode).collect();
    assert_eq!(by_room, all, "there is one room");
}
