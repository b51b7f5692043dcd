//! A session's feeds: pulled from its own cursors, one page at a time, in turn.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::FuturesUnordered;
use quorate_core::{DeviceId, LogIndex, Refusal, RoomId, Seq, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::{self, Answer, Called, Failure, Feed, FeedEnded, Subscribe, Subscribed, Unsubscribe};

use super::account::{not_logged_in, parse};
use super::reply::{self, by_core, refused, unavailable};
use super::serve::{Finished, Handled, Pending};
use super::services::Services;
use crate::fanout::{Mailbox, Pull, Subscription};
use crate::store::Range;

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
    events: Option<Vec<Bytes>>,
}

/// All feeds of a session.
pub(super) struct Feeds {
    services: Arc<Services>,
    device: DeviceId,
    mailbox: Arc<Mailbox>,
    open: BTreeMap<u32, Open>,
    /// Whom the session spoke for when it last subscribed.
    user: Option<UserId>,
}

struct Open {
    subscription: Subscription,
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
            open: BTreeMap::new(),
            user: None,
        }
    }

    pub(super) fn user(&self) -> Option<UserId> {
        self.user
    }

    /// Waits until feeds have something. Cancel-safe.
    pub(super) async fn woken(&self) -> Vec<u32> {
        self.mailbox.woken().await
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
        let (room, name, last) = self.services.reader.with_state(|state| {
            let id = state
                .readable_room(user, &ask.room)
                .map_err(|refusal| by_core(&refusal))?;
            let room = state.room(id).ok_or_else(|| by_core(&Refusal::UnknownRoom))?;
            Ok((id, room.name.clone(), room.last_seq))
        })?;
        let from = ask
            .from
            .map_or_else(|| last.next(), |from| from.clamp(Seq(1), last.next()));
        let subscription = self
            .services
            .hub
            .subscribe(room, ask.feed, &self.mailbox, Seq(from.0 - 1));
        self.user = Some(user);
        self.open.insert(
            ask.feed,
            Open {
                subscription,
                is_reading: false,
                is_woken: false,
            },
        );
        Ok(Subscribed { room: name, from, last })
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
        // The membership may have ended while the read waited for its turn.
        if !self.may_read(read.feed) {
            return self.end(read.feed, "not-a-member", out);
        }
        let Some(events) = read.events else {
            return self.end(read.feed, "unavailable", out);
        };
        let is_all = events.is_empty();
        if !is_all {
            self.hand_on(read.feed, events, out);
        }
        self.pull_one(read.feed, is_all && !is_woken, out, pending);
    }

    /// `is_all`: the store was just seen to hold nothing after the cursor.
    fn pull_one(&mut self, feed: u32, is_all: bool, out: &mut Vec<Frame>, pending: &FuturesUnordered<Pending>) {
        if !self.may_read(feed) {
            return self.end(feed, "not-a-member", out);
        }
        let Some(open) = self.open.get_mut(&feed) else { return };
        match open.subscription.pull(PAGE_BYTES) {
            Pull::Nothing => {}
            Pull::Unknown if is_all => {}
            Pull::Events(events) => {
                self.hand_on(feed, events, out);
                // There may be more; the other feeds have their turn first.
                if let Some(open) = self.open.get(&feed) {
                    open.subscription.wake();
                }
            }
            Pull::Store | Pull::Unknown => {
                open.is_reading = true;
                let (room, after) = (open.subscription.room(), open.subscription.cursor());
                pending.push(self.read_store(feed, room, after));
            }
        }
    }

    fn end(&mut self, feed: u32, code: &str, out: &mut Vec<Frame>) {
        self.open.remove(&feed);
        out.push(client::frame(&FeedEnded {
            feed,
            code: code.to_owned(),
        }));
    }

    fn hand_on(&mut self, feed: u32, events: Vec<Bytes>, out: &mut Vec<Frame>) {
        let Some(open) = self.open.get_mut(&feed) else { return };
        let first = open.subscription.cursor().next();
        open.subscription.advance(events.len());
        open.subscription.wake();
        out.push(client::frame(&Feed {
            feed,
            first,
            events,
            seen: self.services.reader.applied(),
        }));
    }

    fn may_read(&self, feed: u32) -> bool {
        let (Some(open), Some(user)) = (self.open.get(&feed), self.user) else {
            return true;
        };
        let (room, device) = (open.subscription.room(), &self.device);
        self.services.reader.with_state(|state| {
            let is_users = state.device(device).is_some_and(|device| device.user == user);
            is_users && state.member(room, user).is_some()
        })
    }

    fn read_store(&self, feed: u32, room: RoomId, after: Seq) -> Pending {
        let reader = self.services.reader.clone();
        let read = async move {
            let events = reader.history(room, Range::After(after), PAGE_EVENTS, PAGE_BYTES).await;
            let events = events
                .ok()
                .map(|events| events.into_iter().map(|event| event.bytes).collect());
            Finished::Feed(FromStore {
                feed,
                room,
                after,
                events,
            })
        };
        read.boxed()
    }
}
