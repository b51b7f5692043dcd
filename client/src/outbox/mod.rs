//! What a user wants changed, kept until the cluster has answered.
//!
//! [`queue`] decides and does no IO, [`action`] is what it must know of each request, [`journal`] is the file, [`record`] the form of what is in it, [`folder`] says whose
//! file is whose. This file puts them together for callers on any thread; [`crate::pump`] sends.

mod action;
mod folder;
mod journal;
mod queue;
mod record;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_core::{Action, Done, MessageId, WriterId};
use quorate_protocol::client::Failure;
use tokio::sync::{Notify, watch};

pub(crate) use folder::{make_folder, orphans, own};
pub(crate) use journal::own_file;
pub(crate) use queue::{EntryRef, Next, Resolution, Ticket, Verdict, WINDOW};

use crate::RequestError;
use journal::{Durable, Journal};
use queue::Queue;

/// A file is compacted when it has grown to so much, in bytes, and most of it is about what was answered.
const COMPACT_FROM_BYTES: u64 = 1024 * 1024;
/// How many times larger than what it must hold a file may be.
const COMPACT_RATIO: u64 = 4;
/// A file that holds nothing any more is compacted from here on when it is closed, in bytes.
const COMPACT_CLOSED_BYTES: u64 = 4 * 1024;

/// An outbox. All methods return at once.
#[derive(Debug)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    journal: Journal,
    durable: Option<watch::Receiver<Durable>>,
    /// Something was pushed or given up, or is on the disk now.
    changed: Arc<Notify>,
    closing: watch::Sender<bool>,
    /// How many entries wait.
    waiting: watch::Sender<usize>,
}

impl Outbox {
    /// One that is kept nowhere.
    pub(crate) fn in_memory() -> Self {
        Self::new(Queue::default(), Journal::Memory, Arc::default())
    }

    fn new(queue: Queue, journal: Journal, changed: Arc<Notify>) -> Self {
        let waiting = watch::Sender::new(queue.waiting());
        Self {
            queue: Mutex::new(queue),
            durable: journal.durable(),
            journal,
            changed,
            closing: watch::Sender::new(false),
            waiting,
        }
    }

    /// Adds a request at the end of the line.
    pub(crate) fn push(&self, action: Action) -> Result<Ticket, RequestError> {
        let ticket = self.change(|queue| queue.push(action))?;
        self.changed.notify_one();
        Ok(ticket)
    }

    /// Until a message is on this machine's disk, or answered already.
    pub(crate) async fn kept(&self, id: &MessageId) -> Result<(), RequestError> {
        let Some(at) = self.lock().written_at(id) else {
            return Ok(());
        };
        let Some(mut durable) = self.durable.clone() else {
            return Ok(());
        };
        let over = durable.wait_for(|durable| durable.upto >= at || durable.failed.is_some());
        match over.await {
            Ok(durable) if durable.upto >= at => Ok(()),
            _ => Err(queue::outbox_failed()),
        }
    }

    /// See [`Queue::give_up`].
    pub(crate) fn give_up(&self, mut ticket: Ticket) -> GaveUp {
        ticket.resolution.close();
        let certain = self.change(|queue| queue.give_up(ticket.local));
        self.changed.notify_one();
        match (certain, ticket.resolution.try_recv()) {
            (_, Ok(resolution)) => GaveUp::Late(resolution),
            (Some(true), Err(_)) => GaveUp::SurelyNot,
            (_, Err(_)) => GaveUp::Unknown,
        }
    }

    pub(crate) fn next(&self) -> Next {
        let durable = self
            .durable
            .as_ref()
            .map(|durable| durable.borrow().clone())
            .unwrap_or_default();
        self.change(|queue| {
            if durable.failed.is_some() {
                queue.disk_failed(durable.upto);
            }
            queue.next(durable.upto)
        })
    }

    pub(crate) fn granted(&self, writer: WriterId) {
        self.change(|queue| queue.granted(writer));
    }

    pub(crate) fn answered(&self, which: EntryRef, result: Result<Done, Failure>) -> Verdict {
        self.change(|queue| queue.answered(which, result))
    }

    pub(crate) fn lost(&self) {
        self.change(Queue::lost);
    }

    /// How many entries wait, now and as that changes.
    pub(crate) fn waiting(&self) -> watch::Receiver<usize> {
        self.waiting.subscribe()
    }

    /// Until [`Outbox::next`] may say something else. Only one may wait.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Writes what is left, and lets go of the file once that is done.
    pub(crate) fn close(&self) {
        if self.closing.send_replace(true) {
            return;
        }
        // What was noted when the file was read, too.
        self.change(|_| {});
        let mut queue = self.lock();
        if queue.is_empty() && self.journal.file_bytes() > COMPACT_CLOSED_BYTES {
            let image = queue.image();
            self.journal.replace(image);
        }
        self.journal.close();
    }

    /// Until [`Outbox::close`].
    pub(crate) async fn closing(&self) {
        // The sender is in `self`.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Until all is written after [`Outbox::close`].
    pub(crate) async fn closed(&self) {
        if let Some(mut durable) = self.durable.clone() {
            while durable.changed().await.is_ok() {}
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.lock();
        let result = change(&mut queue);
        let (bytes, sync) = queue.take_unwritten();
        if !bytes.is_empty() {
            let at = self.journal.append(&bytes, sync);
            queue.written(at);
            let file_bytes = self.journal.file_bytes();
            if file_bytes > COMPACT_FROM_BYTES && file_bytes > COMPACT_RATIO * queue.live_bytes() as u64 {
                let image = queue.image();
                self.journal.replace(image);
            }
            self.waiting
                .send_if_modified(|waiting| std::mem::replace(waiting, queue.waiting()) != queue.waiting());
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of a request that nobody waits for any longer.
#[derive(Debug)]
pub(crate) enum GaveUp {
    /// Its answer came at the last moment.
    Late(Resolution),
    /// It did not happen and will not.
    SurelyNot,
    /// It may have happened, and may yet.
    Unknown,
}

#[cfg(test)]
mod tests;
