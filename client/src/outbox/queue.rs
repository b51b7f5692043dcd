//! What is to be sent, in order, and what each answer means for it. No IO and no clock.
//!
//! All that a user changes goes through one line: a request may be sent only when all before it were, so the order
//! in which an author writes is the order in which the cluster applies, over any failover. Up to [`WINDOW`]
//! requests are unanswered at a time, the number of receipts that the cluster keeps for a writer.
//!
//! Numbers: with a writer every entry has one, without a writer none has. An entry that must not happen any more keeps its
//! number and becomes [`blank`], since those after it can only be applied when that number has been used.

use std::collections::{HashMap, VecDeque};

use quorate_core::{Action, Done, MessageId, RequestNo, WriterId};
use quorate_protocol::client::Failure;
use tokio::sync::oneshot;

use super::action::{blank, is_finished_later, message_id, size_of};
use super::journal::Position;
use super::record::Record;
use crate::RequestError;

/// Requests without an answer at a time.
pub(crate) const WINDOW: u64 = 64;
/// Entries in one outbox.
pub(crate) const ENTRIES_MAX: usize = 10_000;
/// Bytes in one outbox: 64 MiB.
pub(crate) const OUTBOX_MAX_BYTES: usize = 64 * 1024 * 1024;

/// What a request came to.
pub(crate) type Resolution = Result<Done, RequestError>;

/// A request on its way: its place in the queue, and where its answer arrives.
#[derive(Debug)]
pub(crate) struct Ticket {
    pub(crate) local: u64,
    pub(crate) resolution: oneshot::Receiver<Resolution>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing until something changes.
    Wait,
    /// Ask for a writer.
    Grant,
    /// Send this.
    Send {
        entry: EntryRef,
        writer: WriterId,
        number: RequestNo,
        action: Action,
    },
}

/// Which of the queue's requests an answer belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryRef {
    Local(u64),
    /// One without effect, to use up a number.
    Filler,
}

/// What an answer means for the pace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on.
    Onward,
    /// Some must be sent again, once what is in flight has been answered.
    Again,
    /// The same, after a pause: the node could not.
    AgainLater { code: String },
}

#[derive(Debug)]
struct Entry {
    local: u64,
    number: Option<RequestNo>,
    action: Action,
    bytes: usize,
    written: Position,
    in_flight: bool,
    /// It was sent once without a certain answer.
    uncertain: bool,
    /// It does nothing any more but use up its number.
    blank: bool,
    waiters: Vec<oneshot::Sender<Resolution>>,
}

#[derive(Debug)]
struct Filler {
    number: RequestNo,
    in_flight: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// The writer, and the number of the next new entry.
    writer: Option<(WriterId, RequestNo)>,
    /// The writer is refused: a new one is needed when the answers that are under way have come.
    writer_gone: bool,
    entries: VecDeque<Entry>,
    by_id: HashMap<MessageId, u64>,
    filler: Option<Filler>,
    blanks: usize,
    bytes: usize,
    next_local: u64,
    /// The file says up to here which numbers were given. Nothing is sent under a number before that is on the disk: it would
    /// be given to something else after a crash, and what was sent happen twice.
    numbered: Position,
    /// Records that were not written yet, and whether they must be synced.
    unwritten: Vec<u8>,
    unsynced: bool,
}

pub(crate) fn outbox_failed() -> RequestError {
    RequestError::refused("outbox-failed", "the outbox cannot be written")
}

impl Queue {
    /// The queue that a file's records tell of. Messages and what was done to them are finished for a process that died, in
    /// their order and under their numbers, so that what had happened already does not happen again. Anything else that was not
    /// answered must not happen long after it was asked for.
    pub(crate) fn restore(records: Vec<Record>) -> Self {
        let mut queue = Self::default();
        for record in records {
            match record {
                Record::Entry { local, number, action } => {
                    queue.next_local = queue.next_local.max(local + 1);
                    if let (Some(number), Some((_, next))) = (number, &mut queue.writer) {
                        *next = number.next();
                    }
                    queue.insert(local, number, action, true);
                }
                Record::Granted { writer } => queue.number_all(writer),
                Record::Writer { writer, next } => queue.writer = Some((writer, next)),
                Record::Resolved { local } => drop(queue.remove(local)),
                Record::Withdrawn { local } => queue.make_blank(local),
                Record::Freed { number } => queue.move_up(number),
            }
        }
        let stale = queue.entries.iter().filter(|entry| !is_finished_later(&entry.action));
        let stale: Vec<_> = stale.map(|entry| entry.local).collect();
        for local in stale {
            queue.make_blank(local);
            // What is written next numbers those that are left.
            Record::Withdrawn { local }.encode(&mut queue.unwritten);
        }
        queue
    }

    /// The whole queue as records, in place of all that were written.
    pub(crate) fn image(&mut self) -> Vec<u8> {
        self.unwritten.clear();
        self.unsynced = false;
        let mut image = Vec::new();
        if let Some((writer, next)) = self.writer {
            Record::Writer { writer, next }.encode(&mut image);
        }
        for entry in &self.entries {
            entry.record().encode(&mut image);
        }
        image
    }

    /// What has to be written since the last call, and whether it must be synced.
    pub(crate) fn take_unwritten(&mut self) -> (Vec<u8>, bool) {
        (std::mem::take(&mut self.unwritten), std::mem::take(&mut self.unsynced))
    }

    /// Adds a request at the end, or joins one with the same message id that is on its way.
    pub(crate) fn push(&mut self, action: Action) -> Result<Ticket, RequestError> {
        let (tell, resolution) = oneshot::channel();
        if let Some(local) = message_id(&action).and_then(|id| self.by_id.get(id)).copied() {
            let entry = self.find(local).expect("ids point at entries");
            entry.waiters.push(tell);
            return Ok(Ticket { local, resolution });
        }
        let bytes = size_of(&action);
        if self.entries.len() >= ENTRIES_MAX || self.bytes + bytes > OUTBOX_MAX_BYTES {
            return Err(RequestError::refused(
                "outbox-full",
                "too much is waiting to be sent already",
            ));
        }
        let local = self.next_local;
        self.next_local += 1;
        let number = self.writer.as_mut().map(|(_, next)| {
            let number = *next;
            *next = next.next();
            number
        });
        self.insert(local, number, action, false);
        let entry = self.entries.back_mut().expect("just inserted");
        entry.waiters.push(tell);
        // Not on the disk before `written` says so.
        entry.written = Position(u64::MAX);
        entry.record().encode(&mut self.unwritten);
        self.unsynced = true;
        Ok(Ticket { local, resolution })
    }

    /// The entries pushed and the numbers given since the last call end here in the file.
    pub(crate) fn written(&mut self, at: Position) {
        if self.numbered == Position(u64::MAX) {
            self.numbered = at;
        }
        for entry in self.entries.iter_mut().rev() {
            if entry.written != Position(u64::MAX) {
                break;
            }
            entry.written = at;
        }
    }

    /// What to do next, if the file is on the disk up to there.
    pub(crate) fn next(&mut self, durable: Position) -> Next {
        if self.writer_gone && !self.any_in_flight() {
            self.drop_writer();
        }
        let ready = |entry: &Entry| !entry.in_flight && entry.written <= durable;
        let Some((writer, _)) = self.writer else {
            return if self.entries.front().is_some_and(ready) {
                Next::Grant
            } else {
                Next::Wait
            };
        };
        if self.writer_gone || self.numbered > durable {
            return Next::Wait;
        }
        if let Some(filler) = &mut self.filler {
            if std::mem::replace(&mut filler.in_flight, true) {
                return Next::Wait;
            }
            return Next::Send {
                entry: EntryRef::Filler,
                writer,
                number: filler.number,
                action: blank(),
            };
        }
        let Some(oldest) = self.entries.front().and_then(|entry| entry.number) else {
            return Next::Wait;
        };
        let Some(entry) = self.entries.iter_mut().find(|entry| !entry.in_flight) else {
            return Next::Wait;
        };
        let number = entry.number.expect("with a writer every entry has a number");
        if entry.written > durable || number.0 >= oldest.0 + WINDOW {
            return Next::Wait;
        }
        entry.in_flight = true;
        Next::Send {
            entry: EntryRef::Local(entry.local),
            writer,
            number,
            action: entry.action.clone(),
        }
    }

    /// A writer was granted.
    pub(crate) fn granted(&mut self, writer: WriterId) {
        self.number_all(writer);
        self.record_numbers(&Record::Granted { writer });
    }

    /// An answer came.
    pub(crate) fn answered(&mut self, which: EntryRef, result: Result<Done, Failure>) -> Verdict {
        let local = match which {
            EntryRef::Local(local) => local,
            EntryRef::Filler => return self.filler_answered(result),
        };
        let Some(entry) = self.find(local) else {
            return Verdict::Onward;
        };
        entry.in_flight = false;
        let number = entry.number;
        let uncertain = entry.uncertain;
        match result {
            Ok(done) => self.resolve(local, Ok(done)),
            Err(Failure::Unavailable { code }) => return Verdict::AgainLater { code },
            Err(Failure::Unknown) => {
                entry.uncertain = true;
                return Verdict::AgainLater {
                    code: "unknown".to_owned(),
                };
            }
            Err(Failure::Refused {
                code,
                message,
                expected,
            }) => match code.as_str() {
                "gap" => return self.gap(number, expected),
                "writer-expired" => {
                    self.writer_gone = true;
                    return Verdict::Again;
                }
                "receipt-gone" => {
                    entry.uncertain = true;
                    self.writer_gone = true;
                    return Verdict::Again;
                }
                // Not from the log, so it says nothing about what was sent before.
                "rate-limited" if uncertain => return Verdict::AgainLater { code },
                "rate-limited" => {
                    self.resolve(local, Err(RequestError::Refused { code, message }));
                    self.free(number);
                }
                "not-logged-in" if uncertain => self.resolve(local, Err(RequestError::Unknown)),
                _ => self.resolve(local, Err(RequestError::Refused { code, message })),
            },
        }
        Verdict::Onward
    }

    /// The link is gone: nobody will answer what was sent over it.
    pub(crate) fn lost(&mut self) {
        for entry in self.entries.iter_mut().filter(|entry| entry.in_flight) {
            entry.in_flight = false;
            entry.uncertain = true;
        }
        if let Some(filler) = &mut self.filler {
            filler.in_flight = false;
        }
    }

    /// Its asker waits no longer (and has closed its receiver). Whether it surely will not happen; `None` if it has its
    /// answer already.
    pub(crate) fn give_up(&mut self, local: u64) -> Option<bool> {
        let entry = self.find(local)?;
        entry.waiters.retain(|waiter| !waiter.is_closed());
        if !entry.waiters.is_empty() {
            return Some(false);
        }
        let certain = !entry.in_flight && !entry.uncertain;
        // A message that may be there is finished, under its id. Nothing else must happen long after it was asked for.
        if certain || entry.id().is_none() {
            self.make_blank(local);
            Record::Withdrawn { local }.encode(&mut self.unwritten);
        }
        Some(certain)
    }

    /// The disk failed at this place: what comes after it was never kept, and is not sent.
    pub(crate) fn disk_failed(&mut self, durable: Position) {
        // What is kept is sent all the same, as long as this process lives.
        self.numbered = Position::default();
        while self
            .entries
            .back()
            .is_some_and(|entry| entry.written > durable && !entry.in_flight)
        {
            let local = self.entries.back().expect("there is one").local;
            self.resolve(local, Err(outbox_failed()));
        }
    }

    /// Up to where the file must be on the disk for this message to be there.
    pub(crate) fn written_at(&self, id: &MessageId) -> Option<Position> {
        let position = self.position(*self.by_id.get(id)?)?;
        Some(self.entries[position].written)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many requests have no answer. What is only there to use up a number is none.
    pub(crate) fn waiting(&self) -> usize {
        self.entries.len() - self.blanks
    }

    /// Bytes that a compacted file would have, about.
    pub(crate) fn live_bytes(&self) -> usize {
        self.bytes
    }

    fn any_in_flight(&self) -> bool {
        self.filler.as_ref().is_some_and(|filler| filler.in_flight) || self.entries.iter().any(|entry| entry.in_flight)
    }

    fn position(&self, local: u64) -> Option<usize> {
        self.entries.binary_search_by_key(&local, |entry| entry.local).ok()
    }

    fn find(&mut self, local: u64) -> Option<&mut Entry> {
        let position = self.position(local)?;
        self.entries.get_mut(position)
    }

    fn insert(&mut self, local: u64, number: Option<RequestNo>, action: Action, uncertain: bool) {
        if let Some(id) = message_id(&action) {
            self.by_id.insert(id.clone(), local);
        }
        let bytes = size_of(&action);
        self.bytes += bytes;
        self.entries.push_back(Entry {
            local,
            number,
            action,
            bytes,
            written: Position::default(),
            in_flight: false,
            uncertain,
            blank: false,
            waiters: Vec::new(),
        });
    }

    fn remove(&mut self, local: u64) -> Option<Entry> {
        let entry = self.entries.remove(self.position(local)?)?;
        self.bytes -= entry.bytes;
        self.blanks -= usize::from(entry.blank);
        if let Some(id) = entry.id() {
            self.by_id.remove(id);
        }
        Some(entry)
    }

    fn resolve(&mut self, local: u64, resolution: Resolution) {
        if let Some(entry) = self.remove(local) {
            Record::Resolved { local }.encode(&mut self.unwritten);
            for waiter in entry.waiters {
                // Whoever waits no longer has been told so.
                let _ = waiter.send(resolution.clone());
            }
        }
    }

    fn make_blank(&mut self, local: u64) {
        let Some(position) = self.position(local) else {
            return;
        };
        let entry = &mut self.entries[position];
        if entry.number.is_none() {
            self.remove(local);
            return;
        }
        if let Action::PostMessage(post) = &entry.action {
            self.by_id.remove(&post.id);
        }
        entry.action = blank();
        self.blanks += usize::from(!std::mem::replace(&mut entry.blank, true));
        self.bytes -= entry.bytes;
        entry.bytes = size_of(&entry.action);
        self.bytes += entry.bytes;
    }

    fn number_all(&mut self, writer: WriterId) {
        let mut next = RequestNo(1);
        for entry in &mut self.entries {
            entry.number = Some(next);
            next = next.next();
        }
        self.writer = Some((writer, next));
        self.writer_gone = false;
        self.filler = None;
    }

    /// What the old writer left unresolved waits for a new one. A message cannot double under it, since its id is known to
    /// the cluster; anything else that may have happened is told as unknown.
    fn drop_writer(&mut self) {
        self.writer = None;
        self.writer_gone = false;
        self.filler = None;
        let lost: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.uncertain && entry.id().is_none())
            .map(|entry| entry.local)
            .collect();
        for local in lost {
            self.resolve(local, Err(RequestError::Unknown));
        }
        for entry in &mut self.entries {
            entry.number = None;
        }
    }

    /// The log never saw this number: those after it move up, where none of them is on its way. Else the gap will tell.
    fn free(&mut self, number: Option<RequestNo>) {
        let Some(number) = number.filter(|_| self.writer.is_some()) else {
            return;
        };
        let is_later = |entry: &&Entry| entry.number > Some(number);
        let mut later = self.entries.iter().filter(is_later);
        if !later.any(|entry| entry.in_flight || entry.uncertain) {
            self.move_up(number);
            self.record_numbers(&Record::Freed { number });
        }
    }

    fn move_up(&mut self, freed: RequestNo) {
        let Some((_, next)) = &mut self.writer else {
            return;
        };
        *next = freed;
        for entry in self.entries.iter_mut().filter(|entry| entry.number > Some(freed)) {
            entry.number = Some(*next);
            *next = next.next();
        }
    }

    fn record_numbers(&mut self, record: &Record) {
        record.encode(&mut self.unwritten);
        self.unsynced = true;
        // Not on the disk before `written` says so.
        self.numbered = Position(u64::MAX);
    }

    fn gap(&mut self, number: Option<RequestNo>, expected: Option<RequestNo>) -> Verdict {
        let (Some(number), Some(expected)) = (number, expected) else {
            self.writer_gone = true;
            return Verdict::Again;
        };
        let far = number.0.saturating_sub(expected.0) > WINDOW;
        if expected > number || far {
            // These numbers are not those that this outbox has given.
            self.writer_gone = true;
        } else if expected < number && !self.entries.iter().any(|entry| entry.number == Some(expected)) {
            // Its request was answered before it reached the log, so its number is still to be used.
            let in_flight = false;
            self.filler.get_or_insert(Filler {
                number: expected,
                in_flight,
            });
        }
        Verdict::Again
    }

    fn filler_answered(&mut self, result: Result<Done, Failure>) -> Verdict {
        let number = self.filler.as_ref().map(|filler| filler.number);
        if let Some(filler) = &mut self.filler {
            filler.in_flight = false;
        }
        match result {
            Err(Failure::Unavailable { code }) => Verdict::AgainLater { code },
            Err(Failure::Unknown) => Verdict::AgainLater {
                code: "unknown".to_owned(),
            },
            Err(Failure::Refused { code, expected, .. }) if code == "gap" => {
                self.filler = None;
                self.gap(number, expected)
            }
            Err(Failure::Refused { code, .. }) if code == "writer-expired" => {
                self.writer_gone = true;
                Verdict::Again
            }
            _ => {
                self.filler = None;
                Verdict::Onward
            }
        }
    }
}

impl Entry {
    fn id(&self) -> Option<&MessageId> {
        message_id(&self.action)
    }

    fn record(&self) -> Record {
        Record::Entry {
            local: self.local,
            number: self.number,
            action: self.action.clone(),
        }
    }
}
