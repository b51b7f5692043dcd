//! Keeps the index: one task, as long as the node runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use quorate_core::{EventNo, LogIndex, RoomEvent, State};
use quorate_protocol::event;
use quorate_search::{CHANGES_PER_COMMIT_MAX, Change, IndexError};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::answer::{Search, Shared};
use super::feed::{self, Step};
use super::owner::{Found, Owner};
use super::reconcile;
use crate::store::{HistoryError, Reader, Removal, Removals, StoreError, WaitError};

/// Lines fed in one step at the most: some 10 ms of work.
const STEP_LINES_MAX: usize = 500;
/// Bytes of lines fed in one step at the most, about.
const STEP_BYTES_MAX: usize = 1024 * 1024;
/// After a step of a backlog it is paused for so many times as long as the step took: a quarter of a core goes into it.
const BACKLOG_REST: u32 = 3;
/// With no backlog, how often there is a step: each asks the rows' writer to hurry.
const FEED_INTERVAL: Duration = Duration::from_millis(250);
/// How often it is committed while nobody waits: each commit syncs some files, on the disk that the log syncs on too.
const COMMIT_INTERVAL: Duration = Duration::from_secs(2);
/// How often at the most while somebody does.
const COMMIT_INTERVAL_MIN: Duration = Duration::from_millis(50);
/// Changes in one commit at the most.
const COMMIT_CHANGES_MAX: usize = CHANGES_PER_COMMIT_MAX / 2;
/// Lines without a text after which the position is committed by itself.
const COMMIT_POSITIONS_MAX: u64 = 100_000;
/// Who waits for more lines than these does not hurry the index: that would be a search that slows posting down.
const HURRY_LINES_MAX: u64 = 20_000;
/// Users compared with the state under one hold of its lock.
const RECONCILE_MAX: usize = 1000;
/// How long the state may be behind the index: the log is replayed by then, or nothing of it any more.
const AHEAD_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether it still is.
const AHEAD_POLL: Duration = Duration::from_millis(100);
/// How long applying, or the rows' writer, may be behind before it is tried again.
const READ_DEADLINE: Duration = Duration::from_secs(5);
/// The wait before the store is asked again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// The wait before an index that could not be read or written is opened again.
const RETRY_INTERVAL: Duration = Duration::from_secs(60);
/// The wait before a damaged one is made anew, so that a disk that damages it at once is not kept busy.
const ANEW_PAUSE: Duration = Duration::from_secs(5);

/// The one who keeps the index. Dropped, it goes on until the runtime ends.
#[derive(Debug)]
pub struct Keeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Ends the keeping, with a last commit if that can be had in time.
    pub async fn stop(self, deadline: Duration) {
        self.stop.send_replace(true);
        if timeout(deadline, self.task).await.is_err() {
            tracing::debug!("the search index was not closed in time; it goes on from its last commit");
        }
    }
}

impl Search {
    /// Begins to keep the index in `dir`, which is made if it is not there. `applied` follows what the store has applied.
    #[must_use]
    pub fn start(dir: PathBuf, reader: Reader, applied: watch::Receiver<LogIndex>) -> (Self, Keeper) {
        let search = Self::new(true);
        let (stop, stopping) = watch::channel(false);
        let keeping = keep(Arc::clone(&search.0), dir, reader, applied, stopping);
        let task = tokio::spawn(keeping);
        (search, Keeper { stop, task })
    }
}

/// Why the index is not kept any further.
#[derive(Debug)]
enum Ended {
    Stopped,
    /// The store failed or closed, and the daemon ends.
    Store,
    /// It is of other data.
    Foreign,
    /// The index failed.
    Index(IndexError),
}

impl From<IndexError> for Ended {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

impl From<StoreError> for Ended {
    fn from(_: StoreError) -> Self {
        Self::Store
    }
}

async fn keep(
    shared: Arc<Shared>,
    dir: PathBuf,
    reader: Reader,
    mut applied: watch::Receiver<LogIndex>,
    mut stopping: watch::Receiver<bool>,
) {
    let (mut anew, mut is_off) = (false, false);
    loop {
        let ended = match Owner::open(dir.clone(), anew).await {
            Ok(found) => {
                if is_off {
                    tracing::info!("search is back");
                }
                let was_anew = std::mem::take(&mut anew);
                is_off = false;
                if let Some(why) = found.made.as_ref().filter(|_| !was_anew) {
                    tracing::info!(why, "the search index is made anew");
                }
                serve(&shared, found, &reader, &mut applied, &mut stopping).await
            }
            Err(error) => error.into(),
        };
        shared.searcher.store(None);
        shared.found.send_replace(EventNo(0));
        let pause = match ended {
            Ended::Stopped | Ended::Store => return,
            Ended::Foreign => {
                tracing::warn!("the search index is of other data, and is made anew");
                anew = true;
                Duration::ZERO
            }
            Ended::Index(IndexError::Damaged { source }) => {
                tracing::warn!(
                    cause = &*source as &dyn std::error::Error,
                    "the search index is damaged, and is made anew"
                );
                anew = true;
                ANEW_PAUSE
            }
            Ended::Index(error) => {
                if !is_off {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "search is off, and tried again every minute"
                    );
                }
                is_off = true;
                RETRY_INTERVAL
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            // Without a keeper it goes on until the runtime ends.
            Ok(_) = stopping.wait_for(|stop| *stop) => return,
        }
    }
}

/// Keeps one index until something ends it, and closes it.
async fn serve(
    shared: &Shared,
    found: Found,
    reader: &Reader,
    applied: &mut watch::Receiver<LogIndex>,
    stopping: &mut watch::Receiver<bool>,
) -> Ended {
    let now = Instant::now();
    let mut index = Kept {
        shared,
        reader,
        owner: &found.owner,
        // Before anything is compared: what is removed from here on is told.
        removals: reader.removals(),
        removed: Vec::new(),
        must_reconcile: true,
        position: found.position,
        committed: found.position,
        changes: 0,
        feed_at: now,
        committed_at: now,
    };
    shared.searcher.store(Some(Arc::new(found.searcher)));
    shared.found.send_replace(found.position);
    let ended = tokio::select! {
        Err(ended) = index.run(applied) => ended,
        () = shared.damaged.notified() => Ended::Index(IndexError::Damaged {
            source: "a search met damage".into(),
        }),
        Ok(_) = stopping.wait_for(|stop| *stop) => Ended::Stopped,
    };
    if matches!(ended, Ended::Stopped) {
        // A step that was cut off is fed again: each change may be.
        let _ = index.commit().await;
    }
    found.owner.close().await;
    ended
}

/// An index, and how far it is.
struct Kept<'a> {
    shared: &'a Shared,
    reader: &'a Reader,
    owner: &'a Owner,
    removals: Removals,
    /// Told, and not fed yet.
    removed: Vec<Change>,
    must_reconcile: bool,
    /// Everything before is fed.
    position: EventNo,
    /// The last commit's.
    committed: EventNo,
    /// Changes since.
    changes: usize,
    /// When the next step may be.
    feed_at: Instant,
    committed_at: Instant,
}

impl Kept<'_> {
    async fn run(&mut self, applied: &mut watch::Receiver<LogIndex>) -> Result<std::convert::Infallible, Ended> {
        self.wait_for_state().await?;
        let mut wanted = self.shared.wanted.subscribe();
        loop {
            // What changes from here on ends the wait below.
            applied.mark_unchanged();
            wanted.mark_unchanged();
            if self.has_news() && (self.is_hurried() || Instant::now() >= self.feed_at) {
                self.feed().await?;
            }
            // After the step, which may have been told that removals were lost.
            if self.must_reconcile {
                self.reconcile().await?;
            }
            if self.commit_at().is_some_and(|at| at <= Instant::now()) {
                self.commit().await?;
            }
            let has_news = self.has_news();
            let feed_at = if self.is_hurried() {
                Instant::now()
            } else {
                self.feed_at
            };
            let commit_at = self.commit_at();
            tokio::select! {
                removal = self.removals.next() => self.take(removal),
                () = sleep_until(feed_at), if has_news => {}
                () = sleep_until(commit_at.unwrap_or_else(Instant::now)), if commit_at.is_some() => {}
                changed = applied.changed(), if !has_news => changed.map_err(|_| Ended::Store)?,
                changed = wanted.changed() => changed.map_err(|_| Ended::Stopped)?,
            }
        }
    }

    /// Waits until the state is as far as the index.
    async fn wait_for_state(&self) -> Result<(), Ended> {
        let mut seen = EventNo(0);
        let mut since = Instant::now();
        loop {
            let next = self.reader.with_state(State::next_event);
            if next >= self.position {
                return Ok(());
            }
            if next > seen {
                (seen, since) = (next, Instant::now());
            }
            if since.elapsed() > AHEAD_MAX {
                return Err(Ended::Foreign);
            }
            sleep(AHEAD_POLL).await;
        }
    }

    fn has_news(&self) -> bool {
        !self.removed.is_empty() || self.reader.with_state(State::next_event) > self.position
    }

    /// Somebody waits for what is not found yet, and it is not too much.
    fn is_hurried(&self) -> bool {
        let wanted = *self.shared.wanted.borrow();
        let found = *self.shared.found.borrow();
        wanted > found && wanted.0 <= self.position.0.saturating_add(HURRY_LINES_MAX)
    }

    /// When to commit, if there is anything to.
    fn commit_at(&self) -> Option<Instant> {
        let is_much = self.changes >= COMMIT_CHANGES_MAX || self.position.0 - self.committed.0 >= COMMIT_POSITIONS_MAX;
        match self.changes {
            _ if is_much => Some(self.committed_at),
            0 => None,
            _ if self.is_hurried() => Some(self.committed_at + COMMIT_INTERVAL_MIN),
            _ => Some(self.committed_at + COMMIT_INTERVAL),
        }
    }

    fn take(&mut self, removal: Removal) {
        match feed::removed(removal) {
            Some(change) => self.removed.push(change),
            None => self.must_reconcile = true,
        }
    }

    /// Feeds what is next, a bounded step of it.
    async fn feed(&mut self) -> Result<(), Ended> {
        let began = Instant::now();
        let (end, lines) = match self.read().await {
            Ok(read) => read,
            Err(HistoryError::Store(error)) => return Err(error.into()),
            Err(HistoryError::Busy | HistoryError::TooMany { .. }) => {
                self.feed_at = began + READ_AGAIN;
                return Ok(());
            }
        };
        // After the lines were read: a removal that is told later is fed later.
        while let Some(removal) = self.removals.take() {
            self.take(removal);
        }
        let position = lines.last().map_or(end, |line| line.no.next());
        let mut changes = match self.changes_of(lines).await {
            Ok(changes) => changes,
            Err(HistoryError::Store(error)) => return Err(error.into()),
            Err(HistoryError::Busy | HistoryError::TooMany { .. }) => {
                self.feed_at = began + READ_AGAIN;
                return Ok(());
            }
        };
        changes.append(&mut self.removed);
        self.apply(changes).await?;
        self.position = self.position.max(position);
        if self.changes == 0 {
            // Nothing of it could be found in any case.
            self.shared.found.send_replace(self.position);
        }
        let pause = if self.position < end {
            BACKLOG_REST * began.elapsed()
        } else {
            FEED_INTERVAL
        };
        self.feed_at = Instant::now() + pause;
        Ok(())
    }

    /// The next lines, and up to where there are no others if these are none.
    async fn read(&self) -> Result<(EventNo, Vec<RoomEvent>), HistoryError> {
        let (end, index) = self.reader.with_state(|state| (state.next_event(), state.hash().index));
        // The state is a moment ahead of what reads wait for.
        match self.reader.wait_applied(index, Instant::now() + READ_DEADLINE).await {
            Ok(()) => {}
            Err(WaitError::Deadline { .. }) => return Err(HistoryError::Busy),
            Err(WaitError::Store(error)) => return Err(error.into()),
        }
        let lines = self.reader.events_from(self.position, STEP_LINES_MAX, STEP_BYTES_MAX);
        Ok((end, lines.await?))
    }

    async fn changes_of(&self, lines: Vec<RoomEvent>) -> Result<Vec<Change>, HistoryError> {
        let (mut changes, mut looks) = (Vec::new(), Vec::new());
        for step in lines.into_iter().filter_map(feed::step) {
            match step {
                Step::Change(change) => changes.push(change),
                Step::Look(room, seq) => looks.push((room, seq)),
            }
        }
        // After all others: these rows were read last.
        let rows = self.reader.lines(&looks).await?;
        for ((room, seq), row) in looks.into_iter().zip(rows) {
            // A row that cannot be read has its text nowhere; the store finds that out by itself.
            let row = row.and_then(|row| event::decode(&row.bytes).ok());
            changes.push(feed::present(room, seq, row));
        }
        Ok(changes)
    }

    async fn apply(&mut self, changes: Vec<Change>) -> Result<(), IndexError> {
        if changes.is_empty() {
            return Ok(());
        }
        self.changes += changes.len();
        self.owner.call(move |index| index.apply(changes)).await
    }

    async fn commit(&mut self) -> Result<(), IndexError> {
        let position = self.position;
        self.owner.call(move |index| index.commit(position)).await?;
        self.changes = 0;
        self.committed = position;
        self.committed_at = Instant::now();
        self.shared.found.send_replace(position);
        Ok(())
    }

    /// Takes away what the state has no more. What it takes away itself from here on is told as a removal.
    async fn reconcile(&mut self) -> Result<(), Ended> {
        self.must_reconcile = false;
        // The index tells of its last commit only.
        if self.changes > 0 {
            self.commit().await?;
        }
        let (rooms, authors) = self.owner.call(|index| Ok((index.rooms()?, index.authors()?))).await?;
        let (rooms, authors): (Vec<_>, Vec<_>) = (rooms.into_iter().collect(), authors.into_iter().collect());
        let mut changes = Vec::new();
        for rooms in rooms.chunks(RECONCILE_MAX) {
            let gone = |state: &State| {
                rooms
                    .iter()
                    .filter_map(|room| reconcile::room(state, *room))
                    .collect::<Vec<_>>()
            };
            changes.extend(self.reader.with_state(gone));
        }
        for authors in authors.chunks(RECONCILE_MAX) {
            let gone = |state: &State| {
                let gone = authors.iter().filter_map(|author| reconcile::author(state, *author));
                gone.collect::<Vec<_>>()
            };
            changes.extend(self.reader.with_state(gone));
        }
        if !changes.is_empty() {
            self.apply(changes).await?;
            self.commit().await?;
        }
        Ok(())
    }
}
