//! The rooms that are followed on this node, and who follows them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use quorate_core::{LogIndex, RoomId, Seq};
use tokio::sync::watch;

use super::mailbox::Mailbox;
use super::tail::Tail;

/// An applied room event on its way to followers.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where.
    pub room: RoomId,
    /// Its place there.
    pub seq: Seq,
    /// `quorate_protocol::event` bytes.
    pub bytes: Bytes,
}

/// What a follower finds after its cursor.
#[derive(Debug, PartialEq, Eq)]
pub enum Pull {
    /// These, without a gap, beginning right after the cursor.
    Events(Vec<Bytes>),
    /// More than the tail holds: read the store from the cursor on.
    Store,
    /// No event has come by yet: the store knows whether there is something.
    Unknown,
    /// Nothing; the mailbox will say when there is.
    Nothing,
}

/// All followed rooms of a node.
#[derive(Debug)]
pub struct Hub {
    rooms: RwLock<HashMap<RoomId, Arc<Room>>>,
    tail_bytes: Arc<AtomicUsize>,
    applied: watch::Sender<LogIndex>,
}

#[derive(Debug)]
struct Room {
    inner: Mutex<Followed>,
}

#[derive(Debug)]
struct Followed {
    tail: Tail,
    /// All before it are known to be in the tail or the store; unknown until the first event.
    head: Option<Seq>,
    followers: Vec<Arc<Follower>>,
}

#[derive(Debug)]
struct Follower {
    mailbox: Arc<Mailbox>,
    feed: u32,
    /// In the mailbox already; taken back before each pull, so that nothing is missed in between.
    woken: AtomicBool,
}

impl Follower {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.mailbox.wake(self.feed);
        }
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            rooms: RwLock::default(),
            tail_bytes: Arc::default(),
            applied: watch::Sender::new(LogIndex(0)),
        }
    }
}

impl Hub {
    /// Takes in what a batch of entries made, in log order. Waits for nobody.
    pub fn publish(&self, batch: Vec<Published>) {
        if batch.is_empty() {
            return;
        }
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        if rooms.is_empty() {
            return;
        }
        let mut touched: Vec<&Arc<Room>> = Vec::new();
        for Published { room, seq, bytes } in batch {
            let Some(room) = rooms.get(&room) else { continue };
            let mut followed = room.lock();
            followed.tail.push(seq, bytes);
            followed.head = Some(seq);
            if !touched.iter().any(|known| Arc::ptr_eq(known, room)) {
                touched.push(room);
            }
        }
        // One wake a room and batch, however many events it brought.
        for room in touched {
            room.lock().followers.iter().for_each(|follower| follower.wake());
        }
    }

    /// The state was replaced by a snapshot: tails are void, and every follower looks into the
    /// store.
    pub fn reset(&self) {
        for room in self.rooms.read().unwrap_or_else(PoisonError::into_inner).values() {
            let mut followed = room.lock();
            followed.tail.clear();
            followed.head = None;
            followed.followers.iter().for_each(|follower| follower.wake());
        }
    }

    /// This node has applied up to `index`.
    pub fn applied(&self, index: LogIndex) {
        self.applied.send_if_modified(|known| {
            let news = index > *known;
            *known = index.max(*known);
            news
        });
    }

    /// Follows the applied index.
    pub fn watch_applied(&self) -> watch::Receiver<LogIndex> {
        self.applied.subscribe()
    }

    /// Follows a room from after `cursor`. The mailbox has the feed at once, since there may be
    /// something to pull already.
    pub fn subscribe(self: &Arc<Self>, id: RoomId, feed: u32, mailbox: &Arc<Mailbox>, cursor: Seq) -> Subscription {
        let follower = Arc::new(Follower {
            mailbox: Arc::clone(mailbox),
            feed,
            woken: AtomicBool::new(false),
        });
        let room = {
            let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
            let room = rooms
                .entry(id)
                .or_insert_with(|| Arc::new(Room::new(Arc::clone(&self.tail_bytes))));
            // Under the map's lock: a room whose last follower goes is taken out under it too.
            room.lock().followers.push(Arc::clone(&follower));
            Arc::clone(room)
        };
        follower.wake();
        Subscription {
            hub: Arc::clone(self),
            id,
            room,
            follower,
            cursor,
        }
    }

    fn unsubscribe(&self, id: RoomId, gone: &Arc<Follower>) {
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        let Some(room) = rooms.get(&id) else { return };
        let is_empty = {
            let mut followed = room.lock();
            followed.followers.retain(|follower| !Arc::ptr_eq(follower, gone));
            followed.followers.is_empty()
        };
        if is_empty {
            rooms.remove(&id);
        }
    }
}

impl Room {
    fn new(tail_bytes: Arc<AtomicUsize>) -> Self {
        let followed = Followed {
            tail: Tail::new(tail_bytes),
            head: None,
            followers: Vec::new(),
        };
        Self {
            inner: Mutex::new(followed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Followed> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session's place in a room. Dropping it ends the feed.
#[derive(Debug)]
pub struct Subscription {
    hub: Arc<Hub>,
    id: RoomId,
    room: Arc<Room>,
    follower: Arc<Follower>,
    cursor: Seq,
}

impl Subscription {
    /// Which room.
    #[must_use]
    pub fn room(&self) -> RoomId {
        self.id
    }

    /// The last seq that was handed on.
    #[must_use]
    pub fn cursor(&self) -> Seq {
        self.cursor
    }

    /// What comes after the cursor, about `bytes_max` at the most. Does not move the cursor.
    pub fn pull(&self, bytes_max: usize) -> Pull {
        self.follower.woken.store(false, Ordering::Release);
        let followed = self.room.lock();
        match followed.tail.after(self.cursor, bytes_max) {
            Some(events) => Pull::Events(events),
            None => match followed.head {
                None => Pull::Unknown,
                Some(head) if self.cursor >= head => Pull::Nothing,
                Some(_) => Pull::Store,
            },
        }
    }

    /// So many events were handed on.
    pub fn advance(&mut self, events: usize) {
        self.cursor.0 += events as u64;
    }

    /// The feed was taken out of the mailbox and not pulled: it goes back to the end.
    pub fn put_back(&self) {
        self.follower.mailbox.wake(self.follower.feed);
    }

    /// There is more than one pull took: come back to it after the other feeds.
    pub fn wake(&self) {
        self.follower.wake();
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.unsubscribe(self.id, &self.follower);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: RoomId = RoomId(7);

    fn event(seq: u64) -> Published {
        Published {
            room: ROOM,
            seq: Seq(seq),
            bytes: Bytes::from(format!("event {seq}")),
        }
    }

    fn texts(pull: Pull) -> Vec<String> {
        match pull {
            Pull::Events(events) => events
                .iter()
                .map(|event| String::from_utf8_lossy(event).into_owned())
                .collect(),
            other => panic!("expected events, got {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_follower_is_told_at_once_and_sent_to_the_store_while_nothing_is_known() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feed = hub.subscribe(ROOM, 3, &mailbox, Seq(4));
        assert_eq!(mailbox.woken().await, [3]);
        assert_eq!(feed.pull(1000), Pull::Unknown);
    }

    #[tokio::test]
    async fn a_batch_wakes_a_feed_once_and_is_pulled_without_a_gap() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let mut feed = hub.subscribe(ROOM, 3, &mailbox, Seq(4));
        mailbox.woken().await;
        feed.pull(1000);
        hub.publish(vec![event(5), event(6)]);
        hub.publish(vec![event(7)]);
        assert_eq!(mailbox.woken().await, [3]);
        assert_eq!(texts(feed.pull(1000)), ["event 5", "event 6", "event 7"]);
        feed.advance(3);
        assert_eq!(feed.pull(1000), Pull::Nothing);
    }

    #[test]
    fn a_cursor_before_the_tail_is_sent_to_the_store() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feed = hub.subscribe(ROOM, 1, &mailbox, Seq(2));
        hub.publish(vec![event(9)]);
        assert_eq!(feed.pull(1000), Pull::Store);
    }

    #[test]
    fn the_oldest_leave_a_full_tail() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let mut feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish((1..=300).map(event).collect());
        assert_eq!(feed.pull(1000), Pull::Store);
        feed.advance(299);
        assert_eq!(texts(feed.pull(1000)), ["event 300"]);
    }

    #[test]
    fn one_pull_takes_no_more_bytes_than_asked_but_always_one_event() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish((1..=3).map(event).collect());
        assert_eq!(texts(feed.pull(1)), ["event 1"]);
        assert_eq!(texts(feed.pull(14)), ["event 1", "event 2"]);
    }

    #[tokio::test]
    async fn a_snapshot_voids_the_tail_and_wakes_everybody() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let mut feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish(vec![event(1)]);
        mailbox.woken().await;
        feed.pull(1000);
        feed.advance(1);
        hub.reset();
        assert_eq!(mailbox.woken().await, [1]);
        assert_eq!(feed.pull(1000), Pull::Unknown);
    }

    #[test]
    fn a_room_that_nobody_follows_any_more_keeps_nothing() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish(vec![event(1)]);
        drop(feed);
        assert_eq!(hub.tail_bytes.load(Ordering::Relaxed), 0);
        assert!(hub.rooms.read().unwrap().is_empty());
    }
}
