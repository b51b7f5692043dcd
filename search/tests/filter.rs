//! Where a query looks, and in which order it answers.

mod fixture;

use fixture::{AUTHOR, NOTHING, ROOM, add, add_in, ask, index_of};
use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};
use quorate_search::{Change, HITS_MAX, Hit, Query, QueryError, ROOMS_PER_QUERY_MAX};

fn word() -> Query {
    Query::parse("word").expect("it is a word")
}

#[test]
fn only_rooms_that_are_named_are_searched() {
    let rooms = (0..9).map(|no| add_in(RoomId(no % 3), no, "a word"));
    let (index, _dir) = index_of(rooms);
    assert_eq!(ask(&index, word()), NOTHING);
    assert_eq!(ask(&index, word().in_rooms([]).unwrap()), NOTHING);
    assert_eq!(ask(&index, word().in_rooms([RoomId(1)]).unwrap()), [7, 4, 1]);
    assert_eq!(
        ask(&index, word().in_rooms([RoomId(1), RoomId(0)]).unwrap()),
        [7, 6, 4, 3, 1, 0]
    );
    assert_eq!(ask(&index, word().in_rooms([RoomId(5)]).unwrap()), NOTHING);
}

#[test]
fn a_small_room_is_searched_right_among_many_strangers() {
    // More strangers than a search looks at one by one before it lists the room.
    let changes = (0..20_000).map(|no| add_in(RoomId(if no % 1000 == 0 { 1 } else { 2 }), no, "a word"));
    let (index, _dir) = index_of(changes);
    let expected: Vec<u64> = (0..20).rev().map(|hit| hit * 1000).collect();
    assert_eq!(ask(&index, word().in_rooms([RoomId(1)]).unwrap()), expected);
    assert_eq!(
        ask(
            &index,
            Query::parse("\"a word\"").unwrap().in_rooms([RoomId(1)]).unwrap()
        ),
        expected
    );
    let page = word().in_rooms([RoomId(1)]).unwrap().before(EventNo(3000));
    assert_eq!(ask(&index, page), [2000, 1000, 0]);
}

#[test]
fn too_many_rooms_are_refused() {
    let rooms = |count: u64| word().in_rooms((0..count).map(RoomId));
    assert!(rooms(ROOMS_PER_QUERY_MAX as u64).is_ok());
    assert_eq!(
        rooms(ROOMS_PER_QUERY_MAX as u64 + 1).unwrap_err(),
        QueryError::TooManyRooms
    );
}

#[test]
fn only_the_author_that_is_named_is_found() {
    let by = |no: u64, author: u64| Change::Add {
        no: EventNo(no),
        room: ROOM,
        seq: Seq(no + 1),
        author: UserId(author),
        at: Timestamp(no),
        text: "a word".to_owned(),
    };
    let (index, _dir) = index_of([by(0, 5), by(1, 6), by(2, 5)]);
    let of = |author: u64| ask(&index, word().in_rooms([ROOM]).unwrap().by(UserId(author)));
    assert_eq!(of(5), [2, 0]);
    assert_eq!(of(6), [1]);
    assert_eq!(of(7), NOTHING);
}

#[test]
fn times_bound_from_and_up_to_but_not_with() {
    // The times are 1000, 1001 and so on.
    let (index, _dir) = index_of((0..5).map(|no| add(no, "a word")));
    let all = word().in_rooms([ROOM]).unwrap();
    assert_eq!(ask(&index, all.clone().since(Timestamp(1003))), [4, 3]);
    assert_eq!(ask(&index, all.clone().until(Timestamp(1002))), [1, 0]);
    assert_eq!(
        ask(&index, all.clone().since(Timestamp(1001)).until(Timestamp(1003))),
        [2, 1]
    );
    assert_eq!(ask(&index, all.since(Timestamp(1003)).until(Timestamp(1003))), NOTHING);
}

#[test]
fn a_hit_names_event_room_and_seq() {
    let (index, _dir) = index_of([add(41, "a word")]);
    let hits = index.searcher().search(&word().in_rooms([ROOM]).unwrap(), 1).unwrap();
    let expected = Hit {
        no: EventNo(41),
        room: ROOM,
        seq: Seq(42),
    };
    assert_eq!(hits, [expected]);
}

#[test]
fn pages_give_each_hit_once_newest_first() {
    // Commits of uneven sizes, so that the hits lie in many segments, and the oldest come last into the index.
    let (mut index, _dir) = index_of([]);
    let mut from = 1000;
    for step in [1, 2, 50, 300, 4, 43, 600] {
        from -= step;
        index.apply((from..from + step).map(|no| add(no, "a word"))).unwrap();
        index.commit(EventNo(step)).unwrap();
    }
    for limit in [1, 7, 100, HITS_MAX] {
        let mut seen = Vec::new();
        let mut query = word().in_rooms([ROOM]).unwrap();
        loop {
            let page = index.searcher().search(&query, limit).unwrap();
            let Some(last) = page.last() else { break };
            query = query.before(last.no);
            assert!(page.len() <= limit);
            seen.extend(page.iter().map(|hit| hit.no.0));
        }
        assert!(seen.iter().copied().eq((0..1000).rev()), "pages of {limit}: {seen:?}");
    }
}

#[test]
fn no_search_gives_more_hits_than_the_bound() {
    let (index, _dir) = index_of((0..HITS_MAX as u64 + 10).map(|no| add(no, "a word")));
    let query = word().in_rooms([ROOM]).unwrap().by(AUTHOR);
    assert_eq!(index.searcher().search(&query, usize::MAX).unwrap().len(), HITS_MAX);
    assert_eq!(index.searcher().search(&query, 0).unwrap(), []);
}
