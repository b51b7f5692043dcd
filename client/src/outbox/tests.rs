//! The outbox on a real disk, without a cluster.

use std::path::Path;
use std::time::Duration;

use quorate_core::{
    Action, Body, Done, JoinRoom, MessageId, PostMessage, RequestNo, RoomId, RoomName, RoomRef, Seq, Timestamp,
    WriterId,
};
use quorate_protocol::client::Failure;

use super::*;

fn room() -> RoomName {
    RoomName::parse("ops").unwrap()
}

fn post(id: &str) -> Action {
    Action::PostMessage(PostMessage {
        room: RoomRef::Name(room()),
        id: MessageId::parse(id).unwrap(),
        body: Body::parse("hi").unwrap(),
        reply_to: None,
    })
}

fn join() -> Action {
    Action::JoinRoom(JoinRoom { room: room() })
}

fn posted(id: &str) -> Done {
    Done::Posted {
        room: RoomId(1),
        name: room(),
        seq: Seq(1),
        at: Timestamp(1),
        id: MessageId::parse(id).unwrap(),
    }
}

fn refused(code: &str, expected: Option<u64>) -> Failure {
    Failure::Refused {
        code: code.into(),
        message: code.into(),
        expected: expected.map(RequestNo),
    }
}

fn id_of(action: &Action) -> String {
    match action {
        Action::PostMessage(post) => post.id.to_string(),
        _ => "-".into(),
    }
}

/// What is to be sent, as far as it may be: number and message id.
fn sendable(outbox: &Outbox) -> Vec<(u64, String, EntryRef)> {
    let mut sent = Vec::new();
    loop {
        match outbox.next() {
            Next::Send {
                entry, number, action, ..
            } => sent.push((number.0, id_of(&action), entry)),
            Next::Grant => outbox.granted(WriterId(7)),
            Next::Wait => return sent,
        }
    }
}

fn ids(sent: &[(u64, String, EntryRef)]) -> Vec<(u64, &str)> {
    sent.iter().map(|(number, id, _)| (*number, id.as_str())).collect()
}

async fn synced(outbox: &Outbox) {
    let Some(mut durable) = outbox.journal.durable() else {
        return;
    };
    let Journal::File(_) = &outbox.journal else { return };
    let upto = outbox.journal.append(&[], true);
    // What has been synced already is not told again.
    let waits = durable.wait_for(|durable| durable.upto >= upto);
    tokio::time::timeout(Duration::from_secs(10), waits)
        .await
        .unwrap()
        .unwrap();
}

async fn shut(outbox: Outbox) {
    outbox.close();
    outbox.closed().await;
}

#[tokio::test]
async fn nothing_is_sent_before_it_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    let mut queue = Queue::default();
    let _ticket = queue.push(post("a")).unwrap();
    queue.written(journal::Position(100));
    queue.granted(WriterId(1));
    assert_eq!(queue.next(journal::Position(99)), Next::Wait);
    assert!(matches!(queue.next(journal::Position(100)), Next::Send { .. }));
    shut(outbox).await;
}

#[tokio::test]
async fn numbers_follow_the_order_of_the_calls() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    assert_eq!(ids(&sendable(&outbox)), [(1, "a"), (2, "b"), (3, "c")]);
}

#[tokio::test]
async fn at_most_a_window_is_unanswered() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = (0..100)
        .map(|index| outbox.push(post(&index.to_string())).unwrap())
        .collect();
    let sent = sendable(&outbox);
    assert_eq!(sent.len() as u64, WINDOW);
    outbox.answered(sent[1].2, Ok(posted("1")));
    assert_eq!(
        sendable(&outbox).len(),
        0,
        "the oldest has no answer, so its receipt must be kept"
    );
    outbox.answered(sent[0].2, Ok(posted("0")));
    assert_eq!(sendable(&outbox).len(), 2);
}

#[tokio::test]
async fn a_gap_is_sent_again_from_what_is_expected() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    let sent = sendable(&outbox);
    let no_quorum = Failure::Unavailable {
        code: "no-quorum".into(),
    };
    assert!(matches!(
        outbox.answered(sent[0].2, Err(no_quorum)),
        Verdict::AgainLater { .. }
    ));
    assert_eq!(outbox.answered(sent[1].2, Err(refused("gap", Some(1)))), Verdict::Again);
    assert_eq!(outbox.answered(sent[2].2, Err(refused("gap", Some(1)))), Verdict::Again);
    assert_eq!(ids(&sendable(&outbox)), [(1, "a"), (2, "b"), (3, "c")]);
}

#[tokio::test]
async fn a_number_that_the_log_never_saw_is_used_up() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b"].map(|id| outbox.push(post(id)).unwrap()).into();
    let sent = sendable(&outbox);
    outbox.answered(sent[0].2, Err(refused("rate-limited", None)));
    outbox.answered(sent[1].2, Err(refused("gap", Some(1))));
    let filler = sendable(&outbox);
    assert_eq!(ids(&filler), [(1, "-")]);
    outbox.answered(filler[0].2, Err(refused("unknown-room", None)));
    assert_eq!(ids(&sendable(&outbox)), [(2, "b")]);
}

#[tokio::test]
async fn a_number_that_the_log_never_saw_is_given_again_when_none_behind_it_was_sent() {
    let outbox = Outbox::in_memory();
    let _a = outbox.push(post("a")).unwrap();
    let sent = sendable(&outbox);
    let _late: Vec<_> = ["b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    outbox.answered(sent[0].2, Err(refused("rate-limited", None)));
    assert_eq!(ids(&sendable(&outbox)), [(1, "b"), (2, "c")]);
}

#[tokio::test]
async fn an_expired_writer_renumbers_messages_and_tells_of_the_rest_that_it_is_unknown() {
    let outbox = Outbox::in_memory();
    let _a = outbox.push(post("a")).unwrap();
    let mut uncertain = outbox.push(join()).unwrap();
    let sent = sendable(&outbox);
    outbox.lost();
    let _certain = outbox.push(join()).unwrap();
    let again = sendable(&outbox);
    assert_eq!(again.len(), 3);
    for (_, _, entry) in &again {
        assert_eq!(
            outbox.answered(*entry, Err(refused("writer-expired", None))),
            Verdict::Again
        );
    }
    assert_eq!(outbox.next(), Next::Grant);
    assert!(matches!(
        uncertain.resolution.try_recv(),
        Ok(Err(RequestError::Unknown))
    ));
    assert_eq!(ids(&sendable(&outbox)), [(1, "a"), (2, "-")]);
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn what_was_never_sent_can_be_taken_back_and_its_number_has_no_effect() {
    let outbox = Outbox::in_memory();
    let first = outbox.push(post("a")).unwrap();
    assert!(matches!(outbox.give_up(first), GaveUp::SurelyNot));
    assert!(outbox.is_empty());
    outbox.granted(WriterId(7));
    let second = outbox.push(post("b")).unwrap();
    let _third = outbox.push(post("c")).unwrap();
    assert!(matches!(outbox.give_up(second), GaveUp::SurelyNot));
    assert_eq!(ids(&sendable(&outbox)), [(1, "-"), (2, "c")]);
}

#[tokio::test]
async fn what_may_be_there_is_not_taken_back() {
    let outbox = Outbox::in_memory();
    let ticket = outbox.push(post("a")).unwrap();
    sendable(&outbox);
    assert!(matches!(outbox.give_up(ticket), GaveUp::Unknown));
    let mut again = outbox.push(post("a")).unwrap();
    assert_eq!(outbox.lock().len(), 1, "the same id is the same message");
    outbox.answered(EntryRef::Local(again.local), Ok(posted("a")));
    assert!(again.resolution.try_recv().unwrap().is_ok());
}

#[tokio::test]
async fn a_file_cut_at_any_byte_gives_what_was_whole_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    let mut ends = Vec::new();
    for index in 0..5 {
        let _ticket = outbox.push(post(&index.to_string())).unwrap();
        ends.push(outbox.journal.file_bytes());
    }
    shut(outbox).await;
    let log = dir.path().join("0.log");
    let whole = std::fs::read(&log).unwrap();
    assert_eq!(whole.len() as u64, ends[4]);
    for cut in 0..=whole.len() {
        std::fs::write(&log, &whole[..cut]).unwrap();
        let outbox = own(dir.path()).unwrap();
        let kept = ends.iter().filter(|end| **end <= cut as u64).count();
        let expected: Vec<_> = (0..kept).map(|index| (index as u64 + 1, index.to_string())).collect();
        let sent = sendable(&outbox);
        let sent: Vec<_> = sent.into_iter().map(|(number, id, _)| (number, id)).collect();
        assert_eq!(sent, expected, "cut at {cut}");
        shut(outbox).await;
    }
}

#[tokio::test]
async fn a_restart_keeps_writer_and_numbers_and_forgets_what_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    let _join = outbox.push(join()).unwrap();
    synced(&outbox).await;
    let sent = sendable(&outbox);
    outbox.answered(sent[1].2, Ok(posted("b")));
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    let _late = outbox.push(post("d")).unwrap();
    synced(&outbox).await;
    assert_eq!(ids(&sendable(&outbox)), [(1, "a"), (3, "c"), (4, "-"), (5, "d")]);
    shut(outbox).await;
}

#[tokio::test]
async fn two_owners_have_files_of_their_own_and_an_orphan_is_adopted() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (own(dir.path()).unwrap(), own(dir.path()).unwrap());
    let _a = one.push(post("a")).unwrap();
    let _b = two.push(post("b")).unwrap();
    assert!(orphans(dir.path()).unwrap().is_empty(), "both are alive");
    shut(two).await;
    let adopted = orphans(dir.path()).unwrap();
    assert_eq!(adopted.len(), 1);
    assert_eq!(ids(&sendable(&adopted[0])), [(1, "b")]);
    for outbox in adopted {
        shut(outbox).await;
    }
    shut(one).await;
}

#[tokio::test]
async fn a_file_that_is_mostly_about_what_was_answered_is_compacted() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    outbox.granted(WriterId(7));
    let body = "x".repeat(60 * 1024);
    for index in 0..100 {
        let Action::PostMessage(mut action) = post(&index.to_string()) else {
            unreachable!()
        };
        action.body = Body::parse(&body).unwrap();
        let ticket = outbox.push(Action::PostMessage(action)).unwrap();
        outbox.answered(EntryRef::Local(ticket.local), Ok(posted("x")));
    }
    let _last = outbox.push(post("last")).unwrap();
    synced(&outbox).await;
    assert!(file_bytes(dir.path()) < 2 * COMPACT_FROM_BYTES);
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    assert_eq!(ids(&sendable(&outbox)), [(101, "last")]);
    shut(outbox).await;
}

fn file_bytes(folder: &Path) -> u64 {
    folder.join("0.log").metadata().unwrap().len()
}

#[tokio::test]
async fn a_full_outbox_refuses() {
    let outbox = Outbox::in_memory();
    let mut tickets = Vec::new();
    let refused = loop {
        match outbox.push(post(&tickets.len().to_string())) {
            Ok(ticket) => tickets.push(ticket),
            Err(error) => break error,
        }
    };
    assert_eq!((tickets.len(), refused.code()), (10_000, "outbox-full"));
}
