//! openraft's log storage, over the memory and the writer's queue.

use std::io;
use std::sync::Arc;

use openraft::LogState;
use openraft::storage::{IOFlushed, RaftLogStorage};

use crate::consensus::types::shape;
use crate::consensus::types::{LogEntry, LogId, TypeConfig, Vote};
use crate::store::StoreError;

use super::writer::Op;
use super::{LogStore, QUEUE_KIB_MAX};

impl LogStore {
    /// Takes the entries in and queues them; `flushed` hears when they are durable.
    async fn queue_append(&self, entries: Vec<LogEntry>, flushed: IOFlushed<TypeConfig>) -> Result<(), StoreError> {
        self.log.failure.check()?;
        self.release_purge().await?;
        let bytes: usize = entries.iter().map(shape::entry_bytes).sum();
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, QUEUE_KIB_MAX);
        let room = Arc::clone(&self.log.room).acquire_many_owned(kib).await;
        let room = room.map_err(|_| StoreError::Closed)?;
        let taken = self.log.write().append(&entries);
        self.log.failure.note(taken)?;
        self.push(Op::Append {
            entries,
            bytes,
            room,
            flushed,
        })
        .await
    }

    async fn queue_truncate(&self, after: Option<LogId>) -> Result<(), StoreError> {
        self.log.write().truncate(after);
        // Awaited until durable, so that an entry appended in place of a truncated one is never
        // taken for durable because its predecessor was.
        self.submit(|done| Op::Truncate { after, done }).await
    }

    async fn queue_purge(&self, upto: LogId) -> Result<(), StoreError> {
        if !self.log.floor.allows(upto.index()) {
            tracing::warn!(%upto, "a purge is held back until the state is durable that far");
            let mut memory = self.log.write();
            memory.held_purge = memory.held_purge.max(Some(upto));
            return Ok(());
        }
        self.log.write().purge(upto);
        self.push(Op::Purge { upto }).await
    }

    /// Does a purge that was held back, once it is allowed.
    async fn release_purge(&self) -> Result<(), StoreError> {
        let allowed = |upto: &LogId| self.log.floor.allows(upto.index());
        if self.log.read().held_purge.as_ref().is_some_and(allowed) {
            let held = self.log.write().held_purge.take();
            if let Some(upto) = held {
                self.queue_purge(upto).await?;
            }
        }
        Ok(())
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> Result<LogState<TypeConfig>, io::Error> {
        let memory = self.log.read();
        Ok(LogState {
            last_purged_log_id: memory.purged,
            last_log_id: memory.last_log_id(),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> Result<(), io::Error> {
        let vote = *vote;
        self.submit(|done| Op::SaveVote { vote, done }).await?;
        self.log.write().vote = Some(vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> Result<(), io::Error> {
        // Called for every advance: it rides on the next batch and never costs an fsync.
        self.log.write().committed = committed;
        Ok(())
    }

    async fn read_committed(&mut self) -> Result<Option<LogId>, io::Error> {
        Ok(self.log.read().committed)
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<TypeConfig>) -> Result<(), io::Error>
    where
        I: IntoIterator<Item = LogEntry> + Send,
        I::IntoIter: Send,
    {
        let entries = entries.into_iter().collect();
        Ok(self.queue_append(entries, flushed).await?)
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> Result<(), io::Error> {
        Ok(self.queue_truncate(last).await?)
    }

    async fn purge(&mut self, upto: LogId) -> Result<(), io::Error> {
        Ok(self.queue_purge(upto).await?)
    }
}
