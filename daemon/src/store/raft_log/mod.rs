//! The Raft log and the votes, in `raft.redb`.
//!
//! All that must be durable goes through one queue to one writer thread, which drains what is
//! waiting into one transaction, syncs once, and then confirms in order. Votes and entries share the
//! queue because a vote overtaking an append loses committed entries. Entries are readable from the
//! cache before they are durable, as replication asks.
//!
//! Tables: `log` (index → entry), `meta` (name → value), `peers` (node → incarnation). Values are
//! sealed, see `store/seal.rs`.

mod cache;
mod floor;
mod offline;
mod reading;
mod storage;
mod table;
mod writer;

use std::fmt;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arc_swap::ArcSwapOption;
use quorate_core::NodeId;
use redb::Database;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::identity::Incarnation;
use super::{Failure, LogStats, StoreError};

use cache::Memory;
pub(super) use floor::PurgeFloor;
pub(super) use offline::{Tail, begin_after, read_tail, take_over};
pub(super) use table::{identity_row, write_identity};
pub(super) use writer::WriterThread;
use writer::{Op, Writer};

/// Operations waiting for the writer.
const QUEUE_OPS_MAX: usize = 4096;
/// Bytes of entries waiting for the writer, in KiB: appending waits for room.
const QUEUE_KIB_MAX: u32 = 64 << 10;

/// openraft's log storage and log reader, and what peers are remembered by. Cheap to clone; all
/// clones are the same log.
#[derive(Clone)]
pub struct LogStore {
    log: Arc<Log>,
    queue: mpsc::Sender<Op>,
}

/// What the store and its writer share. The queue is not in it: the writer ends by itself when the
/// last store is gone.
struct Log {
    memory: RwLock<Memory>,
    room: Arc<Semaphore>,
    database: ArcSwapOption<Database>,
    failure: Failure,
    floor: PurgeFloor,
    stats: LogStats,
}

impl fmt::Debug for LogStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LogStore")
    }
}

impl LogStore {
    /// Reads what is there and starts the writer.
    pub(super) fn start(
        database: Database,
        failure: Failure,
        floor: PurgeFloor,
    ) -> Result<(Self, WriterThread), StoreError> {
        let (memory, backlog) = table::load(&database)?;
        let database = Arc::new(database);
        let (queue, ops) = mpsc::channel(QUEUE_OPS_MAX);
        let log = Arc::new(Log {
            memory: RwLock::new(memory),
            room: Arc::new(Semaphore::new(QUEUE_KIB_MAX as usize)),
            database: ArcSwapOption::new(Some(Arc::clone(&database))),
            failure,
            floor,
            stats: LogStats::default(),
        });
        let thread = Writer::spawn(Arc::clone(&log), database, (queue.clone(), ops), backlog)?;
        Ok((Self { log, queue }, thread))
    }

    /// Durable transactions of the log so far, and how long they took.
    #[must_use]
    pub fn stats(&self) -> &LogStats {
        &self.log.stats
    }

    /// Operations that wait for the writer.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// The incarnation under which a peer was first met.
    #[must_use]
    pub fn peer_incarnation(&self, peer: NodeId) -> Option<Incarnation> {
        self.log.read().peers.get(&peer).copied()
    }

    /// Whether a recovery here has closed this id for ever.
    #[must_use]
    pub fn is_closed(&self, peer: NodeId) -> bool {
        self.peer_incarnation(peer) == Some(Incarnation::NOBODYS)
    }

    /// Remembers a peer's incarnation; durable when it returns.
    ///
    /// # Errors
    /// When the store failed or closed.
    pub async fn record_peer_incarnation(&self, peer: NodeId, incarnation: Incarnation) -> Result<(), StoreError> {
        self.submit(|done| Op::Peer {
            peer,
            incarnation,
            done,
        })
        .await?;
        self.log.write().peers.insert(peer, incarnation);
        Ok(())
    }

    /// Whether this node once was a member of its cluster.
    #[must_use]
    pub fn is_enrolled(&self) -> bool {
        self.log.read().enrolled
    }

    /// Remembers that this node is a member of its cluster; durable when it returns.
    ///
    /// # Errors
    /// When the store failed or closed.
    pub async fn mark_enrolled(&self) -> Result<(), StoreError> {
        self.submit(|done| Op::Enrolled { done }).await?;
        self.log.write().enrolled = true;
        Ok(())
    }

    /// Queues an operation and waits until it is durable.
    async fn submit(&self, op: impl FnOnce(oneshot::Sender<Result<(), StoreError>>) -> Op) -> Result<(), StoreError> {
        let (done, result) = oneshot::channel();
        self.push(op(done)).await?;
        result.await.unwrap_or(Err(StoreError::Closed))
    }

    async fn push(&self, op: Op) -> Result<(), StoreError> {
        self.log.failure.check()?;
        self.queue.send(op).await.map_err(|_| StoreError::Closed)
    }
}

impl Log {
    fn read(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().expect("nothing panics while it holds this lock")
    }

    fn write(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().expect("nothing panics while it holds this lock")
    }
}
