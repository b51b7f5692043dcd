//! Changes on rows made by hand.

use std::sync::Arc;

use openraft::alias::CommittedLeaderIdOf;
use openraft::vote::RaftLeaderId;
use quorate_core::{Event, EventNo, MessageId, NodeId, RoomEvent, RoomEventKind, RoomId, Seq, StateEvent, Timestamp};
use quorate_core::{UserId, Withdrawn};
use redb::backends::InMemoryBackend;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};

use crate::consensus::types::{LogId, TypeConfig};
use crate::store::StoreError;

use super::table::{EVENTS, Meta, ORIGINALS, PLACES, RECORDS};
use super::writer::RowsWriter;
use super::{Batch, Change, events_from, original};

const ROOM: RoomId = RoomId(6);

struct Rows {
    database: Arc<Database>,
    writer: RowsWriter,
}

impl Rows {
    fn new() -> Self {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let database = Arc::new(database);
        let transaction = database.begin_write().unwrap();
        for table in [RECORDS, PLACES, ORIGINALS] {
            transaction.open_table(table).unwrap();
        }
        transaction.open_table(EVENTS).unwrap();
        transaction.commit().unwrap();
        let writer = RowsWriter::new(Arc::clone(&database), Meta::default(), Arc::default());
        Self { database, writer }
    }

    /// A join, a message, another one.
    fn begun() -> Self {
        let mut rows = Self::new();
        rows.write(&[line(1, RoomEventKind::Joined), message(2, "one"), message(3, "two")])
            .unwrap();
        rows
    }

    fn write(&mut self, events: &[Event]) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        events.iter().for_each(|event| Change::of(event, &mut changes));
        self.change(changes)
    }

    fn change(&mut self, changes: Vec<Change>) -> Result<(), StoreError> {
        let batch = Batch {
            applied: LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(1, NodeId(1)), 1),
            membership: None,
            highest_node: NodeId(0),
            records: Vec::new(),
            changes,
        };
        self.writer.write(vec![batch])
    }

    fn kinds(&self) -> Vec<(u64, RoomEventKind)> {
        let transaction = self.database.begin_read().unwrap();
        let events = events_from(&transaction, EventNo(0), usize::MAX, usize::MAX).unwrap();
        events.into_iter().map(|event| (event.seq.0, event.kind)).collect()
    }

    fn has_original(&self, seq: u64) -> bool {
        let transaction = self.database.begin_read().unwrap();
        original(&transaction, ROOM, Seq(seq)).unwrap().is_some()
    }

    fn count(&self, table: TableDefinition<'static, &'static [u8], &'static [u8]>) -> usize {
        let transaction = self.database.begin_read().unwrap();
        transaction.open_table(table).unwrap().iter().unwrap().count()
    }
}

fn line(seq: u64, kind: RoomEventKind) -> Event {
    Event::Room(RoomEvent {
        no: EventNo(100 + seq),
        room: ROOM,
        seq: Seq(seq),
        author: UserId(2),
        author_name: "alice".parse().unwrap(),
        at: Timestamp(seq),
        kind,
    })
}

fn id(seq: u64) -> MessageId {
    MessageId::parse(&format!("id-{seq}")).unwrap()
}

fn message(seq: u64, body: &str) -> Event {
    let kind = RoomEventKind::Message {
        id: id(seq),
        body: body.parse().unwrap(),
        reply_to: None,
    };
    line(seq, kind)
}

fn edit(seq: u64, target: u64, body: &str) -> Event {
    let kind = RoomEventKind::Edited {
        target: Seq(target),
        digest: id(target).digest(),
        body: body.parse().unwrap(),
    };
    line(seq, kind)
}

fn withdrawn(seq: u64, edits: &[u64]) -> Withdrawn {
    Withdrawn {
        room: ROOM,
        seq: Seq(seq),
        author: UserId(2),
        digest: id(seq).digest(),
        edits: edits.iter().copied().map(Seq).collect(),
    }
}

fn redaction(seq: u64, target: u64, edits: &[u64]) -> Event {
    let kind = RoomEventKind::Redacted {
        target: withdrawn(target, edits),
        reason: None,
    };
    line(seq, kind)
}

fn cut(first: u64, messages: Vec<Withdrawn>) -> Event {
    Event::State(StateEvent::HistoryCut {
        room: ROOM,
        first: Seq(first),
        messages,
        reactions: Vec::new(),
        calls: Vec::new(),
    })
}

/// The changes alone, without the lines that bring them.
fn changes_of(event: &Event) -> Vec<Change> {
    let mut changes = Vec::new();
    Change::of(event, &mut changes);
    changes.retain(|change| !matches!(change, Change::Append(_)));
    changes
}

#[test]
fn changes_that_were_made_before_change_nothing() {
    let mut rows = Rows::begun();
    for event in [edit(4, 2, "one!"), redaction(5, 3, &[]), cut(2, Vec::new())] {
        rows.write(std::slice::from_ref(&event)).unwrap();
        let before = rows.kinds();
        rows.change(changes_of(&event)).unwrap();
        assert_eq!(rows.kinds(), before);
        assert!(rows.has_original(2));
    }
}

#[test]
fn the_original_is_the_first_text_however_often_the_message_is_edited() {
    let mut rows = Rows::begun();
    rows.write(&[edit(4, 2, "one!"), edit(5, 2, "one?")]).unwrap();
    let transaction = rows.database.begin_read().unwrap();
    let kept = original(&transaction, ROOM, Seq(2)).unwrap().unwrap();
    assert_eq!(
        Event::Room(quorate_protocol::event::decode(&kept.bytes).unwrap()),
        message(2, "one")
    );
    assert_eq!((kept.seq, kept.no), (Seq(2), EventNo(102)));
}

#[test]
fn changes_of_one_transaction_are_made_in_their_order() {
    let mut rows = Rows::new();
    rows.write(&[
        message(1, "one"),
        edit(2, 1, "one!"),
        message(3, "two"),
        redaction(4, 1, &[2]),
        edit(5, 3, "two!"),
        cut(3, vec![withdrawn(1, &[])]),
        message(6, "three"),
    ])
    .unwrap();
    let kinds = rows.kinds();
    let seqs: Vec<_> = kinds.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, [3, 4, 5, 6]);
    let RoomEventKind::Revised { body, edit, .. } = &kinds[0].1 else {
        panic!("{kinds:?}");
    };
    assert_eq!((body.as_str(), *edit), ("two!", Seq(5)));
    assert!(rows.has_original(3));
}

#[test]
fn a_withdrawn_message_gets_no_text_again() {
    let mut rows = Rows::begun();
    rows.write(&[redaction(4, 2, &[])]).unwrap();
    let before = rows.kinds();
    rows.change(changes_of(&edit(5, 2, "back"))).unwrap();
    assert_eq!(rows.kinds(), before);
}

#[test]
fn a_cut_takes_lines_places_and_originals_of_its_room_only() {
    let mut rows = Rows::begun();
    rows.write(&[edit(4, 2, "one!"), edit(5, 3, "two!")]).unwrap();
    let Event::Room(other) = message(1, "elsewhere") else {
        unreachable!()
    };
    let other = RoomEvent {
        room: RoomId(5),
        no: EventNo(200),
        ..other
    };
    rows.write(&[Event::Room(other)]).unwrap();
    rows.write(&[cut(3, vec![withdrawn(2, &[4])])]).unwrap();
    assert_eq!(
        (rows.count(PLACES), rows.count(ORIGINALS), rows.kinds().len()),
        (4, 1, 4)
    );
    rows.write(&[cut(6, vec![withdrawn(3, &[5])])]).unwrap();
    assert_eq!(
        (rows.count(PLACES), rows.count(ORIGINALS), rows.kinds().len()),
        (1, 0, 1)
    );
}

#[test]
fn a_change_to_a_line_that_is_missing_is_damage() {
    let mut rows = Rows::begun();
    for event in [edit(4, 99, "what"), redaction(4, 99, &[]), redaction(4, 2, &[98])] {
        let changed = rows.change(changes_of(&event));
        assert!(matches!(changed, Err(StoreError::Corrupt { .. })), "{event:?}");
    }
}

#[test]
fn a_change_to_a_line_that_is_no_message_is_damage() {
    let mut rows = Rows::begun();
    for event in [edit(4, 1, "what"), redaction(4, 1, &[])] {
        let changed = rows.change(changes_of(&event));
        assert!(matches!(changed, Err(StoreError::Corrupt { .. })), "{event:?}");
    }
}

/// As it was written before a CA could follow another.
#[test]
fn a_roster_of_an_older_version_is_read() {
    let old = ("prod", Some(("cert", "00")), 7_u64);
    let bytes = rmp_serde::to_vec(&old).unwrap();
    let read: quorate_core::Roster = rmp_serde::from_slice(&bytes).unwrap();
    assert_eq!((read.name.as_str(), read.hand_back), ("prod", None));
    assert_eq!(read.changed_at, quorate_core::LogIndex(7));
    let authority = read.authority.unwrap();
    assert_eq!((authority.cert.as_str(), authority.lineage.as_str()), ("cert", ""));
    assert_eq!(authority.retiring, None);
}
