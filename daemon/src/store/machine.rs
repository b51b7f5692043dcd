//! The state in memory and the way of an entry into it: decode, apply, answer, hand on the rows,
//! tell the readers. Knows no openraft trait; [`super::raft_machine`] adapts it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use arc_swap::ArcSwapOption;
use quorate_core::{
    BanSubject, DeviceId, Entry, Event, LogIndex, Outcome, RecordKey, RoomId, State, StateEvent, UserId,
};
use quorate_protocol::entry;
use redb::{Database, ReadableDatabase};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use crate::consensus::types::{LogEntry, LogId, Payload, Proposal, StoredMembership};
use crate::fanout::Hub;

use super::identity::Identity;
use super::notes::HashNotes;
use super::publish::{published, voids};
use super::removal::RemovalTeller;
use super::rows::{self, Batch, Change, Install, Meta, Op};
use super::{Databases, Failure, LogStats, StoreError};

/// Entries applied under one hold of the lock: how long a reader may wait for it.
pub(super) const APPLY_ENTRIES_MAX: usize = 256;
/// Batches waiting for the writer of `state.redb`.
pub(super) const QUEUE_BATCHES_MAX: usize = 1024;
/// Bytes of rows waiting, in KiB: applying waits for room.
const QUEUE_KIB_MAX: u32 = 64 << 10;

/// What the machine, its readers and its snapshots share.
pub(super) struct Shared {
    state: RwLock<State>,
    /// The rows' file; none after the end.
    pub(super) database: Arc<ArcSwapOption<Database>>,
    /// What is in `state`.
    pub(super) applied: watch::Sender<Meta>,
    /// What readers find in the rows.
    pub(super) visible: watch::Sender<Option<LogIndex>>,
    pub(super) removals: RemovalTeller,
    pub(super) hashes: HashNotes,
    /// The last entry of the newest snapshot, and when that was made.
    pub(super) snapshot: watch::Sender<Option<(LogIndex, SystemTime)>>,
    pub(super) failure: Failure,
    pub(super) stats: Arc<LogStats>,
    /// Entries that were answered from a stored receipt.
    pub(super) repeats: AtomicU64,
    pub(super) identity: Identity,
    pub(super) databases: Databases,
    pub(super) dir: PathBuf,
}

impl Shared {
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().expect("nothing panics while it holds this lock")
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().expect("nothing panics while it holds this lock")
    }

    /// Opens a read transaction on the rows.
    pub(super) fn begin_read(&self) -> Result<redb::ReadTransaction, StoreError> {
        let database = self.database.load_full().ok_or(StoreError::Closed)?;
        database.begin_read().map_err(rows::failed)
    }

    #[allow(clippy::too_many_arguments, reason = "called once, by name of each field")]
    pub(super) fn new(
        state: State,
        meta: Meta,
        database: Arc<Database>,
        failure: Failure,
        identity: Identity,
        databases: Databases,
        dir: PathBuf,
    ) -> Self {
        let visible = meta.applied.map(|id| LogIndex(id.index()));
        Self {
            state: RwLock::new(state),
            database: Arc::new(ArcSwapOption::new(Some(database))),
            applied: watch::Sender::new(meta),
            visible: watch::Sender::new(visible),
            removals: RemovalTeller::default(),
            hashes: HashNotes::default(),
            snapshot: watch::Sender::new(None),
            failure,
            stats: Arc::default(),
            repeats: AtomicU64::new(0),
            identity,
            databases,
            dir,
        }
    }
}

/// The only one that changes the state.
#[derive(Clone)]
pub(super) struct Machine {
    pub(super) shared: Arc<Shared>,
    queue: mpsc::Sender<Op>,
    room: Arc<Semaphore>,
    hub: Arc<Hub>,
}

/// A decoded entry; `None` for Raft's own.
struct Decoded {
    log_id: LogId,
    entry: Option<Entry>,
}

impl Machine {
    pub(super) fn new(shared: Arc<Shared>, queue: mpsc::Sender<Op>, hub: Arc<Hub>) -> Self {
        Self {
            shared,
            queue,
            room: Arc::new(Semaphore::new(QUEUE_KIB_MAX as usize)),
            hub,
        }
    }

    /// Applies a run of entries (at most [`APPLY_ENTRIES_MAX`]), calls `answer` with what each came
    /// to, and hands on what they changed.
    pub(super) async fn apply(
        &self,
        entries: Vec<LogEntry>,
        answer: impl FnOnce(Vec<Option<Outcome>>),
    ) -> Result<(), StoreError> {
        self.shared.failure.check()?;
        let prepared = self.prepare(entries);
        let Some((decoded, meta)) = self.shared.failure.note(prepared)? else {
            return Ok(());
        };
        let (outcomes, events, touched) = self.evolve(decoded);
        // Before anybody knows that these texts are gone, so that who knows it never meets them.
        self.hub.forget(events.iter().flat_map(voids));
        answer(outcomes);
        let batch = self.batch(&meta, &events, touched);
        let published = published(&batch.changes);
        self.write(batch).await?;
        let index = LogIndex(meta.applied.map_or(0, |id| id.index()));
        self.shared.applied.send_replace(meta);
        self.hub.publish(published);
        self.hub.applied(index);
        // Who is told looks into the state and the rows, which are there by now.
        self.shared.removals.tell(&events);
        self.hub.unbound(&unbound(&events));
        self.tell_barred(&events);
        closed(&events).for_each(|room| self.hub.closed(room));
        Ok(())
    }

    /// Decodes the entries and checks their order; none for no entries.
    fn prepare(&self, entries: Vec<LogEntry>) -> Result<Option<(Vec<Decoded>, Meta)>, StoreError> {
        let mut meta = self.shared.applied.borrow().clone();
        let mut decoded = Vec::with_capacity(entries.len());
        for LogEntry { log_id, payload } in entries {
            if let Some(last) = meta.applied.filter(|last| last.index() >= log_id.index()) {
                return Err(StoreError::Order {
                    what: "an entry was applied out of its order",
                    last: last.index(),
                    found: log_id.index(),
                });
            }
            meta.applied = Some(log_id);
            let entry = match payload {
                Payload::Blank => None,
                Payload::Normal(Proposal(bytes)) => {
                    let index = LogIndex(log_id.index());
                    let entry = entry::decode(&bytes).map_err(|error| StoreError::Entry {
                        index,
                        source: Arc::new(error),
                    })?;
                    Some(entry)
                }
                Payload::Membership(membership) => {
                    meta.set_membership(StoredMembership::new(Some(log_id), membership));
                    None
                }
            };
            decoded.push(Decoded { log_id, entry });
        }
        Ok((!decoded.is_empty()).then_some((decoded, meta)))
    }

    /// Changes the state, under its lock. Of the events, those that are more than their records.
    fn evolve(&self, decoded: Vec<Decoded>) -> (Vec<Option<Outcome>>, Vec<Event>, BTreeSet<RecordKey>) {
        let mut outcomes = Vec::with_capacity(decoded.len());
        let mut events = Vec::new();
        let mut touched = BTreeSet::new();
        let mut state = self.shared.write();
        for Decoded { log_id, entry } in decoded {
            let index = LogIndex(log_id.index());
            let Some(entry) = entry else {
                self.shared.hashes.offer(index, state.hash().hash);
                outcomes.push(None);
                continue;
            };
            let applied = state.apply(index, &entry);
            self.shared.hashes.offer(index, state.hash().hash);
            // Every entry moves the clock or the hash, which are in the clock's record.
            touched.insert(RecordKey::Clock);
            if applied.repeated {
                self.shared.repeats.fetch_add(1, Ordering::Relaxed);
            }
            outcomes.push(Some(applied.outcome));
            for event in applied.events {
                touched.extend(event.touches());
                if is_more_than_records(&event) {
                    events.push(event);
                }
            }
        }
        (outcomes, events, touched)
    }

    /// The rows of a run, as they are after it.
    fn batch(&self, meta: &Meta, events: &[Event], touched: BTreeSet<RecordKey>) -> Batch {
        let applied = meta.applied.expect("a run has an entry");
        let changed = meta.membership != self.shared.applied.borrow().membership;
        let records = {
            let state = self.shared.read();
            let record = |key| Batch::record_row(key, state.record(key).as_ref());
            touched.iter().map(record).collect::<Vec<_>>()
        };
        let audited = events.iter().flat_map(rows::audit_rows);
        let records = records.into_iter().chain(audited).collect();
        let mut changes = Vec::with_capacity(events.len());
        events.iter().for_each(|event| Change::of(event, &mut changes));
        Batch {
            applied,
            membership: changed.then(|| meta.membership.clone()),
            highest_node: meta.highest_node,
            records,
            changes,
        }
    }

    /// Tells the sessions that may have no place here any more.
    fn tell_barred(&self, events: &[Event]) {
        let barred = events.iter().filter_map(barred).collect::<Vec<_>>();
        if barred.contains(&Barred::Any) {
            self.hub.look_again();
        } else if !barred.is_empty() {
            let state = self.shared.read();
            let devices = barred.iter().flat_map(|barred| match barred {
                Barred::User(user) => state.devices_barred_with(*user).collect(),
                Barred::Any => Vec::new(),
            });
            let devices = devices.collect::<Vec<_>>();
            drop(state);
            self.hub.unbound(&devices);
        }
    }

    async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        let kib = u32::try_from(batch.bytes() >> 10).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(kib.clamp(1, QUEUE_KIB_MAX))
            .await;
        let room = room.map_err(|_| StoreError::Closed)?;
        self.push(Op::Write(batch, room)).await
    }

    async fn push(&self, op: Op) -> Result<(), StoreError> {
        self.shared.failure.check()?;
        self.queue.send(op).await.map_err(|_| StoreError::Closed)
    }

    /// Makes all that was applied before durable; up to where.
    pub(super) async fn checkpoint(&self) -> Result<Meta, StoreError> {
        let (done, result) = oneshot::channel();
        self.push(Op::Checkpoint(done)).await?;
        result.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Goes on with a snapshot's state and file. An error on the way ends the node.
    ///
    /// The order holds what readers rely on: who reads rows and looks at the state after it never
    /// looks at one that is older than the rows, so nobody is handed lines from after the end of their
    /// membership; and who has waited for the snapshot's index finds it in both, and no text in a tail
    /// that is gone by then.
    pub(super) async fn install(&self, state: State, install: Install) -> Result<(), StoreError> {
        self.shared.failure.check()?;
        let meta = install.meta.clone();
        self.hub.forget_all();
        let old = std::mem::replace(&mut *self.shared.write(), state);
        // Millions of small pieces: not under the lock, and not on a thread that others wait for.
        drop(tokio::task::spawn_blocking(move || drop(old)));
        let (done, result) = oneshot::channel();
        self.push(Op::Install(install, done)).await?;
        result.await.unwrap_or(Err(StoreError::Closed))?;
        let index = LogIndex(meta.applied.map_or(0, |id| id.index()));
        self.shared.applied.send_replace(meta);
        self.hub.replaced();
        self.hub.applied(index);
        self.shared.removals.tell_lost();
        Ok(())
    }
}

const fn is_more_than_records(event: &Event) -> bool {
    match event {
        Event::Room(_) => true,
        Event::State(event) => matches!(
            event,
            StateEvent::DeviceUnbound { .. }
                | StateEvent::MessagesPurged { .. }
                | StateEvent::HistoryCut { .. }
                | StateEvent::RoomDeleted { .. }
                | StateEvent::RoomForgotten { .. }
                | StateEvent::UserDisabled { .. }
                | StateEvent::ServerBanAdded { .. }
                | StateEvent::LockdownSet { .. }
                | StateEvent::Audited { .. }
        ),
    }
}

/// Whose sessions may have no place here any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Barred {
    User(UserId),
    Any,
}

const fn barred(event: &Event) -> Option<Barred> {
    let Event::State(event) = event else { return None };
    match event {
        StateEvent::UserDisabled { user } => Some(Barred::User(*user)),
        StateEvent::ServerBanAdded { subject, .. } => Some(match subject {
            BanSubject::User(user) => Barred::User(*user),
            BanSubject::Network(_) => Barred::Any,
        }),
        StateEvent::LockdownSet { .. } => Some(Barred::Any),
        _ => None,
    }
}

fn closed(events: &[Event]) -> impl Iterator<Item = RoomId> + '_ {
    events.iter().filter_map(|event| match event {
        Event::State(StateEvent::RoomDeleted { room }) => Some(*room),
        _ => None,
    })
}

fn unbound(events: &[Event]) -> Vec<DeviceId> {
    let device = |event: &Event| match event {
        Event::State(StateEvent::DeviceUnbound { device }) => Some(*device),
        _ => None,
    };
    events.iter().filter_map(device).collect()
}
