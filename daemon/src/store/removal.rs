//! Telling one consumer, the search index, which lines are gone without a line that says so.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_core::{Event, RoomId, Seq, StateEvent};
use tokio::sync::Notify;

/// Removals waiting for their consumer at the most, some 100 KiB. One more, and all of them give
/// way to a [`Removal::Lost`]: applying waits for nobody.
const REMOVALS_MAX: usize = 4096;

/// What is gone. A redaction is none of these: a line of the room says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// All lines of a room before this one.
    Below {
        /// Which room.
        room: RoomId,
        /// The oldest that is still kept.
        first: Seq,
    },
    /// A room, with all that was in it.
    Room(RoomId),
    /// A message's text, with those of its edits.
    Message {
        /// Where.
        room: RoomId,
        /// Its place there.
        seq: Seq,
    },
    /// More than is remembered, or a snapshot took the place of everything: anything may be gone.
    Lost,
}

/// What is removed from now on, for one consumer.
pub struct Removals(Arc<Waiting>);

impl fmt::Debug for Removals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Removals")
    }
}

impl Removals {
    /// The next one, when there is one. It is applied and can be seen in the state and in the rows.
    /// Cancel-safe.
    pub async fn next(&mut self) -> Removal {
        loop {
            if let Some(removal) = self.take() {
                return removal;
            }
            self.0.notify.notified().await;
        }
    }

    /// The next one, if there is one already.
    pub fn take(&mut self) -> Option<Removal> {
        self.0.lock().pop_front()
    }
}

#[derive(Default)]
struct Waiting {
    queue: Mutex<VecDeque<Removal>>,
    notify: Notify,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Removal>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end that tells. Without a consumer nothing is kept.
#[derive(Default)]
pub(super) struct RemovalTeller(Mutex<Option<Arc<Waiting>>>);

impl RemovalTeller {
    /// A consumer, in the place of the one that there was.
    pub(super) fn subscribe(&self) -> Removals {
        let waiting = Arc::<Waiting>::default();
        *self.lock() = Some(Arc::clone(&waiting));
        Removals(waiting)
    }

    /// Tells what the events removed.
    pub(super) fn tell(&self, events: &[Event]) {
        if events.iter().any(is_removal) {
            self.push(events.iter().flat_map(removals));
        }
    }

    /// Anything may be gone.
    pub(super) fn tell_lost(&self) {
        self.push([Removal::Lost]);
    }

    fn push(&self, removals: impl IntoIterator<Item = Removal>) {
        let mut consumer = self.lock();
        // A consumer that was dropped is forgotten.
        consumer.take_if(|waiting| Arc::strong_count(waiting) == 1);
        let Some(waiting) = consumer.as_ref() else { return };
        {
            let mut queue = waiting.lock();
            for removal in removals {
                if removal == Removal::Lost || queue.len() >= REMOVALS_MAX {
                    queue.clear();
                    queue.push_back(Removal::Lost);
                } else {
                    queue.push_back(removal);
                }
            }
        }
        waiting.notify.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Waiting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const fn is_removal(event: &Event) -> bool {
    matches!(
        event,
        Event::State(
            StateEvent::HistoryCut { .. } | StateEvent::MessagesPurged { .. } | StateEvent::RoomForgotten { .. }
        )
    )
}

fn removals(event: &Event) -> Vec<Removal> {
    match event {
        Event::State(StateEvent::HistoryCut { room, first, .. }) => vec![Removal::Below {
            room: *room,
            first: *first,
        }],
        Event::State(StateEvent::RoomForgotten { room }) => vec![Removal::Room(*room)],
        Event::State(StateEvent::MessagesPurged { messages, .. }) => {
            let message = |message: &quorate_core::Withdrawn| Removal::Message {
                room: message.room,
                seq: message.seq,
            };
            messages.iter().map(message).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;
    use quorate_core::{UserId, Withdrawn};

    const ROOM: RoomId = RoomId(7);

    fn cut(first: u64) -> Event {
        Event::State(StateEvent::HistoryCut {
            room: ROOM,
            first: Seq(first),
            messages: Vec::new(),
            reactions: Vec::new(),
            calls: Vec::new(),
        })
    }

    fn below(first: u64) -> Removal {
        Removal::Below {
            room: ROOM,
            first: Seq(first),
        }
    }

    #[test]
    fn removals_come_in_the_order_of_the_log() {
        let teller = RemovalTeller::default();
        teller.tell(&[cut(2)]);
        let mut removals = teller.subscribe();
        let withdrawn = |seq| Withdrawn {
            room: ROOM,
            seq: Seq(seq),
            author: UserId(1),
            digest: 0,
            edits: vec![Seq(seq + 1)],
        };
        let purged = StateEvent::MessagesPurged {
            user: UserId(1),
            messages: vec![withdrawn(5), withdrawn(8)],
        };
        let forgotten = StateEvent::RoomForgotten { room: ROOM };
        teller.tell(&[cut(3), Event::State(purged)]);
        teller.tell(&[Event::State(forgotten)]);
        let message = |seq| Removal::Message {
            room: ROOM,
            seq: Seq(seq),
        };
        let told: Vec<_> = std::iter::from_fn(|| removals.take()).collect();
        assert_eq!(told, [below(3), message(5), message(8), Removal::Room(ROOM)]);
    }

    #[test]
    fn a_slow_consumer_loses_all_and_is_told_so() {
        let teller = RemovalTeller::default();
        let mut removals = teller.subscribe();
        for first in 0..=REMOVALS_MAX as u64 {
            teller.tell(&[cut(first)]);
        }
        teller.tell(&[cut(9_999)]);
        let told: Vec<_> = std::iter::from_fn(|| removals.take()).collect();
        assert_eq!(told, [Removal::Lost, below(9_999)]);
    }

    #[tokio::test]
    async fn a_consumer_that_waits_is_woken() {
        let teller = RemovalTeller::default();
        let mut removals = teller.subscribe();
        let mut waiting = Box::pin(removals.next());
        assert!(waiting.as_mut().now_or_never().is_none());
        teller.tell(&[cut(3)]);
        assert_eq!(waiting.await, below(3));
    }

    #[test]
    fn nothing_is_kept_for_a_consumer_that_is_gone() {
        let teller = RemovalTeller::default();
        drop(teller.subscribe());
        teller.tell(&[cut(3)]);
        assert!(teller.lock().is_none());
    }
}
