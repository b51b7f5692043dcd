//! Reading what is applied: the state in memory, and histories from the rows.

use std::fmt;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use quorate_core::{AuditNo, EventNo, LogIndex, NodeId, RoomEvent, RoomId, Seq, State};
use redb::ReadTransaction;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use crate::consensus::types::LogId;

use super::machine::Shared;
use super::rows::{self, AuditCheck, AuditPage, Op};
use super::{CommitStats, HistoryError, RAFT_FILE, Removals, STATE_FILE, StoreError, WaitError};
use crate::consensus::types::StoredMembership;

/// Histories read at once; a page of one takes well under a millisecond from the page cache.
const READS_MAX: usize = 8;
/// How long a history waits for its turn and for the rows to be there.
const READ_WAIT_MAX: Duration = Duration::from_secs(5);

/// Lines that one look-up may ask for, each a search of its own: some milliseconds of one read.
pub const LINES_MAX: usize = 1000;

/// Which part of a room's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The first ones after a seq.
    After(Seq),
    /// The last ones before a seq.
    Before(Seq),
    /// The last ones.
    Newest,
}

/// A room event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the room.
    pub seq: Seq,
    /// Its place in the order of the whole log.
    pub no: EventNo,
    /// As `quorate_protocol::event` wrote it.
    pub bytes: Bytes,
}

/// Reads the store. Cheap to clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
    /// The rows' writer; weak, since readers do not keep it at work.
    writer: mpsc::WeakSender<Op>,
    turns: Arc<Semaphore>,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, writer: mpsc::WeakSender<Op>) -> Self {
        Self {
            shared,
            writer,
            turns: Arc::new(Semaphore::new(READS_MAX)),
        }
    }

    /// Looks at the state under its lock. The closure should be short: applying waits for it.
    pub fn with_state<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.read())
    }

    /// The last applied index; 0 when there is none (index 0 is the first membership, which changes
    /// nothing that can be read here). What is in the state may be a moment ahead of it.
    #[must_use]
    pub fn applied(&self) -> LogIndex {
        self.last_applied().map_or(LogIndex(0), |id| LogIndex(id.index()))
    }

    /// The last applied log id.
    #[must_use]
    pub fn last_applied(&self) -> Option<LogId> {
        self.shared.applied.borrow().applied
    }

    /// The membership of the last applied entry.
    #[must_use]
    pub fn membership(&self) -> StoredMembership {
        self.shared.applied.borrow().membership.clone()
    }

    /// Waits until an index is applied.
    ///
    /// # Errors
    /// See [`WaitError`].
    pub async fn wait_applied(&self, index: LogIndex, deadline: Instant) -> Result<(), WaitError> {
        if index == LogIndex(0) {
            // As of a client that has seen nothing yet.
            return Ok(self.shared.failure.check()?);
        }
        let mut applied = self.shared.applied.subscribe();
        let reached = async {
            let there = |index: LogIndex| move |meta: &rows::Meta| meta.applied.is_some_and(|id| id.index() >= index.0);
            tokio::select! {
                reached = applied.wait_for(there(index)) => reached.map(drop).map_err(|_| StoreError::Closed),
                failure = self.shared.failure.wait() => Err(failure),
            }
        };
        match timeout_at(deadline, reached).await {
            Ok(reached) => Ok(reached?),
            Err(_) => Err(WaitError::Deadline {
                applied: self.applied(),
                awaited: index,
            }),
        }
    }

    /// Events of a room in the order of their seqs: all of the range, or as many of it as the limits
    /// allow, at the end of it that the range names (after a seq: the nearest to it; before a seq,
    /// or the newest: the last). One at least, if there is any, whatever its size.
    ///
    /// The oldest lines of a room may be gone: what is asked for after a seq may then begin later than
    /// right after it, and does so at the first line that is kept. There are no gaps but this one.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn history(
        &self,
        room: RoomId,
        range: Range,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<StoredEvent>, HistoryError> {
        self.read(move |rows| rows::history(rows, room, range, limit, bytes_max))
            .await
    }

    /// Lines of all rooms in the order of the log, from this number on, as they stand now: as many as
    /// the limits allow, and one at least, if there is any. Numbers of lines that are gone are
    /// missing. Decoded, since who reads all rooms looks into each line.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn events_from(
        &self,
        from: EventNo,
        limit: usize,
        bytes_max: usize,
    ) -> Result<Vec<RoomEvent>, HistoryError> {
        self.read(move |rows| rows::events_from(rows, from, limit, bytes_max))
            .await
    }

    /// The lines at these places (at most [`LINES_MAX`]) as they stand now, in the same order; none
    /// where none is kept.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn lines(&self, places: &[(RoomId, Seq)]) -> Result<Vec<Option<StoredEvent>>, HistoryError> {
        if places.len() > LINES_MAX {
            return Err(HistoryError::TooMany {
                asked: places.len(),
                max: LINES_MAX,
            });
        }
        let places = places.to_vec();
        self.read(move |rows| rows::lines(rows, &places)).await
    }

    /// A message as it was posted, if it was edited since and still has a text.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn original(&self, room: RoomId, seq: Seq) -> Result<Option<StoredEvent>, HistoryError> {
        self.read(move |rows| rows::original(rows, room, seq)).await
    }

    /// Entries of the audit log: the first ones after this one, or, without one, the last.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn audit(&self, after: Option<AuditNo>, limit: usize) -> Result<AuditPage, HistoryError> {
        self.read(move |rows| rows::audit_page(rows, after, limit)).await
    }

    /// Walks the whole audit log, and says what the chain was before each of these places.
    ///
    /// Sees everything that was applied before the call.
    ///
    /// # Errors
    /// See [`HistoryError`].
    pub async fn check_audit(&self, places: Vec<AuditNo>) -> Result<AuditCheck, HistoryError> {
        self.read(move |rows| rows::audit_check(rows, &places)).await
    }

    /// What is removed from now on without a line that says so. There is one consumer: asked again,
    /// the former one hears nothing any more. What was removed before is not told, so whoever asks
    /// compares all that it has with the state and the rows first.
    #[must_use]
    pub fn removals(&self) -> Removals {
        self.shared.removals.subscribe()
    }

    /// Reads rows that have everything that was applied before the call.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let deadline = Instant::now() + READ_WAIT_MAX;
        let target = self.target();
        let ready = async {
            let turn = Arc::clone(&self.turns)
                .acquire_owned()
                .await
                .map_err(|_| StoreError::Closed)?;
            self.until_visible(target).await?;
            Ok::<_, StoreError>(turn)
        };
        let turn = timeout_at(deadline, ready).await.map_err(|_| HistoryError::Busy)??;
        let shared = Arc::clone(&self.shared);
        let read = move || {
            let done = shared
                .failure
                .check()
                .and_then(|()| shared.begin_read())
                .and_then(|rows| read(&rows));
            drop(turn);
            shared.failure.note(done)
        };
        let done = tokio::task::spawn_blocking(read)
            .await
            .map_err(|_| StoreError::Closed)?;
        Ok(done?)
    }

    /// What the rows must have to have everything that is applied now.
    fn target(&self) -> Option<LogIndex> {
        self.last_applied().map(|id| LogIndex(id.index()))
    }

    async fn until_visible(&self, target: Option<LogIndex>) -> Result<(), StoreError> {
        let mut visible = self.shared.visible.subscribe();
        if *visible.borrow_and_update() < target
            && let Some(writer) = self.writer.upgrade()
        {
            // A full queue needs no hurry: its writer has enough for a transaction.
            drop(writer.try_send(Op::Hurry));
        }
        tokio::select! {
            seen = visible.wait_for(|visible| *visible >= target) => seen.map(drop).map_err(|_| StoreError::Closed),
            failure = self.shared.failure.wait() => Err(failure),
        }
    }

    /// Waits until the rows have everything that was applied before the call.
    pub(super) async fn rows_ready(&self) -> Result<(), HistoryError> {
        let ready = self.until_visible(self.target());
        let ready = timeout_at(Instant::now() + READ_WAIT_MAX, ready).await;
        Ok(ready.map_err(|_| HistoryError::Busy)??)
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Hashes of the state, each as it was when all up to an index was applied, by rising indexes: those noted at the
    /// indexes at which all nodes note them, and the newest.
    #[must_use]
    pub fn state_hashes(&self) -> Vec<(LogIndex, u128)> {
        let mut hashes = self.shared.hashes.all();
        let newest = self.with_state(State::hash);
        // What was applied in between has been noted, and may be above.
        hashes.retain(|(index, _)| *index < newest.index);
        hashes.push((newest.index, newest.hash));
        hashes
    }

    /// The last entry of this node's newest snapshot, and when that was made.
    #[must_use]
    pub fn snapshot(&self) -> Option<(LogIndex, SystemTime)> {
        *self.shared.snapshot.borrow()
    }

    /// The highest id of a node that ever was a member.
    #[must_use]
    pub fn highest_node(&self) -> NodeId {
        self.shared.applied.borrow().highest_node
    }

    /// The size of both files.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn disk_bytes(&self) -> Result<u64, StoreError> {
        [RAFT_FILE, STATE_FILE].into_iter().try_fold(0, |sum, name| {
            let path = self.shared.dir.join(name);
            let metadata = fs::metadata(&path).map_err(StoreError::io(path))?;
            Ok(sum + metadata.len())
        })
    }

    /// Requests that were answered from a stored receipt, since the start.
    #[must_use]
    pub fn repeats(&self) -> u64 {
        self.shared.repeats.load(Ordering::Relaxed)
    }

    /// Batches of rows that wait for their writer; none after the end.
    #[must_use]
    pub fn batches_waiting(&self) -> usize {
        let writer = self.writer.upgrade();
        writer.map_or(0, |writer| writer.max_capacity() - writer.capacity())
    }

    /// Checkpoints of the rows so far, and how long they took.
    #[must_use]
    pub fn checkpoint_stats(&self) -> CommitStats {
        self.shared.stats.read()
    }
}
