//! Bit rot: redb serves it, we do not.

use openraft::RaftLogReader;
use openraft::storage::RaftLogStorage;
use quorate_core::{NodeId, Seq, Sweep};
use quorate_daemon::consensus::types::Vote;
use quorate_daemon::store::{Incarnation, OpenError, RAFT_FILE, Range, STATE_FILE, Store, StoreError};
use redb::{Key, ReadableDatabase, ReadableTable, TableDefinition, Value};

use crate::chat::{ALICE, Chat};
use crate::disk::{Crash, Dice, Disk, Image};
use crate::script::{Node, ROOM, checkpoint};

async fn full_node() -> Node {
    let node = Node::create();
    node.append_and_apply(&Chat::lively(100).entries).await;
    node.checkpoint().await;
    let mut log = node.store.log();
    log.save_vote(&Vote::new_committed(5, NodeId(2))).await.unwrap();
    log.record_peer_incarnation(NodeId(2), Incarnation(7)).await.unwrap();
    log.mark_enrolled().await.unwrap();
    log.save_committed(Some(crate::script::log_id(40))).await.unwrap();
    log.purge(crate::script::log_id(3)).await.unwrap();
    log.save_vote(&Vote::new_committed(6, NodeId(2))).await.unwrap();
    node
}

/// Opens the node and reads all there is to read; the first error that is met.
async fn read_everything(node: &Node, image: &Image) -> Result<(), StoreError> {
    let hub: std::sync::Arc<quorate_daemon::fanout::Hub> = std::sync::Arc::default();
    let store = match Store::open_with(node.dir.path(), None, hub, Disk::from_image(image).databases()) {
        Ok(store) => store,
        Err(OpenError::Store(error)) => return Err(error),
        Err(other) => panic!("{other}"),
    };
    let inner = |error: std::io::Error| crate::script::store_error(&error).clone();
    store.log().try_get_log_entries(0..).await.map_err(inner)?;
    let history = store
        .reader()
        .history(ROOM, Range::After(Seq(0)), usize::MAX, usize::MAX)
        .await;
    if let Err(quorate_daemon::store::HistoryError::Store(error)) = history {
        assert!(store.failure().get().is_some(), "whoever finds damage tells all");
        return Err(error);
    }
    // A snapshot carries every row.
    let reader = checkpoint(&mut store.state_machine()).await.map_err(inner)?;
    reader.frames().try_for_each(|frame| frame.map(drop))
}

/// Flips one bit in each value of a table, one at a time.
async fn flip_each<K: Key + 'static>(node: &Node, file: &str, table: TableDefinition<'static, K, &'static [u8]>)
where
    for<'a> K::SelfType<'a>: Value,
{
    let image = node.disk.crash(Crash::LosingAll);
    let mut dice = Dice(99);
    let mut flipped = 0;
    for row in 0.. {
        let disk = Disk::from_image(&image);
        let database = disk.database(file);
        let place = {
            let transaction = database.begin_read().unwrap();
            let table = transaction.open_table(table).unwrap();
            table.iter().unwrap().nth(row).map(|row| {
                let (key, value) = row.unwrap();
                (K::as_bytes(&key.value()).as_ref().to_vec(), value.value().to_vec())
            })
        };
        let Some((key, mut value)) = place else { break };
        let bit = usize::try_from(dice.roll(value.len() as u64 * 8)).unwrap();
        value[bit / 8] ^= 1 << (bit % 8);
        let transaction = database.begin_write().unwrap();
        let mut open = transaction.open_table(table).unwrap();
        open.insert(K::from_bytes(&key), value.as_slice()).unwrap();
        drop(open);
        transaction.commit().unwrap();
        drop(database);
        let found = read_everything(node, &disk.crash(Crash::LosingAll)).await;
        assert!(
            matches!(found, Err(StoreError::Corrupt { .. })),
            "{file} row {row} bit {bit}: {found:?}"
        );
        flipped += 1;
    }
    assert!(flipped > 0);
}

#[tokio::test]
async fn sound_files_are_read_without_complaint() {
    let node = full_node().await;
    read_everything(&node, &node.disk.crash(Crash::LosingAll))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_the_log_is_never_served() {
    let node = full_node().await;
    flip_each::<u64>(&node, RAFT_FILE, TableDefinition::new("log")).await;
    flip_each::<&str>(&node, RAFT_FILE, TableDefinition::new("meta")).await;
    flip_each::<u64>(&node, RAFT_FILE, TableDefinition::new("peers")).await;
}

#[tokio::test]
async fn a_flipped_bit_in_the_rows_is_never_served() {
    let node = full_node().await;
    flip_each::<&[u8]>(&node, STATE_FILE, TableDefinition::new("records")).await;
    flip_each::<u64>(&node, STATE_FILE, TableDefinition::new("events")).await;
    flip_each::<&[u8]>(&node, STATE_FILE, TableDefinition::new("places")).await;
    flip_each::<&[u8]>(&node, STATE_FILE, TableDefinition::new("originals")).await;
    flip_each::<&str>(&node, STATE_FILE, TableDefinition::new("meta")).await;
}

#[tokio::test]
async fn a_lost_row_in_the_middle_is_noticed() {
    let node = full_node().await;
    let image = node.disk.crash(Crash::LosingAll);
    let reader = node.store.reader();
    let kept = reader.history(ROOM, Range::Newest, 5, usize::MAX).await.unwrap();
    let kept = kept.first().unwrap();
    let lose = async |file: &'static str, table: &'static str, number: u64| {
        let disk = Disk::from_image(&image);
        let database = disk.database(file);
        let transaction = database.begin_write().unwrap();
        let definition: TableDefinition<'_, u64, &[u8]> = TableDefinition::new(table);
        let mut open = transaction.open_table(definition).unwrap();
        assert!(open.remove(number).unwrap().is_some());
        drop(open);
        transaction.commit().unwrap();
        drop(database);
        read_everything(&node, &disk.crash(Crash::LosingAll)).await
    };
    assert!(matches!(
        lose(RAFT_FILE, "log", 20).await,
        Err(StoreError::Corrupt { .. })
    ));
    assert!(matches!(
        lose(STATE_FILE, "events", kept.no.0).await,
        Err(StoreError::Corrupt { .. })
    ));
}

/// Reads from the start a room that lost the places of these lines, counted from the first one kept.
async fn without_places(node: &Node, first: Seq, lost: &[u64]) -> Result<(), StoreError> {
    let disk = Disk::from_image(&node.disk.crash(Crash::LosingAll));
    let database = disk.database(STATE_FILE);
    let transaction = database.begin_write().unwrap();
    let places: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("places");
    let mut places = transaction.open_table(places).unwrap();
    for at in lost {
        let key = [ROOM.0.to_be_bytes(), (first.0 + at).to_be_bytes()].concat();
        assert!(places.remove(key.as_slice()).unwrap().is_some());
    }
    drop(places);
    transaction.commit().unwrap();
    drop(database);
    read_everything(node, &disk.crash(Crash::LosingAll)).await
}

#[tokio::test]
async fn a_cut_front_is_sound_but_a_hole_behind_it_or_a_front_that_is_further_on_is_not() {
    let mut chat = Chat::new();
    for number in 0..30 {
        chat.posted(ALICE, &format!("message {number}"));
    }
    chat.keep(10);
    chat.sweep(Sweep::Room(ROOM)).unwrap();
    let node = Node::create();
    node.append_and_apply(&chat.entries).await;
    node.checkpoint().await;
    let first = chat.first();
    assert!(first > Seq(1));
    without_places(&node, first, &[]).await.unwrap();
    for lost in [&[5][..], &[0], &[0, 1, 2], &[1]] {
        let found = without_places(&node, first, lost).await;
        assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{lost:?}: {found:?}");
    }
}
