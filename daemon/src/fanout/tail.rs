//! The last events of a room that is followed, encoded once and shared by all who follow it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use quorate_core::Seq;

/// Events kept of a room at the most: a follower further behind reads from the store.
const ROOM_EVENTS_MAX: usize = 256;
/// Bytes kept of a room at the most.
const ROOM_BYTES_MAX: usize = 256 * 1024;
/// Bytes kept of all rooms at the most: past it, rooms keep their newest event only.
const ALL_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A run of events without a gap, ending with the newest.
#[derive(Debug)]
pub(super) struct Tail {
    first: Seq,
    events: VecDeque<Bytes>,
    bytes: usize,
    all_bytes: Arc<AtomicUsize>,
}

impl Tail {
    pub(super) fn new(all_bytes: Arc<AtomicUsize>) -> Self {
        Self {
            first: Seq(1),
            events: VecDeque::new(),
            bytes: 0,
            all_bytes,
        }
    }

    /// Takes the newest event in, and lets the oldest go where the limits say so.
    pub(super) fn push(&mut self, seq: Seq, event: Bytes) {
        if self.last() != Some(Seq(seq.0.saturating_sub(1))) {
            self.clear();
            self.first = seq;
        }
        self.bytes += event.len();
        self.all_bytes.fetch_add(event.len(), Ordering::Relaxed);
        self.events.push_back(event);
        while self.events.len() > 1 && self.is_over() {
            let gone = self.events.pop_front().map_or(0, |event| event.len());
            self.first = self.first.next();
            self.bytes -= gone;
            self.all_bytes.fetch_sub(gone, Ordering::Relaxed);
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.all_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = 0;
        self.events.clear();
    }

    /// Forgets everything if it may hold a line up to and with this one; true if it holds nothing now.
    pub(super) fn void(&mut self, upto: Seq) -> bool {
        if self.first <= upto {
            self.clear();
        }
        self.events.is_empty()
    }

    /// The seq of the newest event; `None` when nothing is known.
    pub(super) fn last(&self) -> Option<Seq> {
        (!self.events.is_empty()).then(|| Seq(self.first.0 + self.events.len() as u64 - 1))
    }

    /// What comes after `cursor`, at least one event and at most about `bytes_max`; `None` when the
    /// tail does not reach back that far, or has nothing newer.
    pub(super) fn after(&self, cursor: Seq, bytes_max: usize) -> Option<Vec<Bytes>> {
        let skip = usize::try_from(cursor.next().0.checked_sub(self.first.0)?).ok()?;
        let mut bytes = 0;
        let events: Vec<_> = self
            .events
            .iter()
            .skip(skip)
            .take_while(|event| {
                let fits = bytes == 0 || bytes + event.len() <= bytes_max;
                bytes += event.len();
                fits
            })
            .cloned()
            .collect();
        (!events.is_empty()).then_some(events)
    }

    fn is_over(&self) -> bool {
        self.events.len() > ROOM_EVENTS_MAX
            || self.bytes > ROOM_BYTES_MAX
            || self.all_bytes.load(Ordering::Relaxed) > ALL_BYTES_MAX
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.clear();
    }
}
