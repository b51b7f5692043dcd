//! What changes do to the texts that can be found.

mod fixture;

use fixture::{AUTHOR, NOTHING, ROOM, add, add_in, found, index_of, remove, replace};
use quorate_core::{EventNo, RoomId, Seq, UserId};
use quorate_search::{Change, Index};

#[test]
fn a_change_is_found_from_its_commit_on() {
    let (mut index, _dir) = index_of([add(0, "old")]);
    let searcher = index.searcher();
    index.apply([add(1, "new")]).unwrap();
    assert_eq!(index.uncommitted(), 1);
    assert_eq!(found(&index, "new"), NOTHING);
    index.commit(EventNo(2)).unwrap();
    assert_eq!(index.uncommitted(), 0);
    let query = quorate_search::Query::parse("new").unwrap().in_rooms([ROOM]).unwrap();
    assert_eq!(
        searcher.search(&query, 9).unwrap().len(),
        1,
        "an old handle does not see the new commit"
    );
}

#[test]
fn an_edited_message_is_found_by_its_new_text_only() {
    let (mut index, _dir) = index_of([add(0, "before"), add(1, "other")]);
    index.apply([replace(0, "after")]).unwrap();
    index.commit(EventNo(3)).unwrap();
    assert_eq!(found(&index, "before"), NOTHING);
    assert_eq!(found(&index, "after"), [0]);
    assert_eq!(found(&index, "other"), [1]);
}

#[test]
fn of_many_edits_in_one_commit_the_last_counts() {
    let (index, _dir) = index_of([
        add(0, "first"),
        replace(0, "second"),
        add(1, "other"),
        replace(0, "third"),
    ]);
    assert_eq!(found(&index, "first"), NOTHING);
    assert_eq!(found(&index, "second"), NOTHING);
    assert_eq!(found(&index, "third"), [0]);
    assert_eq!(index.size().unwrap().documents, 2);
}

#[test]
fn a_removed_message_is_found_no_more_not_even_after_reopening() {
    let (mut index, dir) = index_of([add(0, "secret"), add(1, "secret")]);
    index.apply([remove(0)]).unwrap();
    index.commit(EventNo(3)).unwrap();
    assert_eq!(found(&index, "secret"), [1]);
    drop(index);
    let (index, _) = Index::open(dir.path()).unwrap();
    assert_eq!(found(&index, "secret"), [1]);
}

#[test]
fn a_cut_removes_the_start_of_one_room() {
    let other = RoomId(8);
    // Seqs are one above the numbers.
    let changes = (0..6)
        .map(|no| add(no, "word"))
        .chain((6..9).map(|no| add_in(other, no, "word")));
    let (mut index, _dir) = index_of(changes);
    let cut = |room, first| Change::RemoveBelow {
        room,
        first: Seq(first),
    };
    index.apply([cut(ROOM, 4)]).unwrap();
    index.commit(EventNo(10)).unwrap();
    assert_eq!(found(&index, "word"), [5, 4, 3]);
    assert_eq!(index.rooms().unwrap(), [ROOM, other].into());
    // A cut sees what stands before it in the same commit, and not what comes after.
    index.apply([add(9, "word"), cut(ROOM, 11), add(2, "word")]).unwrap();
    index.commit(EventNo(11)).unwrap();
    assert_eq!(found(&index, "word"), [2]);
    assert_eq!(index.size().unwrap().documents, 4);
}

#[test]
fn a_room_goes_with_all_its_messages() {
    let other = RoomId(8);
    let (mut index, _dir) = index_of([add(0, "word"), add_in(other, 1, "word"), add(2, "word")]);
    assert_eq!(index.rooms().unwrap(), [ROOM, other].into());
    index.apply([Change::RemoveRoom { room: ROOM }]).unwrap();
    index.commit(EventNo(4)).unwrap();
    assert_eq!(found(&index, "word"), NOTHING);
    assert_eq!(index.rooms().unwrap(), [other].into());
    assert_eq!(index.size().unwrap().documents, 1);
}

#[test]
fn an_author_goes_with_all_messages_in_every_room() {
    let by = |no: u64, room: u64, author: u64| Change::Add {
        no: EventNo(no),
        room: RoomId(room),
        seq: Seq(no + 1),
        author: UserId(author),
        at: quorate_core::Timestamp(no),
        text: "word".to_owned(),
    };
    let (mut index, _dir) = index_of([by(0, 7, 1), by(1, 7, 2), by(2, 9, 1)]);
    assert_eq!(index.authors().unwrap(), [UserId(1), UserId(2)].into());
    index.apply([Change::RemoveAuthor { author: UserId(1) }]).unwrap();
    index.commit(EventNo(4)).unwrap();
    assert_eq!(found(&index, "word"), [1]);
    assert_eq!(index.authors().unwrap(), [UserId(2)].into());
    assert_eq!(index.rooms().unwrap(), [ROOM].into());
}

#[test]
fn what_is_not_there_can_be_removed_and_replaced() {
    let (index, _dir) = index_of([
        remove(5),
        Change::RemoveRoom { room: ROOM },
        Change::RemoveAuthor { author: AUTHOR },
        Change::RemoveBelow {
            room: ROOM,
            first: Seq(9),
        },
        replace(0, "word"),
    ]);
    assert_eq!(found(&index, "word"), [0]);
}

#[test]
fn texts_larger_than_the_queue_are_all_indexed() {
    // 320 texts of 50,000 bytes: twice what may wait for the thread that indexes.
    let long = "lorem ".repeat(8333);
    let changes = (0..320)
        .map(|no| add(no, &format!("{long} mark{no}")))
        .collect::<Vec<_>>();
    let (index, _dir) = index_of(changes);
    assert_eq!(index.size().unwrap().documents, 320);
    assert_eq!(found(&index, "mark0"), [0]);
    assert_eq!(found(&index, "mark319 lorem"), [319]);
}
