//! An index finds what a list of all messages would find, whatever happened and wherever it was reopened.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_assert_eq, prop_oneof, proptest};
use quorate_core::{EventNo, RoomId, Seq, Timestamp, UserId};
use quorate_search::{Change, HITS_MAX, Index, Opened, Query};

const ROOMS: u64 = 3;
const AUTHORS: u64 = 3;

#[derive(Clone, Debug)]
enum Step {
    Change(Change),
    Commit,
    Reopen,
}

#[derive(Clone, Debug, Default)]
struct Model {
    /// By room and seq: number, author and the one word of the text.
    messages: BTreeMap<(u64, u64), (u64, u64, String)>,
}

impl Model {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Add {
                no,
                room,
                seq,
                author,
                text,
                ..
            } => {
                self.messages.insert((room.0, seq.0), (no.0, author.0, text.clone()));
            }
            Change::Remove { room, seq } => {
                self.messages.remove(&(room.0, seq.0));
            }
            Change::RemoveRoom { room } => self.messages.retain(|place, _| place.0 != room.0),
            Change::RemoveBelow { room, first } => {
                self.messages.retain(|place, _| place.0 != room.0 || place.1 >= first.0);
            }
            Change::RemoveAuthor { author } => self.messages.retain(|_, message| message.1 != author.0),
        }
    }

    /// What a search finds: number, room and seq, newest first.
    fn search(&self, word: &str, rooms: &[RoomId], author: Option<UserId>) -> Vec<(u64, u64, u64)> {
        let mut hits: Vec<_> = self
            .messages
            .iter()
            .filter(|(place, _)| rooms.contains(&RoomId(place.0)))
            .filter(|(_, message)| message.2 == word && author.is_none_or(|author| author.0 == message.1))
            .map(|(place, message)| (message.0, place.0, place.1))
            .collect();
        hits.sort_unstable_by(|one, other| other.cmp(one));
        hits
    }
}

/// A message's number is told by its place, as in a log: no two places have the same.
fn number(room: u64, seq: u64) -> EventNo {
    EventNo(seq * ROOMS + room)
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0..ROOMS, 1..20_u64);
    let word = || prop_oneof![Just("alpha"), Just("beta")];
    let room = || (0..ROOMS).prop_map(RoomId);
    prop_oneof![
        16 => (place(), 0..AUTHORS, word()).prop_map(|((room, seq), author, text)| Step::Change(Change::Add {
            no: number(room, seq),
            room: RoomId(room),
            seq: Seq(seq),
            author: UserId(author),
            at: Timestamp(seq),
            text: text.to_owned(),
        })),
        4 => place().prop_map(|(room, seq)| Step::Change(Change::Remove { room: RoomId(room), seq: Seq(seq) })),
        1 => room().prop_map(|room| Step::Change(Change::RemoveRoom { room })),
        1 => (room(), 1..20_u64)
            .prop_map(|(room, first)| Step::Change(Change::RemoveBelow { room, first: Seq(first) })),
        1 => (0..AUTHORS).prop_map(|author| Step::Change(Change::RemoveAuthor { author: UserId(author) })),
        4 => Just(Step::Commit),
        1 => Just(Step::Reopen),
    ]
}

#[test]
fn the_index_finds_what_a_list_of_all_messages_finds() {
    proptest!(ProptestConfig::with_cases(48), |(steps in vec(step(), 1..150))| {
        let dir = tempfile::tempdir().unwrap();
        let (mut index, _) = Index::open(dir.path()).unwrap();
        let mut model = Model::default();
        let mut committed = Model::default();
        let mut position = 0;
        let steps = steps.into_iter().chain([Step::Commit]);
        for (at, step) in steps.enumerate() {
            match step {
                Step::Change(change) => {
                    model.apply(&change);
                    index.apply([change]).unwrap();
                    continue;
                }
                Step::Commit => {
                    position = at as u64;
                    index.commit(EventNo(position)).unwrap();
                    committed = model.clone();
                }
                Step::Reopen => {
                    drop(index);
                    let opened;
                    (index, opened) = Index::open(dir.path()).unwrap();
                    let Opened::Resumed { position: found } = opened else { panic!("{opened:?}") };
                    prop_assert_eq!(found, EventNo(position));
                    model = committed.clone();
                }
            }
            check(&index, &committed)?;
        }
    });
}

fn check(index: &Index, model: &Model) -> Result<(), proptest::test_runner::TestCaseError> {
    for word in ["alpha", "beta"] {
        for rooms in [&[RoomId(0)][..], &[RoomId(1), RoomId(2)]] {
            for author in [None, Some(UserId(1))] {
                let query = Query::parse(word).expect("it is a word");
                let query = query.in_rooms(rooms.iter().copied()).expect("few rooms are allowed");
                let query = match author {
                    Some(author) => query.by(author),
                    None => query,
                };
                let hits = index.searcher().search(&query, HITS_MAX).expect("the index is whole");
                let hits: Vec<_> = hits.iter().map(|hit| (hit.no.0, hit.room.0, hit.seq.0)).collect();
                prop_assert_eq!(&hits, &model.search(word, rooms, author));
                let newest = index.searcher().search(&query, 2).expect("the index is whole");
                prop_assert_eq!(newest.len(), hits.len().min(2));
                prop_assert_eq!(newest.first().map(|hit| hit.no.0), hits.first().map(|hit| hit.0));
            }
        }
    }
    prop_assert_eq!(
        index.size().expect("the index is whole").documents,
        model.messages.len() as u64
    );
    prop_assert_eq!(
        index.rooms().expect("the index is whole"),
        model.messages.keys().map(|place| RoomId(place.0)).collect()
    );
    prop_assert_eq!(
        index.authors().expect("the index is whole"),
        model.messages.values().map(|message| UserId(message.1)).collect()
    );
    Ok(())
}
