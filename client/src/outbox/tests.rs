//! The outbox on a real disk, without a cluster.

use std::path::Path;
use std::time::Duration;

use quorate_core::{
    Action, ArchiveRoom, BanUser, Body, CreateRoom, DeleteRoom, Done, EditMessage, Emoji, InviteUser, JoinRoom,
    KickUser, LeaveRoom, MarkRead, MessageId, MuteUser, PostMessage, React, Reason, RedactMessage, RequestNo,
    Retention, Role, RoomId, RoomName, RoomRef, Seq, SetRetention, SetRole, SetTopic, Span, Timestamp, Topic,
    TransferRoom, UnbanUser, UnmuteUser, UserName, WriterId,
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
        mentions: Vec::new(),
        calls_room: false,
    })
}

fn join() -> Action {
    Action::JoinRoom(JoinRoom { room: room() })
}

fn posted() -> Done {
    Done::Posted {
        room: RoomId(1),
        name: room(),
        seq: Seq(1),
        at: Timestamp(1),
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
async fn sendable(outbox: &Outbox) -> Vec<(u64, String, EntryRef)> {
    let mut sent = Vec::new();
    loop {
        match outbox.next() {
            Next::Send {
                entry, number, action, ..
            } => sent.push((number.0, id_of(&action), entry)),
            Next::Grant => {
                outbox.granted(WriterId(7));
                synced(outbox).await;
            }
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
    queue.written(journal::Position(100));
    assert_eq!(queue.next(journal::Position(99)), Next::Wait);
    assert!(matches!(queue.next(journal::Position(100)), Next::Send { .. }));
    shut(outbox).await;
}

#[tokio::test]
async fn numbers_follow_the_order_of_the_calls() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (2, "b"), (3, "c")]);
}

#[tokio::test]
async fn at_most_a_window_is_unanswered() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = (0..100)
        .map(|index| outbox.push(post(&index.to_string())).unwrap())
        .collect();
    let sent = sendable(&outbox).await;
    assert_eq!(sent.len() as u64, WINDOW);
    outbox.answered(sent[1].2, Ok(posted()));
    assert_eq!(
        sendable(&outbox).await.len(),
        0,
        "the oldest has no answer, so its receipt must be kept"
    );
    outbox.answered(sent[0].2, Ok(posted()));
    assert_eq!(sendable(&outbox).await.len(), 2);
}

#[tokio::test]
async fn a_gap_is_sent_again_from_what_is_expected() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    let sent = sendable(&outbox).await;
    let no_quorum = Failure::Unavailable {
        code: "no-quorum".into(),
    };
    assert!(matches!(
        outbox.answered(sent[0].2, Err(no_quorum)),
        Verdict::AgainLater { .. }
    ));
    assert_eq!(outbox.answered(sent[1].2, Err(refused("gap", Some(1)))), Verdict::Again);
    assert_eq!(outbox.answered(sent[2].2, Err(refused("gap", Some(1)))), Verdict::Again);
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (2, "b"), (3, "c")]);
}

#[tokio::test]
async fn a_number_that_the_log_never_saw_is_used_up() {
    let outbox = Outbox::in_memory();
    let _tickets: Vec<_> = ["a", "b"].map(|id| outbox.push(post(id)).unwrap()).into();
    let sent = sendable(&outbox).await;
    outbox.answered(sent[0].2, Err(refused("rate-limited", None)));
    outbox.answered(sent[1].2, Err(refused("gap", Some(1))));
    let filler = sendable(&outbox).await;
    assert_eq!(ids(&filler), [(1, "-")]);
    outbox.answered(filler[0].2, Err(refused("unknown-room", None)));
    assert_eq!(ids(&sendable(&outbox).await), [(2, "b")]);
}

#[tokio::test]
async fn a_number_that_the_log_never_saw_is_given_again_when_none_behind_it_was_sent() {
    let outbox = Outbox::in_memory();
    let _a = outbox.push(post("a")).unwrap();
    let sent = sendable(&outbox).await;
    let _late: Vec<_> = ["b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    outbox.answered(sent[0].2, Err(refused("rate-limited", None)));
    assert_eq!(ids(&sendable(&outbox).await), [(1, "b"), (2, "c")]);
}

#[tokio::test]
async fn an_expired_writer_renumbers_messages_and_tells_of_the_rest_that_it_is_unknown() {
    let outbox = Outbox::in_memory();
    let _a = outbox.push(post("a")).unwrap();
    let mut uncertain = outbox.push(join()).unwrap();
    let sent = sendable(&outbox).await;
    outbox.lost();
    let _certain = outbox.push(join()).unwrap();
    let again = sendable(&outbox).await;
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
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (2, "-")]);
    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn what_was_never_sent_can_be_taken_back_and_its_number_has_no_effect() {
    let outbox = Outbox::in_memory();
    let first = outbox.push(post("a")).unwrap();
    assert!(matches!(outbox.give_up(first), GaveUp::SurelyNot));
    assert!(outbox.lock().is_empty());
    outbox.granted(WriterId(7));
    let second = outbox.push(post("b")).unwrap();
    let _third = outbox.push(post("c")).unwrap();
    assert!(matches!(outbox.give_up(second), GaveUp::SurelyNot));
    assert_eq!(ids(&sendable(&outbox).await), [(1, "-"), (2, "c")]);
}

#[tokio::test]
async fn what_may_be_there_is_not_taken_back() {
    let outbox = Outbox::in_memory();
    let ticket = outbox.push(post("a")).unwrap();
    sendable(&outbox).await;
    assert!(matches!(outbox.give_up(ticket), GaveUp::Unknown));
    let mut again = outbox.push(post("a")).unwrap();
    assert_eq!(outbox.lock().waiting(), 1, "the same id is the same message");
    outbox.answered(EntryRef::Local(again.local), Ok(posted()));
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
        let sent = sendable(&outbox).await;
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
    let sent = sendable(&outbox).await;
    outbox.answered(sent[1].2, Ok(posted()));
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    let _late = outbox.push(post("d")).unwrap();
    synced(&outbox).await;
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (3, "c"), (4, "-"), (5, "d")]);
    shut(outbox).await;
}

/// One of each, as large as it may be where there is a text.
fn one_of_each() -> Vec<Action> {
    let room = room();
    let place = RoomRef::Direct(UserName::parse("bob").unwrap());
    let user = UserName::parse("bob").unwrap();
    let reason = || Some(Reason::parse(&"\u{1f980}".repeat(256)).unwrap());
    let (seq, lasts) = (Seq(7), Some(Span(60_000)));
    let body = Body::parse(&"x".repeat(64 * 1024)).unwrap();
    let emoji = Emoji::parse("\u{1f980}").unwrap();
    vec![
        Action::CreateRoom(CreateRoom {
            name: room.clone(),
            private: true,
            topic: Topic::default(),
        }),
        Action::JoinRoom(JoinRoom { room: room.clone() }),
        Action::InviteUser(InviteUser {
            room: room.clone(),
            user: user.clone(),
        }),
        post("key"),
        Action::EditMessage(EditMessage {
            room: place.clone(),
            seq,
            body,
        }),
        Action::React(React {
            room: place.clone(),
            seq,
            emoji,
            remove: true,
        }),
        Action::RedactMessage(RedactMessage {
            room: place.clone(),
            seq,
            reason: reason(),
        }),
        Action::MarkRead(MarkRead { room: place, upto: seq }),
        Action::SetTopic(SetTopic {
            room: room.clone(),
            topic: Topic::parse("ships").unwrap(),
        }),
        Action::SetRetention(SetRetention {
            room: room.clone(),
            retention: Retention {
                age_max: lasts,
                messages_max: Some(9),
            },
        }),
        Action::SetRole(SetRole {
            room: room.clone(),
            user: user.clone(),
            role: Role::ReadOnly,
        }),
        Action::MuteUser(MuteUser {
            room: room.clone(),
            user: user.clone(),
            lasts,
            reason: reason(),
        }),
        Action::UnmuteUser(UnmuteUser {
            room: room.clone(),
            user: user.clone(),
        }),
        Action::KickUser(KickUser {
            room: room.clone(),
            user: user.clone(),
            reason: reason(),
        }),
        Action::BanUser(BanUser {
            room: room.clone(),
            user: user.clone(),
            lasts,
            reason: reason(),
        }),
        Action::UnbanUser(UnbanUser {
            room: room.clone(),
            user: user.clone(),
        }),
        Action::ArchiveRoom(ArchiveRoom {
            room: room.clone(),
            archived: true,
        }),
        Action::TransferRoom(TransferRoom {
            room: room.clone(),
            user,
        }),
        Action::LeaveRoom(LeaveRoom { room: room.clone() }),
        Action::DeleteRoom(DeleteRoom { room }),
    ]
}

/// What is to be sent, as far as it may be.
fn actions(outbox: &Outbox) -> Vec<(u64, Action)> {
    std::iter::from_fn(|| match outbox.next() {
        Next::Send { number, action, .. } => Some((number.0, action)),
        _ => None,
    })
    .collect()
}

#[tokio::test]
async fn of_every_kind_of_action_the_next_process_finishes_those_of_messages_in_order_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    outbox.granted(WriterId(7));
    for action in one_of_each() {
        drop(outbox.push(action).unwrap());
    }
    synced(&outbox).await;
    let sent = actions(&outbox);
    let kinds: std::collections::HashSet<_> = sent.iter().map(|(_, action)| std::mem::discriminant(action)).collect();
    assert_eq!(kinds.len(), 20, "all that a user may ask");
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    let again = actions(&outbox);
    assert_eq!(again.len(), sent.len(), "all numbers are used");
    let (mut finished, mut blanks) = (0, 0);
    for (before, now) in sent.iter().zip(&again) {
        match before.1 {
            Action::PostMessage(_) | Action::EditMessage(_) | Action::React(_) | Action::RedactMessage(_) => {
                assert_eq!(now, before);
                finished += 1;
            }
            _ => {
                assert!(
                    matches!(now, (number, Action::MarkRead(blank)) if *number == before.0 && blank.upto == Seq(0)),
                    "{now:?}"
                );
                blanks += 1;
            }
        }
    }
    assert_eq!((finished, blanks), (4, 16));
    shut(outbox).await;
}

/// Without a number there is nothing to use up, and what is left is numbered without it in every process that comes.
#[tokio::test]
async fn what_is_not_finished_and_had_no_number_leaves_none_behind() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    for action in [join(), post("a"), join(), post("b")] {
        drop(outbox.push(action).unwrap());
    }
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (2, "b")]);
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    assert_eq!(ids(&sendable(&outbox).await), [(1, "a"), (2, "b")]);
    shut(outbox).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_outbox_is_for_its_owners_eyes_alone() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    outbox.granted(WriterId(7));
    let ticket = outbox.push(post("a")).unwrap();
    let mode = || dir.path().join("0.log").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    let image = outbox.lock().image();
    outbox.journal.replace(image);
    outbox.answered(EntryRef::Local(ticket.local), Ok(posted()));
    shut(outbox).await;
    assert_eq!(mode(), 0o600, "rewritten");
}

#[tokio::test]
async fn what_was_given_up_before_it_was_sent_does_not_happen_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    outbox.granted(WriterId(7));
    let ticket = outbox.push(join()).unwrap();
    assert!(matches!(outbox.give_up(ticket), GaveUp::SurelyNot));
    let _kept = outbox.push(post("a")).unwrap();
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    let sent = actions(&outbox);
    assert!(matches!(&sent[0], (1, Action::MarkRead(blank)) if blank.upto == Seq(0)));
    assert_eq!(sent[1], (2, post("a")));
    shut(outbox).await;
}

/// Once a number could be given in memory alone: after a crash it stood for another request, and a message's edit that had
/// been applied under it was applied again.
#[tokio::test]
async fn nothing_is_sent_under_a_number_that_is_not_on_the_disk() {
    let mut queue = Queue::default();
    let at = journal::Position;
    let _tickets: Vec<_> = ["a", "b", "c"].map(|id| queue.push(post(id)).unwrap()).into();
    queue.written(at(100));
    queue.granted(WriterId(1));
    queue.written(at(120));
    assert_eq!(queue.next(at(119)), Next::Wait);
    let Next::Send { entry, .. } = queue.next(at(120)) else {
        panic!("all is on the disk")
    };
    queue.answered(entry, Err(refused("rate-limited", None)));
    assert_eq!(queue.next(at(120)), Next::Wait, "the others have moved up");
    queue.written(at(140));
    assert!(matches!(
        queue.next(at(140)),
        Next::Send {
            number: RequestNo(1),
            ..
        }
    ));
}

#[tokio::test]
async fn numbers_that_moved_up_are_the_same_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let outbox = own(dir.path()).unwrap();
    outbox.granted(WriterId(7));
    let first = outbox.push(post("a")).unwrap();
    let _later: Vec<_> = ["b", "c"].map(|id| outbox.push(post(id)).unwrap()).into();
    outbox.answered(EntryRef::Local(first.local), Err(refused("rate-limited", None)));
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    let _last = outbox.push(post("d")).unwrap();
    synced(&outbox).await;
    assert_eq!(ids(&sendable(&outbox).await), [(1, "b"), (2, "c"), (3, "d")]);
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
    assert_eq!(ids(&sendable(&adopted[0]).await), [(1, "b")]);
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
        outbox.answered(EntryRef::Local(ticket.local), Ok(posted()));
    }
    let _last = outbox.push(post("last")).unwrap();
    synced(&outbox).await;
    assert!(file_bytes(dir.path()) < 2 * COMPACT_FROM_BYTES);
    shut(outbox).await;
    let outbox = own(dir.path()).unwrap();
    assert_eq!(ids(&sendable(&outbox).await), [(101, "last")]);
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
