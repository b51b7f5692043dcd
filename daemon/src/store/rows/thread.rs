//! The thread that writes `state.redb`, and what it is asked for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use quorate_core::LogIndex;
use redb::Database;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot, watch};
use tokio::time::timeout_at;

use crate::store::database::sync_dir;
use crate::store::raft_log::PurgeFloor;
use crate::store::{Failure, LogStats, StoreError};

use super::Batch;
use super::table::Meta;
use super::writer::RowsWriter;

/// Batches in a transaction at the most.
const TRANSACTION_BATCHES_MAX: usize = 1024;
/// Bytes of rows in a transaction, about.
const TRANSACTION_BYTES: usize = 2 << 20;
/// How long a transaction waits for more rows when nobody waits for it. Nobody does but readers of
/// what was applied just now and is in no tail; each transaction copies every page that it touches,
/// so few large ones cost a fraction of many small ones.
const LINGER: Duration = Duration::from_millis(20);

pub(in crate::store) type Done<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked for, in order.
pub(in crate::store) enum Op {
    /// Rows, and the room in the queue that they take.
    Write(Batch, OwnedSemaphorePermit),
    /// Somebody waits for the rows that came before.
    Hurry,
    /// Make durable what came before, and say up to where that is.
    Checkpoint(Done<Meta>),
    /// Go on with a snapshot's file instead.
    Install(Install, Done<()>),
    /// Make durable what came before, and end.
    Stop(Done<()>),
}

/// A snapshot's file, complete and durable under a name of its own.
pub(in crate::store) struct Install {
    pub(in crate::store) path: PathBuf,
    pub(in crate::store) database: Arc<Database>,
    pub(in crate::store) meta: Meta,
}

/// What the thread tells, and whom it serves.
pub(in crate::store) struct Outlets {
    /// The file that readers open.
    pub(in crate::store) database: Arc<ArcSwapOption<Database>>,
    /// Up to where readers find rows.
    pub(in crate::store) visible: watch::Sender<Option<LogIndex>>,
    pub(in crate::store) floor: PurgeFloor,
    pub(in crate::store) failure: Failure,
    /// The name of the file.
    pub(in crate::store) path: PathBuf,
}

/// The running thread, to be stopped and joined.
pub(in crate::store) struct RowsThread {
    queue: mpsc::Sender<Op>,
    thread: JoinHandle<()>,
}

struct Worker {
    rows: RowsWriter,
    outlets: Outlets,
    ops: mpsc::Receiver<Op>,
    timer: Runtime,
}

impl RowsThread {
    pub(in crate::store) fn spawn(
        outlets: Outlets,
        database: Arc<Database>,
        meta: Meta,
        stats: Arc<LogStats>,
        (queue, ops): (mpsc::Sender<Op>, mpsc::Receiver<Op>),
    ) -> Result<Self, StoreError> {
        // Only to wait with a deadline: a runtime of its own, so that no other's ending stops it.
        let timer = Builder::new_current_thread().enable_time().build();
        let worker = Worker {
            rows: RowsWriter::new(database, meta, stats),
            outlets,
            ops,
            timer: timer.map_err(StoreError::io("state-writer timer"))?,
        };
        let thread = thread::Builder::new()
            .name("state-writer".to_owned())
            .spawn(move || worker.run())
            .map_err(StoreError::io("state-writer thread"))?;
        Ok(Self { queue, thread })
    }

    /// Makes a last checkpoint, ends the thread. Blocks.
    pub(in crate::store) fn stop(self) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        let result = match self.queue.blocking_send(Op::Stop(done)) {
            Ok(()) => result.blocking_recv().unwrap_or(Err(StoreError::Closed)),
            Err(_) => Err(StoreError::Closed),
        };
        self.thread.join().map_err(|_| StoreError::Closed)?;
        result
    }
}

/// What came out of the queue.
enum Next {
    Op(Op),
    CheckpointDue,
    End,
}

impl Worker {
    fn run(mut self) {
        while self.step() {}
    }

    /// Does the next thing; false when it was the last.
    fn step(&mut self) -> bool {
        match self.next() {
            Next::Op(op) => self.perform(op),
            Next::CheckpointDue => {
                // The error is published; there is nobody here to tell.
                drop(self.checkpoint());
                true
            }
            // All senders are gone: nobody waits for a checkpoint, but it spares the replay.
            Next::End => {
                drop(self.checkpoint());
                false
            }
        }
    }

    fn next(&mut self) -> Next {
        let due = self.rows.due().filter(|_| self.outlets.failure.get().is_none());
        let received = match due {
            // A queue that is never empty must not put the checkpoint off for ever.
            Some(due) if due <= Instant::now() => return Next::CheckpointDue,
            Some(due) => self
                .timer
                .block_on(async { timeout_at(due.into(), self.ops.recv()).await }),
            None => Ok(self.ops.blocking_recv()),
        };
        match received {
            Ok(Some(op)) => Next::Op(op),
            Ok(None) => Next::End,
            Err(_) => Next::CheckpointDue,
        }
    }

    fn perform(&mut self, op: Op) -> bool {
        // Who asked may have been cancelled, so nobody need take the answer.
        match op {
            Op::Write(batch, room) => return self.write(batch, room).is_none_or(|after| self.perform(after)),
            Op::Hurry => {}
            Op::Checkpoint(done) => {
                let durable = self.checkpoint().map(|()| self.rows.meta().clone());
                drop(done.send(durable));
            }
            Op::Install(install, done) => {
                let installed = self.outlets.failure.check().and_then(|()| self.install(install));
                drop(done.send(self.outlets.failure.note(installed)));
            }
            Op::Stop(done) => {
                drop(done.send(self.checkpoint()));
                return false;
            }
        }
        true
    }

    /// Writes a batch and those behind it that come soon; gives back what came after them.
    fn write(&mut self, first: Batch, room: OwnedSemaphorePermit) -> Option<Op> {
        let until = Instant::now() + LINGER;
        let mut bytes = first.bytes();
        let mut batches = vec![first];
        let mut rooms = vec![room];
        let mut after = None;
        while batches.len() < TRANSACTION_BATCHES_MAX && bytes < TRANSACTION_BYTES {
            let next = self
                .timer
                .block_on(async { timeout_at(until.into(), self.ops.recv()).await });
            match next {
                Ok(Some(Op::Write(batch, room))) => {
                    bytes += batch.bytes();
                    batches.push(batch);
                    rooms.push(room);
                }
                Ok(Some(op)) => {
                    after = Some(op);
                    break;
                }
                Ok(None) | Err(_) => break,
            }
        }
        let written = self.outlets.failure.check().and_then(|()| self.rows.write(batches));
        if self.outlets.failure.note(written).is_ok() {
            self.publish();
        }
        after
    }

    fn publish(&self) {
        let applied = self.rows.meta().applied.map(|id| LogIndex(id.index()));
        self.outlets.visible.send_replace(applied);
    }

    fn checkpoint(&mut self) -> Result<(), StoreError> {
        let durable = self.outlets.failure.check().and_then(|()| self.rows.checkpoint());
        self.outlets.failure.note(durable)?;
        if let Some(id) = self.rows.meta().applied {
            self.outlets.floor.raise(LogIndex(id.index()));
        }
        Ok(())
    }

    /// Gives the new file the name of the old one, and goes on with it. Readers of the old one
    /// finish on it; it is gone when the last has.
    fn install(&mut self, install: Install) -> Result<(), StoreError> {
        let Install { path, database, meta } = install;
        fs::rename(&path, &self.outlets.path).map_err(StoreError::io(&path))?;
        sync_dir(self.outlets.path.parent().unwrap_or(Path::new(".")))?;
        self.outlets.database.store(Some(Arc::clone(&database)));
        self.rows.replace(database, meta);
        self.publish();
        self.checkpoint()
    }
}
