//! A session's feeds: pulled from its own cursors, one page at a time, in turn.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use quorate_core::{DeviceId, LogIndex, Refusal, RoomId, RoomStanding, Seq, State, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, Answer, Called, Failure, Feed, FeedEnded, IsTyping, Subscribe, Subscribed, Unsubscribe,
};

use super::present::{name_of, shown};
use super::reply::{self, by_core, not_logged_in, refused, unavailable};
use super::request::{Handled, parse};
use super::serve::{Finished, Pending};
use super::services::Services;
use crate::fanout::{Mailbox, Pull, Subscription};
use crate::presence::{Ears, Following};
use crate::store::{Range, StoredEvent};

/// Feeds of one session at the most.
const FEEDS_MAX: usize = 1024;
/// Bytes of events in one frame, about; one event may be larger.
const PAGE_BYTES: usize = 32 * 1024;
/// Pages pulled in one go at the most: 256 KiB, about. The other feeds have their turn when the
/// client has taken these.
const PAGES_MAX: usize = 8;
/// Events that one read of the store brings for a feed at the most.
const PAGE_EVENTS: usize = 128;

/// What the store had for a feed.
pub(super) struct FromStore {
    feed: u32,
    room: RoomId,
    after: Seq,
    events: Option<Vec<StoredEvent>>,
}

/// Why a feed is not read on.
enum Stop {
    /// The device speaks for somebody else, or nobody: the session will have been told.
    LoggedOut,
    /// The feed is over, with this code.
    Over(&'static str),
}

/// All feeds of a session.
pub(super) struct Feeds {
    services: Arc<Services>,
    device: DeviceId,
    mailbox: Arc<Mailbox>,
    ears: Arc<Ears>,
    open: BTreeMap<u32, Open>,
    /// Whom the session speaks for.
    user: Option<UserId>,
}

struct Open {
    subscription: Subscription,
    _following: Following,
    /// A read of the store is under way; pulls wait for it.
    is_reading: bool,
    /// The feed was woken meanwhile: what the read found empty may not be any more.
    is_woken: bool,
}

impl Feeds {
    pub(super) fn new(services: &Arc<Services>, device: DeviceId) -> Self {
        let services = Arc::clone(services);
        Self {
            services,
            device,
            mailbox: Arc::default(),
            ears: Arc::default(),
            open: BTreeMap::new(),
            user: None,
        }
    }

    /// Where the session is told that feeds have something, and that its device was unbound.
    pub(super) fn mailbox(&self) -> &Arc<Mailbox> {
        &self.mailbox
    }

    /// Where the session is told who is writing.
    pub(super) fn ears(&self) -> &Arc<Ears> {
        &self.ears
    }

    /// The session speaks for this user from now on: the feeds of another one end.
    pub(super) fn speak_for(&mut self, user: Option<UserId>, out: &mut Vec<Frame>) {
        if self.user != user {
            self.user = user;
            let feeds: Vec<_> = self.open.keys().copied().collect();
            feeds.into_iter().for_each(|feed| self.end(feed, "not-logged-in", out));
        }
    }

    pub(super) fn subscribe(&mut self, frame: &Frame, seen: LogIndex) -> Handled {
        let Called { call, body } = match parse::<Subscribe>(frame, seen) {
            Ok(called) => called,
            Err(handled) => return handled,
        };
        let result = self.begin(&body, seen).map(Answer::Subscribed);
        Handled::Now(reply::reply(call, result, self.services.reader.applied()))
    }

    fn begin(&mut self, ask: &Subscribe, seen: LogIndex) -> Result<Subscribed, Failure> {
        if self.services.reader.applied() < seen {
            // Only right after a write that this node has not applied itself; the client asks again.
            return Err(unavailable("node-behind"));
        }
        if self.open.contains_key(&ask.feed) {
            return Err(refused("bad-request", "this feed is open already"));
        }
        if self.open.len() >= FEEDS_MAX {
            return Err(refused("too-many", format_args!("at most {FEEDS_MAX} feeds a session")));
        }
        let user = self.services.account(&self.device).ok_or_else(not_logged_in)?;
        if self.user != Some(user) {
            // A login or a logout is under way.
            return Err(unavailable("node-behind"));
        }
        let (room, name, first, last) = self.services.reader.with_state(|state| {
            let id = state
                .readable_room(user, &ask.room)
                .map_err(|refusal| by_core(&refusal))?;
            let room = state.room(id).ok_or_else(|| by_core(&Refusal::UnknownRoom))?;
            Ok((id, room.name.clone(), room.first_seq, room.last_seq))
        })?;
        let from = begins(ask.from, first, last);
        let subscription = self
            .services
            .hub
            .subscribe(room, ask.feed, &self.mailbox, Seq(from.0 - 1));
        self.open.insert(
            ask.feed,
            Open {
                subscription,
                _following: self.services.board.follow(room, &self.ears),
                is_reading: false,
                is_woken: false,
            },
        );
        Ok(Subscribed {
            room: name,
            from,
            last,
            first,
        })
    }

    pub(super) fn unsubscribe(&mut self, frame: &Frame) -> Handled {
        match parse::<Unsubscribe>(frame, LogIndex::default()) {
            Ok(Called { call, body }) => {
                self.open.remove(&body.feed);
                Handled::Now(reply::reply(
                    call,
                    Ok(Answer::Unsubscribed),
                    self.services.reader.applied(),
                ))
            }
            Err(handled) => handled,
        }
    }

    /// One page for each feed that has something, out of the tails; what they do not hold is asked
    /// of the store.
    pub(super) fn pull(&mut self, woken: Vec<u32>, out: &mut Vec<Frame>, pending: &FuturesUnordered<Pending>) {
        let first = out.len();
        for feed in woken {
            let Some(open) = self.open.get_mut(&feed) else { continue };
            if open.is_reading {
                // It is pulled again when the read is done.
                open.is_woken = true;
            } else if out.len() - first >= PAGES_MAX {
                open.subscription.put_back();
            } else {
                self.pull_one(feed, false, out, pending);
            }
        }
    }

    /// Takes what the store had, and looks at what came meanwhile.
    pub(super) fn take_store(&mut self, read: FromStore, out: &mut Vec<Frame>, pending: &FuturesUnordered<Pending>) {
        let Some(open) = self.open.get_mut(&read.feed) else {
            return;
        };
        // The feed may have been closed and its number used again in the meantime.
        let is_same = open.subscription.room() == read.room && open.subscription.cursor() == read.after;
        if !is_same || !open.is_reading {
            return;
        }
        open.is_reading = false;
        let is_woken = std::mem::take(&mut open.is_woken);
        let Some(events) = read.events else {
            return self.end(read.feed, "unavailable", out);
        };
        let is_all = events.is_empty();
        if let Some(StoredEvent { seq, .. }) = events.first() {
            // Lines in between are kept no longer.
            open.subscription.skip_to(*seq);
            // The membership may have ended while the read waited for its turn.
            let events = events.into_iter().map(|event| event.bytes).collect();
            if !self.hand_on(read.feed, events, out) {
                return;
            }
        }
        self.pull_one(read.feed, is_all && !is_woken, out, pending);
    }

    /// `is_all`: the store was just seen to hold nothing after the cursor.
    fn pull_one(&mut self, feed: u32, is_all: bool, out: &mut Vec<Frame>, pending: &FuturesUnordered<Pending>) {
        let Some(open) = self.open.get_mut(&feed) else { return };
        match open.subscription.pull(PAGE_BYTES) {
            Pull::Nothing => self.end_if_over(feed, out),
            Pull::Unknown if is_all => self.end_if_over(feed, out),
            Pull::Events(events) => {
                // There may be more; the other feeds have their turn first.
                self.hand_on(feed, events, out);
            }
            Pull::Store | Pull::Unknown => {
                open.is_reading = true;
                let (room, after) = (open.subscription.room(), open.subscription.cursor());
                pending.push(self.read_store(feed, room, after));
            }
        }
    }

    /// Ends what may be read no more: feeds of rooms that end without a line.
    pub(super) fn sift(&mut self, out: &mut Vec<Frame>) {
        let feeds: Vec<_> = self.open.keys().copied().collect();
        feeds.into_iter().for_each(|feed| self.end_if_over(feed, out));
    }

    /// Who is writing, as far as the session follows where.
    pub(super) fn is_typing(&self, heard: &[(RoomId, UserId)], out: &mut Vec<Frame>) {
        let Some(user) = self.user else { return };
        let rooms = |id: &RoomId| self.open.values().any(|open| open.subscription.room() == *id);
        self.services.reader.with_state(|state| {
            for (room, typist) in heard.iter().filter(|(room, typist)| *typist != user && rooms(room)) {
                let may_read = readable(state, &self.device, user, *room).is_ok();
                if let Some((room, user)) = state.room(*room).zip(name_of(state, *typist)).filter(|_| may_read) {
                    let room = room.name.clone();
                    out.push(client::frame(&IsTyping { room, user }));
                }
            }
        });
    }

    fn end(&mut self, feed: u32, code: &str, out: &mut Vec<Frame>) {
        self.open.remove(&feed);
        out.push(client::frame(&FeedEnded {
            feed,
            code: code.to_owned(),
        }));
    }

    fn end_if_over(&mut self, feed: u32, out: &mut Vec<Frame>) {
        let (Some(open), Some(user)) = (self.open.get(&feed), self.user) else {
            return;
        };
        let (room, device) = (open.subscription.room(), &self.device);
        let readable = |state: &State| readable(state, device, user, room);
        if let Err(Stop::Over(code)) = self.services.reader.with_state(readable) {
            self.end(feed, code, out);
        }
    }

    /// Hands on what comes after the cursor, if it may be read. False when it was not.
    fn hand_on(&mut self, feed: u32, events: Vec<Bytes>, out: &mut Vec<Frame>) -> bool {
        let (Some(open), Some(user)) = (self.open.get_mut(&feed), self.user) else {
            return false;
        };
        let room = open.subscription.room();
        let shown = self.services.reader.with_state(|state| {
            readable(state, &self.device, user, room)?;
            Ok(events.into_iter().map(|event| shown(state, event)).collect::<Vec<_>>())
        });
        let events = match shown {
            Ok(events) => events,
            Err(Stop::LoggedOut) => return false,
            Err(Stop::Over(code)) => {
                self.end(feed, code, out);
                return false;
            }
        };
        let delivered = &self.services.counters.delivered;
        delivered.fetch_add(events.len() as u64, Ordering::Relaxed);
        let first = open.subscription.cursor().next();
        open.subscription.advance(events.len());
        open.subscription.wake();
        out.push(client::frame(&Feed {
            feed,
            first,
            events,
            seen: self.services.reader.applied(),
        }));
        true
    }

    fn read_store(&self, feed: u32, room: RoomId, after: Seq) -> Pending {
        let reader = self.services.reader.clone();
        let read = async move {
            let events = reader.history(room, Range::After(after), PAGE_EVENTS, PAGE_BYTES).await;
            Finished::Feed(FromStore {
                feed,
                room,
                after,
                events: events.ok(),
            })
        };
        read.boxed()
    }
}

/// Where a feed begins: no earlier than what is kept, no later than what comes next.
fn begins(asked: Option<Seq>, first: Seq, last: Seq) -> Seq {
    asked.map_or(last.next(), |from| from.clamp(first.min(last.next()), last.next()))
}

/// Whether the device may read the room as this user.
fn readable(state: &State, device: &DeviceId, user: UserId, room: RoomId) -> Result<(), Stop> {
    if state.device(device).is_none_or(|device| device.user != user) {
        return Err(Stop::LoggedOut);
    }
    if state.member(room, user).is_some() {
        return Ok(());
    }
    let is_there = |room: &quorate_core::Room| room.standing != RoomStanding::Deleted;
    let is_there = state.room(room).is_some_and(is_there);
    Err(Stop::Over(if is_there { "not-a-member" } else { "unknown-room" }))
}

#[cfg(test)]
mod tests {
    use quorate_core::{Action, Command, DeleteRoom, UnbindDevice};

    use super::*;
    use crate::session::scene::{Scene, room_name};

    #[test]
    fn a_feed_begins_within_what_is_kept() {
        let (first, last) = (Seq(5), Seq(10));
        assert_eq!(begins(None, first, last), Seq(11));
        assert_eq!(begins(Some(Seq(0)), first, last), Seq(5));
        assert_eq!(begins(Some(Seq(7)), first, last), Seq(7));
        assert_eq!(begins(Some(Seq(99)), first, last), Seq(11));
        assert_eq!(begins(Some(Seq(1)), Seq(11), last), Seq(11), "all is gone");
    }

    fn told(scene: &Scene, name: &str, room: RoomId) -> Option<&'static str> {
        match readable(&scene.state, &scene.device(name), scene.id(name), room) {
            Ok(()) => None,
            Err(Stop::Over(code)) => Some(code),
            Err(Stop::LoggedOut) => Some("-"),
        }
    }

    #[test]
    fn a_feed_ends_with_the_membership_or_the_room() {
        let mut scene = Scene::of(&["ada", "bob"]);
        scene.room("ops", true, "ada", &[]);
        let room = scene.state.room_by_name(&room_name("ops")).unwrap().0;
        assert_eq!(told(&scene, "ada", room), None);
        assert_eq!(told(&scene, "bob", room), Some("not-a-member"));
        let delete = Action::DeleteRoom(DeleteRoom { room: room_name("ops") });
        scene.act("ada", delete).unwrap();
        assert_eq!(told(&scene, "ada", room), Some("unknown-room"));
        assert_eq!(told(&scene, "ada", RoomId(u64::MAX)), Some("unknown-room"));
    }

    #[test]
    fn a_device_that_was_unbound_reads_nothing() {
        let mut scene = Scene::of(&["ada"]);
        scene.room("ops", false, "ada", &[]);
        let room = scene.state.room_by_name(&room_name("ops")).unwrap().0;
        let device = scene.device("ada");
        let target = device;
        let unbound = scene.command(Command::UnbindDevice(UnbindDevice { device, target }));
        assert!(unbound.outcome.is_ok());
        assert_eq!(told(&scene, "ada", room), Some("-"));
    }
}
