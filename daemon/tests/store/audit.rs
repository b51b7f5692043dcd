//! The audit log: rows that no state holds, chained so that what is changed in one later is found.

use std::sync::Arc;

use quorate_core::{AuditEntry, AuditHash, AuditNo, AuditTarget, Record};
use quorate_daemon::store::{AuditCheck, STATE_FILE, Store};
use redb::{ReadableDatabase, ReadableTable, TableDefinition};

use crate::chat::Chat;
use crate::disk::{Crash, Disk, Image};
use crate::script::Node;

const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// The kind of an entry's row: the first byte of its key.
const ENTRY: u8 = 24;

/// A node on which operators did six things, of which the crowd's own bound is the first.
async fn node() -> Node {
    let mut chat = Chat::lively(20);
    for target in ["n1", "n2", "n3", "n4", "n5"] {
        chat.note(target);
    }
    let node = Node::create();
    node.append_and_apply(&chat.entries).await;
    node.checkpoint().await;
    node
}

fn open(node: &Node, image: &Image) -> Store {
    let hub = Arc::default();
    Store::open_with(node.dir.path(), None, hub, Disk::from_image(image).databases()).unwrap()
}

/// Writes an entry's row again as a vandal would who knows the format: with a checksum that is right.
fn vandalise(image: &Image, no: u64, change: Option<fn(&mut AuditEntry)>) -> Image {
    let disk = Disk::from_image(image);
    let database = disk.database(STATE_FILE);
    let key = [&[ENTRY][..], &no.to_be_bytes()].concat();
    let transaction = database.begin_write().unwrap();
    {
        let mut records = transaction.open_table(RECORDS).unwrap();
        let row = records.remove(key.as_slice()).unwrap().unwrap().value().to_vec();
        if let Some(change) = change {
            let payload = &row[1..row.len() - 4];
            let Record::AuditEntry(no, mut entry) = rmp_serde::from_slice(payload).unwrap() else {
                panic!("the row of an entry");
            };
            change(&mut entry);
            let mut row = vec![row[0]];
            row.extend(rmp_serde::to_vec(&Record::AuditEntry(no, entry)).unwrap());
            let crc = crc32c::crc32c_append(crc32c::crc32c(&key), &row);
            row.extend(crc.to_be_bytes());
            records.insert(key.as_slice(), row.as_slice()).unwrap();
        }
    }
    transaction.commit().unwrap();
    drop(database);
    disk.crash(Crash::LosingAll)
}

async fn check(node: &Node, image: &Image, places: &[u64]) -> AuditCheck {
    let store = open(node, image);
    let places = places.iter().copied().map(AuditNo).collect();
    store.reader().check_audit(places).await.unwrap()
}

#[tokio::test]
async fn every_entry_is_read_in_order_and_leads_to_the_end_that_the_state_has() {
    let node = node().await;
    let reader = node.store.reader();
    let page = reader.audit(Some(AuditNo(0)), 100).await.unwrap();
    let targets: Vec<_> = page
        .entries
        .iter()
        .map(|(no, entry)| (no.0, entry.target.to_string()))
        .collect();
    let told = ["all rooms", "n1", "n2", "n3", "n4", "n5"];
    let expected: Vec<_> = (1..).zip(told.map(str::to_owned)).collect();
    assert_eq!(targets, expected);
    assert_eq!(page.head, reader.with_state(quorate_core::State::audit));
    let (no, last) = page.entries.last().unwrap();
    assert_eq!(last.hash(*no), page.head.hash);

    let numbers =
        |page: quorate_daemon::store::AuditPage| -> Vec<u64> { page.entries.into_iter().map(|(no, _)| no.0).collect() };
    assert_eq!(numbers(reader.audit(None, 2).await.unwrap()), [5, 6]);
    assert_eq!(numbers(reader.audit(Some(AuditNo(2)), 2).await.unwrap()), [3, 4]);
    assert!(numbers(reader.audit(Some(AuditNo(6)), 2).await.unwrap()).is_empty());
}

#[tokio::test]
async fn a_sound_chain_is_told_as_such_with_what_it_was_at_each_place() {
    let node = node().await;
    let head = node.store.reader().with_state(quorate_core::State::audit);
    let found = check(&node, &node.disk.crash(Crash::LosingAll), &[1, 7, 8, 3]).await;
    assert_eq!((found.fault, found.head), (None, head));
    let [first, end, beyond, third] = found.before[..] else {
        panic!("an answer for each place");
    };
    assert_eq!((first, end, beyond), (Some(AuditHash::START), Some(head.hash), None));
    assert!(third.is_some_and(|hash| hash != head.hash));
}

#[tokio::test]
async fn an_entry_that_was_changed_or_taken_away_breaks_the_chain_where_it_stood() {
    let node = node().await;
    let image = node.disk.crash(Crash::LosingAll);
    let target: fn(&mut AuditEntry) = |entry| entry.target = AuditTarget::cut("nobody");
    let before: fn(&mut AuditEntry) = |entry| entry.before = AuditHash([9; 32]);
    for (no, change, broken_at) in [
        (1, Some(target), 1),
        (3, Some(target), 3),
        (6, Some(target), 6),
        (1, Some(before), 1),
        // What it follows from is no longer what was written before it.
        (3, Some(before), 2),
        (1, None, 1),
        (3, None, 3),
        (6, None, 6),
    ] {
        let found = check(&node, &vandalise(&image, no, change), &[]).await;
        let fault = found.fault.map(|(no, _)| no.0);
        assert_eq!(fault, Some(broken_at), "entry {no}, {}", change.is_some());
    }
}

#[tokio::test]
async fn the_log_comes_back_after_a_crash_and_goes_along_in_a_snapshot() {
    let node = node().await;
    let image = node.disk.crash(Crash::LosingAll);
    let store = open(&node, &image);
    let page = store.reader().audit(Some(AuditNo(0)), 100).await.unwrap();
    assert_eq!(page, node.store.reader().audit(Some(AuditNo(0)), 100).await.unwrap());
    let database = Disk::from_image(&image).database(STATE_FILE);
    let transaction = database.begin_read().unwrap();
    let records = transaction.open_table(RECORDS).unwrap();
    // Snapshots carry the whole table.
    let is_entry = |key: &[u8]| key.first() == Some(&ENTRY);
    let rows = records
        .iter()
        .unwrap()
        .filter(|row| is_entry(row.as_ref().unwrap().0.value()));
    assert_eq!(rows.count(), 6);
}
