//! Writing batches of rows, and checkpoints of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redb::{Database, Durability};

use crate::store::{LogStats, StoreError};

use super::line::Lines;
use super::table::{self, Meta, RECORDS, failed};
use super::{Batch, EVENT_OVERHEAD_BYTES};

/// How long rows may wait for their checkpoint: what a crash makes Raft replay.
const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(2);
/// How many bytes of rows may: what a checkpoint has to write at once.
const CHECKPOINT_BYTES: usize = 32 << 20;

/// The file and what of it is not durable yet.
pub(super) struct RowsWriter {
    database: Arc<Database>,
    meta: Meta,
    /// When the first row after the last checkpoint was written, and how many bytes were since.
    dirty: Option<(Instant, usize)>,
    stats: Arc<LogStats>,
}

impl RowsWriter {
    pub(super) fn new(database: Arc<Database>, meta: Meta, stats: Arc<LogStats>) -> Self {
        Self {
            database,
            meta,
            dirty: None,
            stats,
        }
    }

    pub(super) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// When the next checkpoint is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.dirty.map(|(since, bytes)| {
            if bytes >= CHECKPOINT_BYTES {
                since
            } else {
                since + CHECKPOINT_INTERVAL
            }
        })
    }

    /// One transaction of all of them, visible to readers when this returns.
    pub(super) fn write(&mut self, batches: Vec<Batch>) -> Result<(), StoreError> {
        let Some(last) = batches.last() else { return Ok(()) };
        let applied = Some(last.applied);
        let bytes: usize = batches.iter().map(Batch::bytes).sum();
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::None).map_err(failed)?;
        let mut meta = Meta {
            applied,
            ..self.meta.clone()
        };
        {
            let mut records = transaction.open_table(RECORDS).map_err(failed)?;
            // Only the last value of each key, in the order of the keys: neighbours share pages.
            let mut last: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
            let mut changes = Vec::new();
            for batch in batches {
                last.extend(batch.records);
                changes.push(batch.changes);
                meta.highest_node = meta.highest_node.max(batch.highest_node);
                if let Some(membership) = batch.membership {
                    meta.set_membership(membership);
                }
            }
            Lines::open(&transaction)?.change(changes.into_iter().flatten())?;
            for (key, value) in last {
                match value {
                    Some(value) => drop(records.insert(key.as_slice(), value.as_slice()).map_err(failed)?),
                    None => drop(records.remove(key.as_slice()).map_err(failed)?),
                }
            }
        }
        table::write_meta(&transaction, &meta)?;
        transaction.commit().map_err(failed)?;
        self.meta = meta;
        let (since, before) = self.dirty.unwrap_or((Instant::now(), 0));
        self.dirty = Some((since, before + bytes + EVENT_OVERHEAD_BYTES));
        Ok(())
    }

    /// Makes all that was written durable.
    pub(super) fn checkpoint(&mut self) -> Result<(), StoreError> {
        if self.dirty.is_none() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::Immediate).map_err(failed)?;
        // Every crash lands on such a commit, so that opening never walks the whole file.
        transaction.set_quick_repair(true);
        let started = Instant::now();
        transaction.commit().map_err(failed)?;
        self.stats.count(1, started.elapsed());
        self.dirty = None;
        Ok(())
    }

    /// Goes on with another file, which is durable up to its meta.
    pub(super) fn replace(&mut self, database: Arc<Database>, meta: Meta) {
        self.database = database;
        self.meta = meta;
        self.dirty = None;
    }
}
