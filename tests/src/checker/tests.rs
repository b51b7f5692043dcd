//! Every violation is planted once, and is found; nothing else is.

use super::*;
use crate::{Event, Moment};

const ROOM: &str = "ops";

fn post(user: &str, body: &str) -> Post {
    Post {
        session: format!("{user}-1"),
        user: user.into(),
        room: ROOM.into(),
        body: body.into(),
        id: Some(format!("id-{body}")),
    }
}

fn event(seq: u64, kind: &str, author: &str, body: Option<&str>) -> Event {
    Event {
        room: ROOM.into(),
        seq,
        kind: kind.into(),
        author: author.into(),
        body: body.map(str::to_owned),
        at: format!("2026-01-01T00:00:00.{seq:03}Z"),
        id: body.map(|body| format!("id-{body}")),
    }
}

/// A room with a creator's join and these messages of alice.
fn past(bodies: &[&str]) -> Vec<Event> {
    let messages = (2..)
        .zip(bodies)
        .map(|(seq, body)| event(seq, "message", "alice", Some(body)));
    std::iter::once(event(1, "join", "alice", None))
        .chain(messages)
        .collect()
}

fn acked(checker: &Checker, body: &str, seq: u64) -> AttemptNo {
    let attempt = checker.sent(post("alice", body), Moment::now());
    checker.acked(attempt, seq, &format!("id-{body}"), Moment::now());
    attempt
}

#[track_caller]
fn assert_found(checker: &Checker, expected: &[fn(&Violation) -> bool]) {
    let report = checker.report();
    let matches = report.violations.len() == expected.len()
        && expected
            .iter()
            .all(|is| report.violations.iter().filter(|found| is(found)).count() == 1);
    assert!(matches, "{report}");
}

#[test]
fn a_good_record_is_clean_and_counted() {
    let checker = Checker::new();
    acked(&checker, "a", 2);
    let unknown = checker.sent(post("alice", "b"), Moment::now());
    checker.unknown(unknown);
    let refused = checker.sent(post("alice", "c"), Moment::now());
    checker.refused(refused);
    acked(&checker, "d", 4);
    for reader in ["n1", "n2"] {
        checker.saw_history(reader, ROOM, past(&["a", "b", "d"]));
    }
    checker.saw_feed("n1", ROOM, 3, past(&["a", "b", "d"])[2..].to_vec());
    assert_found(&checker, &[]);
    checker.assert_clean();
    let expected = Counts {
        attempted: 4,
        acked: 2,
        refused: 1,
        unknown: 1,
        unknown_found: 1,
        histories: 2,
        history_events: 8,
        feeds: 1,
        feed_events: 2,
    };
    assert_eq!(checker.report().counts, expected);
}

#[test]
fn an_unknown_post_may_be_missing() {
    let checker = Checker::new();
    let unknown = checker.sent(post("alice", "a"), Moment::now());
    checker.unknown(unknown);
    checker.saw_history("n1", ROOM, past(&[]));
    assert_found(&checker, &[]);
}

#[test]
fn a_lost_post_is_found() {
    let checker = Checker::new();
    acked(&checker, "a", 2);
    acked(&checker, "b", 3);
    checker.saw_history("n1", ROOM, past(&["a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::AckedLost { seq: 3, .. })]);
}

#[test]
fn a_post_that_is_lost_on_one_node_only_is_found() {
    let checker = Checker::new();
    acked(&checker, "a", 2);
    checker.saw_history("n1", ROOM, past(&["a"]));
    checker.saw_history("n2", ROOM, past(&[]));
    assert_found(
        &checker,
        &[
            |v| matches!(v, Violation::AckedLost { reader, .. } if reader == "n2"),
            |v| matches!(v, Violation::Diverged { seq: 2, .. }),
        ],
    );
}

#[test]
fn a_doubled_post_is_found() {
    let checker = Checker::new();
    acked(&checker, "a", 2);
    checker.saw_history("n1", ROOM, past(&["a", "a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::Doubled { .. })]);
}

#[test]
fn a_doubled_unknown_post_is_found() {
    let checker = Checker::new();
    let unknown = checker.sent(post("alice", "a"), Moment::now());
    checker.unknown(unknown);
    checker.saw_history("n1", ROOM, past(&["a", "a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::Doubled { .. })]);
}

#[test]
fn one_post_acked_at_two_places_is_found() {
    let checker = Checker::new();
    let attempt = acked(&checker, "a", 2);
    checker.sent_again(attempt);
    checker.acked(attempt, 2, "id-a", Moment::now());
    checker.saw_history("n1", ROOM, past(&["a"]));
    assert_found(&checker, &[]);
    checker.sent_again(attempt);
    checker.acked(attempt, 3, "id-a", Moment::now());
    assert_found(
        &checker,
        &[
            |v| matches!(v, Violation::AckedTwice { .. }),
            |v| matches!(v, Violation::AckedLost { seq: 3, .. }),
        ],
    );
}

#[test]
fn a_refused_post_that_is_there_is_found() {
    let checker = Checker::new();
    let refused = checker.sent(post("alice", "a"), Moment::now());
    checker.refused(refused);
    checker.saw_history("n1", ROOM, past(&["a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::RefusedAppears { .. })]);
}

#[test]
fn an_invented_message_is_found() {
    let checker = Checker::new();
    checker.saw_history("n1", ROOM, past(&["a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::Invented { .. })]);
}

#[test]
fn a_message_under_another_name_is_found() {
    let checker = Checker::new();
    let unknown = checker.sent(post("bob", "a"), Moment::now());
    checker.unknown(unknown);
    checker.saw_history("n1", ROOM, past(&["a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::Invented { .. })]);
}

#[test]
fn another_id_is_found() {
    let checker = Checker::new();
    let unknown = checker.sent(post("alice", "a"), Moment::now());
    checker.unknown(unknown);
    let mut events = past(&["a"]);
    events[1].id = Some("mine".into());
    checker.saw_history("n1", ROOM, events);
    assert_found(&checker, &[|v| matches!(v, Violation::OtherId { .. })]);
}

#[test]
fn a_broken_author_order_is_found_among_pipelined_posts() {
    let checker = Checker::new();
    let first = checker.sent(post("alice", "a"), Moment::now());
    let second = checker.sent(post("alice", "b"), Moment::now());
    checker.acked(second, 2, "id-b", Moment::now());
    checker.acked(first, 3, "id-a", Moment::now());
    checker.saw_history("n1", ROOM, past(&["b", "a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::AuthorOrder { .. })]);
}

#[test]
fn a_broken_author_order_is_found_when_an_unknown_post_turns_up_late() {
    let checker = Checker::new();
    let first = checker.sent(post("alice", "a"), Moment::now());
    checker.unknown(first);
    let second = checker.sent(post("alice", "b"), Moment::now());
    checker.acked(second, 2, "id-b", Moment::now());
    checker.saw_history("n1", ROOM, past(&["b", "a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::AuthorOrder { .. })]);
}

#[test]
fn a_broken_real_time_order_is_found_across_authors() {
    let checker = Checker::new();
    acked(&checker, "a", 3);
    let later = checker.sent(post("bob", "b"), Moment::now());
    checker.acked(later, 2, "id-b", Moment::now());
    let mut events = past(&["b", "a"]);
    events[1].author = "bob".into();
    checker.saw_history("n1", ROOM, events);
    assert_found(&checker, &[|v| matches!(v, Violation::RealTimeOrder { .. })]);
}

#[test]
fn concurrent_posts_may_stand_in_any_order() {
    let checker = Checker::new();
    let one = checker.sent(post("alice", "a"), Moment::now());
    let other = checker.sent(post("bob", "b"), Moment::now());
    checker.acked(one, 3, "id-a", Moment::now());
    checker.acked(other, 2, "id-b", Moment::now());
    let mut events = past(&["b", "a"]);
    events[1].author = "bob".into();
    checker.saw_history("n1", ROOM, events);
    assert_found(&checker, &[]);
}

#[test]
fn a_gap_in_a_history_is_found() {
    let checker = Checker::new();
    let mut events = past(&["a"]);
    acked(&checker, "a", 3);
    events[1].seq = 3;
    checker.saw_history("n1", ROOM, events);
    assert_found(
        &checker,
        &[|v| {
            matches!(
                v,
                Violation::HistoryGap {
                    expected: 2,
                    found: 3,
                    ..
                }
            )
        }],
    );
}

#[test]
fn two_orders_of_one_room_are_found() {
    let checker = Checker::new();
    for body in ["a", "b"] {
        let mut post = post("alice", body);
        post.session = body.into();
        let attempt = checker.sent(post, Moment::now());
        checker.unknown(attempt);
    }
    checker.saw_history("n1", ROOM, past(&["a", "b"]));
    checker.saw_history("n2", ROOM, past(&["b", "a"]));
    assert_found(&checker, &[|v| matches!(v, Violation::Diverged { seq: 2, .. })]);
}

#[test]
fn a_gap_a_repeat_and_a_missing_end_of_a_feed_are_found() {
    let events = past(&["a", "b"]);
    let cases: [(Vec<Event>, u64, Option<u64>); 4] = [
        (vec![events[0].clone(), events[2].clone()], 2, Some(3)),
        (
            vec![
                events[0].clone(),
                events[0].clone(),
                events[1].clone(),
                events[2].clone(),
            ],
            2,
            Some(1),
        ),
        (vec![events[0].clone(), events[1].clone()], 3, None),
        (vec![events[1].clone(), events[2].clone()], 1, Some(2)),
    ];
    for (seen, expected, found) in cases {
        let checker = Checker::new();
        acked(&checker, "a", 2);
        acked(&checker, "b", 3);
        checker.saw_history("n1", ROOM, events.clone());
        checker.saw_feed("r", ROOM, 1, seen);
        let gap = Violation::FeedGap {
            reader: "r".into(),
            room: ROOM.into(),
            expected,
            found,
        };
        assert_eq!(checker.report().violations, [gap]);
    }
}

#[test]
fn a_feed_that_says_something_else_than_the_history_is_found() {
    let checker = Checker::new();
    acked(&checker, "a", 2);
    let events = past(&["a"]);
    checker.saw_history("n1", ROOM, events.clone());
    let mut seen = events;
    seen[1].at = "2027".into();
    checker.saw_feed("r", ROOM, 1, seen);
    assert_found(&checker, &[|v| matches!(v, Violation::FeedDiffers { seq: 2, .. })]);
}
