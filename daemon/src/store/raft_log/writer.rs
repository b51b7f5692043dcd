//! The thread that writes `raft.redb`: many operations, one transaction, one fsync.

use std::ops::Bound;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use openraft::storage::IOFlushed;
use quorate_core::NodeId;
use redb::{Database, Durability, ReadableTable, WriteTransaction};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

use crate::consensus::types::shape;
use crate::consensus::types::{LogEntry, LogId, TypeConfig, Vote};
use crate::store::StoreError;
use crate::store::database::File;
use crate::store::identity::Incarnation;
use crate::store::open::close;

use super::Log;
use super::table::{self, COMMITTED, ENROLLED, LOG, PEERS, PURGED, VOTE, failed};

/// Rows in a transaction.
const BATCH_ROWS_MAX: usize = 4096;
/// Bytes of entries in a transaction.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// Purged rows deleted in a transaction: deleting all at once would stand in the way of appends.
const PURGE_SLICE_ROWS: u64 = 4096;

type Done = oneshot::Sender<Result<(), StoreError>>;

/// What the writer is asked for.
pub(super) enum Op {
    Append {
        entries: Vec<LogEntry>,
        bytes: usize,
        /// Given back when the batch is done.
        room: OwnedSemaphorePermit,
        flushed: IOFlushed<TypeConfig>,
    },
    SaveVote {
        vote: Vote,
        done: Done,
    },
    Truncate {
        after: Option<LogId>,
        done: Done,
    },
    Purge {
        upto: LogId,
    },
    Peer {
        peer: NodeId,
        incarnation: Incarnation,
        done: Done,
    },
    Enrolled {
        done: Done,
    },
    Stop {
        done: Done,
    },
}

/// Who waits for a batch.
enum Waiting {
    Append(IOFlushed<TypeConfig>, OwnedSemaphorePermit),
    Done(Done),
}

impl Waiting {
    fn tell(self, result: &Result<(), StoreError>) {
        match self {
            Self::Append(flushed, room) => {
                drop(room);
                flushed.io_completed(result.clone().map_err(Into::into));
            }
            // Whoever asked may have been cancelled.
            Self::Done(done) => drop(done.send(result.clone())),
        }
    }
}

/// The writer's state, on its own thread.
pub(super) struct Writer {
    log: Arc<Log>,
    database: Arc<Database>,
    ops: mpsc::Receiver<Op>,
    /// The last entry in the file.
    last: Option<LogId>,
    /// The committed id in the file.
    committed: Option<LogId>,
    purged: Option<LogId>,
    /// The first purged row that is still there.
    backlog: Option<u64>,
}

/// The running thread, to be stopped and joined.
pub(in crate::store) struct WriterThread {
    log: Arc<Log>,
    queue: mpsc::Sender<Op>,
    thread: JoinHandle<()>,
}

impl WriterThread {
    /// Writes what is queued, ends the thread and closes the file. Blocks.
    pub(in crate::store) fn stop(self) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        let asked = self.queue.blocking_send(Op::Stop { done });
        let result = match asked {
            Ok(()) => result.blocking_recv().unwrap_or(Err(StoreError::Closed)),
            Err(_) => Err(StoreError::Closed),
        };
        let joined = self.thread.join();
        let file = self.log.database.swap(None);
        joined.map_err(|_| StoreError::Closed)?;
        result.and(file.map_or(Ok(()), |file| close(File::Raft, file)))
    }
}

impl Writer {
    pub(super) fn spawn(
        log: Arc<Log>,
        database: Arc<Database>,
        (queue, ops): (mpsc::Sender<Op>, mpsc::Receiver<Op>),
        backlog: Option<u64>,
    ) -> Result<WriterThread, StoreError> {
        let (last, committed, purged) = {
            let memory = log.read();
            (memory.last_log_id(), memory.committed, memory.purged)
        };
        let writer = Self {
            log: Arc::clone(&log),
            database,
            ops,
            last,
            committed,
            purged,
            backlog,
        };
        let thread = thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(StoreError::io("log-writer thread"))?;
        Ok(WriterThread { log, queue, thread })
    }

    fn run(mut self) {
        let mut stop = None;
        while stop.is_none() {
            let Some(batch) = self.next_batch() else { break };
            let rows = batch.iter().map(Op::rows).sum();
            // Split first: whatever becomes of the transaction, all who wait are told.
            let mut waiting = Vec::with_capacity(batch.len());
            let tasks = batch.into_iter().map(|op| op.split(&mut waiting, &mut stop)).collect();
            let result = self.log.failure.check().and_then(|()| {
                let result = self.write(tasks, rows);
                // The other file may have failed meanwhile: then this is not confirmed either.
                self.log.failure.note(result).and_then(|()| self.log.failure.check())
            });
            for waiter in waiting {
                waiter.tell(&result);
            }
            if result.is_ok()
                && let Some(last) = self.last
            {
                self.log.write().evict(last.index());
            }
            if let Some(done) = stop.take() {
                // Whoever stops the store may have been cancelled.
                drop(done.send(result));
                break;
            }
        }
        // What is still queued is dropped with the queue: its callbacks never say ok.
    }

    /// Waits for an operation and takes what else is there; empty while purged rows are left to
    /// delete and nothing else is to be done.
    fn next_batch(&mut self) -> Option<Vec<Op>> {
        let mut batch = Vec::new();
        if self.backlog.is_none() || self.log.failure.check().is_err() {
            batch.push(self.ops.blocking_recv()?);
        }
        let mut rows: usize = batch.iter().map(Op::rows).sum();
        let mut bytes: usize = batch.iter().map(Op::bytes).sum();
        while rows < BATCH_ROWS_MAX && bytes < BATCH_BYTES_MAX {
            let Ok(op) = self.ops.try_recv() else { break };
            rows += op.rows();
            bytes += op.bytes();
            batch.push(op);
        }
        Some(batch)
    }

    /// One transaction of all of them.
    fn write(&mut self, tasks: Vec<Task>, rows: usize) -> Result<(), StoreError> {
        let mut transaction = self.database.begin_write().map_err(failed)?;
        transaction.set_durability(Durability::Immediate).map_err(failed)?;
        for task in tasks {
            self.perform(&transaction, task)?;
        }
        self.write_committed(&transaction)?;
        self.delete_purged(&transaction)?;
        let started = Instant::now();
        transaction.commit().map_err(failed)?;
        self.log.stats.count(rows, started.elapsed());
        Ok(())
    }

    fn perform(&mut self, transaction: &WriteTransaction, task: Task) -> Result<(), StoreError> {
        match task {
            Task::Append(entries) => self.append(transaction, &entries),
            Task::SaveVote(vote) => table::put_meta(transaction, VOTE, |out| shape::put_vote(out, &vote)),
            Task::Truncate(after) => self.truncate(transaction, after),
            Task::Purge(upto) => self.purge(transaction, upto),
            Task::Peer(peer, incarnation) => {
                let mut peers = transaction.open_table(PEERS).map_err(failed)?;
                let row = table::encode_peer(peer, incarnation);
                peers.insert(peer.0, row.as_slice()).map_err(failed)?;
                Ok(())
            }
            Task::Enrolled => table::put_meta(transaction, ENROLLED, |_| {}),
            Task::Nothing => Ok(()),
        }
    }

    fn append(&mut self, transaction: &WriteTransaction, entries: &[LogEntry]) -> Result<(), StoreError> {
        let mut log = transaction.open_table(LOG).map_err(failed)?;
        let mut end = log.upper_bound_mut(Bound::<u64>::Unbounded).map_err(failed)?;
        for entry in entries {
            let row = table::encode_entry(entry);
            end.insert_before(entry.log_id.index(), row.as_slice())
                .map_err(failed)?;
            self.last = Some(entry.log_id);
        }
        end.close().map_err(failed)
    }

    fn truncate(&mut self, transaction: &WriteTransaction, after: Option<LogId>) -> Result<(), StoreError> {
        let mut log = transaction.open_table(LOG).map_err(failed)?;
        let from = after.map_or(0, |after| after.index() + 1);
        log.retain_in(from.., |_, _| false).map_err(failed)?;
        self.last = match log.last().map_err(failed)? {
            Some((key, value)) => Some(table::decode_entry(key.value(), value.value())?.log_id),
            None => None,
        };
        self.last = self.last.max(self.purged);
        Ok(())
    }

    /// Notes the mark at once; the rows go in slices.
    fn purge(&mut self, transaction: &WriteTransaction, upto: LogId) -> Result<(), StoreError> {
        self.purged = self.purged.max(Some(upto));
        self.last = self.last.max(Some(upto));
        self.backlog = Some(0);
        table::put_meta(transaction, PURGED, |out| shape::put_log_id(out, &upto))
    }

    fn delete_purged(&mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let Some(from) = self.backlog else { return Ok(()) };
        let purged = self.purged.map_or(0, |purged| purged.index() + 1);
        let mut log = transaction.open_table(LOG).map_err(failed)?;
        let first = log
            .range(from..purged)
            .map_err(failed)?
            .next()
            .transpose()
            .map_err(failed)?;
        let Some(first) = first.map(|(key, _)| key.value()) else {
            self.backlog = None;
            return Ok(());
        };
        let end = first.saturating_add(PURGE_SLICE_ROWS).min(purged);
        log.retain_in(first..end, |_, _| false).map_err(failed)?;
        self.backlog = (end < purged).then_some(end);
        Ok(())
    }

    /// The committed id, never past what this file holds: at start it says how far to replay.
    fn write_committed(&mut self, transaction: &WriteTransaction) -> Result<(), StoreError> {
        let known = self.log.read().committed;
        // An entry here below the committed index is itself committed.
        let committed = match (known, self.last) {
            (Some(known), Some(last)) if known.index() > last.index() => Some(last),
            (known, Some(_)) => known,
            (_, None) => None,
        };
        match committed {
            Some(id) if committed != self.committed => {
                table::put_meta(transaction, COMMITTED, |out| shape::put_log_id(out, &id))?;
                self.committed = committed;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// An operation without who waits for it.
enum Task {
    Append(Vec<LogEntry>),
    SaveVote(Vote),
    Truncate(Option<LogId>),
    Purge(LogId),
    Peer(NodeId, Incarnation),
    Enrolled,
    Nothing,
}

impl Op {
    fn rows(&self) -> usize {
        match self {
            Self::Append { entries, .. } => entries.len(),
            _ => 1,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Append { bytes, .. } => *bytes,
            _ => 0,
        }
    }

    fn split(self, waiting: &mut Vec<Waiting>, stop: &mut Option<Done>) -> Task {
        let (task, done) = match self {
            Self::Append {
                entries, room, flushed, ..
            } => {
                waiting.push(Waiting::Append(flushed, room));
                return Task::Append(entries);
            }
            Self::Purge { upto } => return Task::Purge(upto),
            Self::Stop { done } => {
                *stop = Some(done);
                return Task::Nothing;
            }
            Self::SaveVote { vote, done } => (Task::SaveVote(vote), done),
            Self::Truncate { after, done } => (Task::Truncate(after), done),
            Self::Peer {
                peer,
                incarnation,
                done,
            } => (Task::Peer(peer, incarnation), done),
            Self::Enrolled { done } => (Task::Enrolled, done),
        };
        waiting.push(Waiting::Done(done));
        task
    }
}
