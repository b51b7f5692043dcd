//! The rooms that are followed on this node, and who follows them.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use bytes::Bytes;
use quorate_core::{DeviceId, LogIndex, RoomId, Seq};
use tokio::sync::watch;

use super::device::{Attached, Devices};
use super::mailbox::Mailbox;
use super::tail::Tail;

/// What was applied to a room, on its way to followers.
#[derive(Clone, Debug)]
pub enum Published {
    /// A new line.
    Line {
        /// Where.
        room: RoomId,
        /// Its place there.
        seq: Seq,
        /// `quorate_protocol::event` bytes.
        bytes: Bytes,
    },
    /// Lines up to and with this one lost their texts, or are gone.
    Void {
        /// Where.
        room: RoomId,
        /// The last one that did.
        upto: Seq,
    },
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
    devices: Devices,
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
            devices: Devices::default(),
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
        let mut touched: BTreeMap<RoomId, &Arc<Room>> = BTreeMap::new();
        for published in batch {
            let (Published::Line { room: id, .. } | Published::Void { room: id, .. }) = published;
            let Some(room) = rooms.get(&id) else { continue };
            let mut followed = room.lock();
            match published {
                Published::Line { seq, bytes, .. } => {
                    followed.tail.push(seq, bytes);
                    followed.head = Some(seq);
                }
                Published::Void { upto, .. } => {
                    followed.void(upto);
                    continue;
                }
            }
            touched.insert(id, room);
        }
        // One wake a room and batch, however many events it brought.
        for room in touched.into_values() {
            room.lock().followers.iter().for_each(|follower| follower.wake());
        }
    }

    /// Forgets what tails hold of lines that have just lost their texts, or are gone: to be called
    /// before anybody is told that they have, so that who knows of it finds no such text here. The
    /// room, and the last of these lines. What this very batch brings is published later.
    pub fn forget(&self, voids: impl IntoIterator<Item = (RoomId, Seq)>) {
        let mut voids = voids.into_iter().peekable();
        if voids.peek().is_none() {
            return;
        }
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        for (room, upto) in voids {
            if let Some(room) = rooms.get(&room) {
                room.lock().void(upto);
            }
        }
    }

    /// A room is closed for ever, without a line that would say so: its followers are to look.
    pub fn closed(&self, room: RoomId) {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = rooms.get(&room) {
            room.lock().followers.iter().for_each(|follower| follower.wake());
        }
    }

    /// The state is about to be replaced by a snapshot's: what tails hold may have lost its text, or
    /// may be gone. To be called before anybody can know of that, as [`Hub::forget`]; wakes nobody,
    /// since what the store has now is not yet what comes next.
    pub fn forget_all(&self) {
        for room in self.rooms.read().unwrap_or_else(PoisonError::into_inner).values() {
            room.lock().forget();
        }
    }

    /// The state and the rows were replaced by a snapshot's: every follower is to look into the store,
    /// and every session after its device.
    pub fn replaced(&self) {
        self.devices.tell_all();
        for room in self.rooms.read().unwrap_or_else(PoisonError::into_inner).values() {
            let mut followed = room.lock();
            followed.forget();
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

    /// Tells the session behind the mailbox when this device is unbound ([`Mailbox::unbound`]), for
    /// as long as the guard lives. What was unbound before the call is not told: look at the state
    /// after it.
    #[must_use]
    pub fn attach(self: &Arc<Self>, device: &DeviceId, mailbox: &Arc<Mailbox>) -> Attached {
        Attached::new(Arc::clone(self), device, mailbox)
    }

    /// How many sessions this device has here.
    #[must_use]
    pub fn sessions_of(&self, device: &DeviceId) -> u32 {
        self.devices.sessions(device)
    }

    /// These devices speak for nobody, or for another user, as of the applied index.
    pub fn unbound(&self, devices: &[DeviceId]) {
        devices.iter().for_each(|device| self.devices.tell(device));
    }

    /// Every session is to look whether it may stay.
    pub fn look_again(&self) {
        self.devices.tell_all();
    }

    pub(super) fn devices(&self) -> &Devices {
        &self.devices
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

impl Followed {
    fn void(&mut self, upto: Seq) {
        if self.tail.void(upto) {
            // What the store holds after a cursor may be nothing, even before the head.
            self.head = None;
        }
    }

    fn forget(&mut self) {
        self.tail.clear();
        self.head = None;
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

    /// What the store has after the cursor begins with this line only: those before it are gone. The
    /// cursor goes to just before it, if it is behind.
    pub fn skip_to(&mut self, first: Seq) {
        self.cursor = self.cursor.max(Seq(first.0.saturating_sub(1)));
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
    use futures_util::FutureExt;

    use super::*;

    const ROOM: RoomId = RoomId(7);

    fn event(seq: u64) -> Published {
        Published::Line {
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

    fn void(upto: u64) -> Published {
        Published::Void {
            room: ROOM,
            upto: Seq(upto),
        }
    }

    /// A follower that has had everything up to `cursor`, in a room whose tail holds 1 to 10.
    fn following(hub: &Arc<Hub>, cursor: u64) -> Subscription {
        let feed = hub.subscribe(ROOM, 1, &Arc::default(), Seq(cursor));
        hub.publish((1..=10).map(event).collect());
        feed
    }

    #[test]
    fn a_line_that_lost_its_text_is_in_no_tail() {
        let hub: Arc<Hub> = Arc::default();
        let feed = following(&hub, 3);
        hub.publish(vec![void(5), event(11)]);
        assert_eq!(feed.pull(1000), Pull::Store);
        let hub: Arc<Hub> = Arc::default();
        let feed = following(&hub, 3);
        hub.forget([(ROOM, Seq(5))]);
        assert_eq!(feed.pull(1000), Pull::Unknown);
    }

    #[test]
    fn a_line_posted_and_voided_in_one_batch_is_in_no_tail() {
        let hub: Arc<Hub> = Arc::default();
        let feed = following(&hub, 10);
        hub.publish(vec![event(11), void(11), event(12)]);
        assert_eq!(feed.pull(1000), Pull::Store);
    }

    #[test]
    fn who_has_the_lost_text_already_gets_what_comes_after_it_from_the_tail_once() {
        let hub: Arc<Hub> = Arc::default();
        let mut feed = following(&hub, 10);
        hub.forget([(ROOM, Seq(5))]);
        hub.publish(vec![void(5), event(11), event(12)]);
        assert_eq!(texts(feed.pull(1000)), ["event 11", "event 12"]);
        feed.advance(2);
        assert_eq!(feed.pull(1000), Pull::Nothing);
    }

    #[test]
    fn a_tail_that_begins_after_what_is_void_stays() {
        let hub: Arc<Hub> = Arc::default();
        let feed = hub.subscribe(ROOM, 1, &Arc::default(), Seq(8));
        hub.publish(vec![event(9), event(10)]);
        hub.forget([(ROOM, Seq(8))]);
        hub.publish(vec![void(8), event(11)]);
        assert_eq!(texts(feed.pull(1000)), ["event 9", "event 10", "event 11"]);
    }

    #[test]
    fn a_cursor_whose_lines_are_all_gone_does_not_ask_the_store_for_ever() {
        let hub: Arc<Hub> = Arc::default();
        let mut feed = following(&hub, 3);
        hub.forget([(ROOM, Seq(10))]);
        hub.publish(vec![void(10)]);
        assert_eq!(feed.pull(1000), Pull::Unknown);
        // The store had nothing; then a line comes, and the store gives it as the first one.
        hub.publish(vec![event(11)]);
        assert_eq!(feed.pull(1000), Pull::Store);
        feed.skip_to(Seq(11));
        assert_eq!(texts(feed.pull(1000)), ["event 11"]);
        feed.skip_to(Seq(5));
        assert_eq!(feed.cursor(), Seq(10));
    }

    #[tokio::test]
    async fn a_snapshot_voids_the_tail_and_wakes_everybody() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let mut feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish(vec![event(1)]);
        mailbox.woken().await;
        feed.pull(1000);
        feed.advance(1);
        hub.replaced();
        assert_eq!(mailbox.woken().await, [1]);
        assert_eq!(feed.pull(1000), Pull::Unknown);
    }

    #[tokio::test]
    async fn before_a_snapshot_tails_are_void_and_nobody_is_woken() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feed = hub.subscribe(ROOM, 1, &mailbox, Seq(0));
        hub.publish(vec![event(1)]);
        mailbox.woken().await;
        assert_eq!(texts(feed.pull(1000)), ["event 1"]);
        hub.forget_all();
        assert_eq!(feed.pull(1000), Pull::Unknown);
        assert!(mailbox.woken().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_batch_over_many_rooms_wakes_each_of_their_feeds_once() {
        let (hub, mailbox) = (Arc::new(Hub::default()), Arc::new(Mailbox::default()));
        let feeds: Vec<_> = (0..100)
            .map(|at| hub.subscribe(RoomId(u64::from(at)), at, &mailbox, Seq(0)))
            .collect();
        mailbox.woken().await;
        feeds.iter().for_each(|feed| assert_eq!(feed.pull(1000), Pull::Unknown));
        let lines = (1..=3).flat_map(|seq| {
            (0..50).map(move |room| Published::Line {
                room: RoomId(room),
                seq: Seq(seq),
                bytes: Bytes::from_static(b"line"),
            })
        });
        hub.publish(lines.collect());
        let mut woken = mailbox.woken().await;
        woken.sort_unstable();
        assert_eq!(woken, (0..50).collect::<Vec<_>>());
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
