//! One session with one node: requests and their replies, feeds, bulk asks, and whether the node is still there.
//!
//! Knows nothing of other nodes and repeats nothing: when it is over, whoever waits is told [`Lost`].

mod bulk;
mod liveness;
mod reader;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use quorate_certs::CaFingerprint;
use quorate_core::{NodeId, RoomRef, Seq};
use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, Answer, Body, Called, Failure, Feed, Hello, IsTyping, Reply, Subscribe, Subscribed, Unsubscribe, Welcome,
    kind,
};
use quorate_transport::{CloseCode, Connection, FrameReceiver, FrameSender, Priority};
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout};

use crate::bar::Bar;

pub(crate) use bulk::{BulkFailed, Found, HistoryAnswer};

use crate::seen::Seen;

/// Requests in flight, the most that a node takes of one session.
const REQUESTS_MAX: usize = 256;
/// Histories, searches and the like in flight. A node allows 16 streams, and one is the session itself.
const BULKS_MAX: usize = 8;
/// Frames that wait to be written.
const OUT_MAX: usize = REQUESTS_MAX + 64;
/// Frames written at once.
const WRITE_MAX: usize = 64;
/// Frames of one feed that wait to be taken. Beyond that its reader is too slow, and the feed is given up.
const FEED_FRAMES_MAX: usize = 32;
/// With what a node closes a session of a device that is not logged in, or not any more.
const DISMISSALS: [CloseCode; 2] = [CloseCode::Revoked, CloseCode::IdleUnauth];
/// From the first frame to the node's.
const HELLO_DEADLINE: Duration = Duration::from_secs(3);

/// The session is over; what was asked has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the session is over")]
pub(crate) struct Lost;

/// Why a connection did not become a session.
#[derive(Debug, Error)]
pub(crate) enum HelloError {
    #[error("the node did not answer in time")]
    Late,
    #[error("{0}")]
    Ended(String),
    #[error("{}", .0.cause())]
    Barred(Bar),
    #[error("the node speaks something else")]
    Protocol,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Alive,
    /// It has been silent for longer than usual.
    Suspect,
    /// It is over.
    Dead(Death),
}

/// What somebody waits for at the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    Answer,
    Feed,
    Nothing,
}

/// How a session came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Death {
    pub(crate) cause: String,
    /// The node closed it because the device is not logged in: another one would say the same.
    pub(crate) dismissed: bool,
    /// The node closed it since it does not let this device in: another one would say the same.
    pub(crate) bar: Option<Bar>,
}

/// What comes over a feed.
#[derive(Debug)]
pub(crate) enum FeedPart {
    Events(Feed),
    Ended(String),
}

/// A session. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Link(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    connection: Connection,
    addr: String,
    welcome: Welcome,
    seen: Arc<Seen>,
    out: mpsc::Sender<Frame>,
    table: Mutex<Table>,
    places: Arc<Semaphore>,
    bulks: Semaphore,
    status: watch::Sender<Status>,
    leader: watch::Sender<Option<NodeId>>,
    /// Where the nodes are reached, once that is not what the welcome said.
    nodes: watch::Sender<Vec<String>>,
    goodbye: watch::Sender<Option<String>>,
    /// Since when the node has not been able to change anything.
    trouble: watch::Sender<Option<Instant>>,
    began: Instant,
    /// Milliseconds after `began`.
    heard_ms: AtomicU64,
    pong: Notify,
    awaited: Notify,
    /// Where it is told who is writing, once somebody may want to know.
    typing: OnceLock<broadcast::Sender<IsTyping>>,
}

#[derive(Debug, Default)]
struct Table {
    calls: u64,
    feeds_made: u32,
    pending: HashMap<u64, Waiting>,
    feeds: HashMap<u32, mpsc::Sender<FeedPart>>,
    bulks: usize,
    over: bool,
}

#[derive(Debug)]
struct Waiting {
    tell: oneshot::Sender<Reply>,
    _place: OwnedSemaphorePermit,
}

/// A session that is closed unless somebody takes it.
#[derive(Debug)]
pub(crate) struct Spare(Option<Link>);

impl Spare {
    pub(crate) fn new(link: Link) -> Self {
        Self(Some(link))
    }

    pub(crate) fn take(mut self) -> Option<Link> {
        self.0.take().filter(|link| !link.is_dead())
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        self.0.iter().for_each(Link::close);
    }
}

/// The reply to a request that was sent.
#[derive(Debug)]
pub(crate) struct Pending(oneshot::Receiver<Reply>);

impl Pending {
    pub(crate) async fn reply(self) -> Result<Result<Answer, Failure>, Lost> {
        self.0.await.map(|reply| reply.result).map_err(|_| Lost)
    }
}

impl Link {
    /// Opens the session's stream and greets the node.
    pub(crate) async fn open(connection: Connection, addr: &str, seen: &Arc<Seen>) -> Result<Self, HelloError> {
        let greeting = async {
            let ended = |error: &dyn std::error::Error| HelloError::Ended(error.to_string());
            let (mut sender, mut receiver) = connection
                .open(Priority::Control)
                .await
                .map_err(|error| ended(&error))?;
            let hello = Hello {
                minor: client::MINOR,
                program: concat!("quorate-client/", env!("CARGO_PKG_VERSION")).to_owned(),
                seen: seen.index(),
                cluster: seen.cluster(),
            };
            sender
                .send(&client::frame(&hello))
                .await
                .map_err(|error| ended(&error))?;
            let first = receiver.recv().await.map_err(|error| ended(&error))?;
            let first = first
                .filter(|frame| frame.kind == kind::WELCOME)
                .ok_or(HelloError::Protocol)?;
            let welcome: Welcome = client::parse(&first).map_err(|_| HelloError::Protocol)?;
            seen.welcomed(&welcome.cluster, hello.seen, welcome.seen);
            Ok((sender, receiver, welcome))
        };
        let greeted = timeout(HELLO_DEADLINE, greeting).await.map_err(|_| HelloError::Late)?;
        let (sender, receiver, welcome) = greeted.map_err(|error: HelloError| {
            let said = connection.close_reason().and_then(|reason| reason.code());
            said.and_then(Bar::of).map_or(error, HelloError::Barred)
        })?;
        Ok(Self::begin(connection, addr, seen, sender, receiver, welcome))
    }

    fn begin(
        connection: Connection,
        addr: &str,
        seen: &Arc<Seen>,
        sender: FrameSender,
        receiver: FrameReceiver,
        welcome: Welcome,
    ) -> Self {
        let (out, written) = mpsc::channel(OUT_MAX);
        let now = Instant::now();
        let link = Self(Arc::new(Shared {
            connection,
            addr: addr.to_owned(),
            seen: Arc::clone(seen),
            out,
            table: Mutex::default(),
            places: Arc::new(Semaphore::new(REQUESTS_MAX)),
            bulks: Semaphore::new(BULKS_MAX),
            status: watch::Sender::new(Status::Alive),
            leader: watch::Sender::new(welcome.leader),
            nodes: watch::Sender::default(),
            goodbye: watch::Sender::new(None),
            trouble: watch::Sender::new(welcome.leader.is_none().then_some(now)),
            began: now,
            heard_ms: AtomicU64::new(0),
            pong: Notify::new(),
            awaited: Notify::new(),
            typing: OnceLock::new(),
            welcome,
        }));
        tokio::spawn(write(link.clone(), sender, written));
        tokio::spawn(reader::read(link.clone(), receiver));
        tokio::spawn(liveness::watch(link.clone()));
        link
    }

    pub(crate) fn welcome(&self) -> &Welcome {
        &self.0.welcome
    }

    /// The CA that the handshake has shown and verified.
    pub(crate) fn ca(&self) -> Option<CaFingerprint> {
        self.0.connection.ca()
    }

    pub(crate) fn node(&self) -> NodeId {
        self.0.welcome.node
    }

    pub(crate) fn addr(&self) -> &str {
        &self.0.addr
    }

    pub(crate) fn rtt(&self) -> Duration {
        self.0.connection.rtt()
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.0.status.subscribe()
    }

    pub(crate) fn leader(&self) -> watch::Receiver<Option<NodeId>> {
        self.0.leader.subscribe()
    }

    pub(crate) fn nodes(&self) -> watch::Receiver<Vec<String>> {
        self.0.nodes.subscribe()
    }

    pub(crate) fn goodbye(&self) -> watch::Receiver<Option<String>> {
        self.0.goodbye.subscribe()
    }

    pub(crate) fn trouble(&self) -> watch::Receiver<Option<Instant>> {
        self.0.trouble.subscribe()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn is_dead(&self) -> bool {
        matches!(*self.0.status.borrow(), Status::Dead(_))
    }

    /// Until it is over, and why.
    pub(crate) async fn dead(&self) -> String {
        let mut status = self.status();
        match status
            .wait_for(|status| matches!(status, Status::Dead(_)))
            .await
            .as_deref()
        {
            Ok(Status::Dead(death)) => death.cause.clone(),
            _ => "closed".to_owned(),
        }
    }

    /// The node could, or could not, have something changed.
    pub(crate) fn report(&self, could: bool) {
        self.0.trouble.send_if_modified(|since| match (could, since.is_some()) {
            (true, true) => since.take().is_some(),
            (false, false) => since.replace(Instant::now()).is_none(),
            _ => false,
        });
    }

    /// Sends a request. Waits while too many are in flight.
    pub(crate) async fn request<T>(&self, body: T) -> Result<Pending, Lost>
    where
        Called<T>: Body,
    {
        let place = Arc::clone(&self.0.places).acquire_owned().await.map_err(|_| Lost)?;
        // Both waits come first: a caller that gives up leaves nothing in the table that no reply would ever take out.
        let out = self.0.out.reserve().await.map_err(|_| Lost)?;
        let (tell, reply) = oneshot::channel();
        let call = {
            let mut table = self.table();
            if table.over {
                return Err(Lost);
            }
            table.calls += 1;
            let call = table.calls;
            table.pending.insert(call, Waiting { tell, _place: place });
            call
        };
        self.0.awaited.notify_one();
        out.send(client::frame(&Called { call, body }));
        Ok(Pending(reply))
    }

    /// Sends a request and waits for its reply.
    pub(crate) async fn call<T>(&self, body: T) -> Result<Result<Answer, Failure>, Lost>
    where
        Called<T>: Body,
    {
        self.request(body).await?.reply().await
    }

    /// Says something that is not answered. With no place in the queue it is not said.
    pub(crate) fn tell<B: Body>(&self, body: &B) {
        let _ = self.0.out.try_send(client::frame(body));
    }

    /// Tells of those who are writing from now on.
    pub(crate) fn tell_typing(&self, to: broadcast::Sender<IsTyping>) {
        // There is one client behind a session, so what was set before is the same.
        let _ = self.0.typing.set(to);
    }

    /// Follows a room. Events may come before the reply is read; the feed ends without a last word when its reader was too
    /// slow or the session is over.
    pub(crate) async fn subscribe(
        &self,
        room: RoomRef,
        from: Option<Seq>,
    ) -> Result<Result<(Subscribed, LinkFeed), Failure>, Lost> {
        let (parts, receiver) = mpsc::channel(FEED_FRAMES_MAX);
        let feed = {
            let mut table = self.table();
            table.feeds_made += 1;
            let feed = table.feeds_made;
            table.feeds.insert(feed, parts);
            feed
        };
        let feed = LinkFeed {
            link: self.clone(),
            feed,
            parts: receiver,
        };
        let subscribe = Subscribe {
            feed: feed.feed,
            room,
            from,
        };
        match self.call(subscribe).await? {
            Ok(Answer::Subscribed(subscribed)) => Ok(Ok((subscribed, feed))),
            Ok(_) => {
                self.die("the node answered something else than it was asked");
                Err(Lost)
            }
            Err(failure) => Ok(Err(failure)),
        }
    }

    /// Ends the session from this side.
    pub(crate) fn close(&self) {
        self.end("closed", CloseCode::Ok);
    }

    fn die(&self, cause: &str) {
        self.end(cause, CloseCode::Protocol);
    }

    fn end(&self, cause: &str, code: CloseCode) {
        let (pending, feeds) = {
            let mut table = self.table();
            if std::mem::replace(&mut table.over, true) {
                return;
            }
            (std::mem::take(&mut table.pending), std::mem::take(&mut table.feeds))
        };
        // Before this side closes too, which would be the reason from then on.
        let said = self.0.connection.close_reason().and_then(|reason| reason.code());
        self.set_status(Status::Dead(Death {
            cause: cause.to_owned(),
            dismissed: said.is_some_and(|code| DISMISSALS.contains(&code)),
            bar: said.and_then(Bar::of),
        }));
        self.0.places.close();
        self.0.bulks.close();
        self.0.connection.close(code, "");
        drop((pending, feeds));
    }

    fn set_status(&self, to: Status) {
        self.0.status.send_if_modified(|status| {
            let changes = *status != to && !matches!(status, Status::Dead(_));
            if changes {
                *status = to;
            }
            changes
        });
    }

    fn heal(&self) {
        self.set_status(Status::Alive);
    }

    fn demand(&self) -> Demand {
        let table = self.table();
        if !table.pending.is_empty() || table.bulks > 0 {
            Demand::Answer
        } else if table.feeds.is_empty() {
            Demand::Nothing
        } else {
            Demand::Feed
        }
    }

    fn heard(&self) {
        let ms = u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.heard_ms.store(ms.saturating_add(1), Ordering::Release);
    }

    /// Up to a millisecond late, so that what is heard in the millisecond of a ping counts as its answer.
    fn heard_at(&self) -> Instant {
        self.0.began + Duration::from_millis(self.0.heard_ms.load(Ordering::Acquire))
    }

    /// Tells the node that a feed is not read any more. Nobody waits for its reply.
    fn drop_feed(&self, feed: u32) {
        let call = {
            let mut table = self.table();
            if table.feeds.remove(&feed).is_none() {
                return;
            }
            table.calls += 1;
            table.calls
        };
        // With no place in the queue the node goes on sending what is then thrown away, until the session ends.
        let _ = self.0.out.try_send(client::frame(&Called {
            call,
            body: Unsubscribe { feed },
        }));
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A feed as it comes from one node. Dropped, it is unsubscribed.
#[derive(Debug)]
pub(crate) struct LinkFeed {
    link: Link,
    feed: u32,
    parts: mpsc::Receiver<FeedPart>,
}

impl LinkFeed {
    /// The next part; `None` when the session is over or this reader was too slow. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<FeedPart> {
        self.parts.recv().await
    }
}

impl Drop for LinkFeed {
    fn drop(&mut self) {
        self.link.drop_feed(self.feed);
    }
}

async fn write(link: Link, mut sender: FrameSender, mut out: mpsc::Receiver<Frame>) {
    let mut frames = Vec::with_capacity(WRITE_MAX);
    loop {
        tokio::select! {
            count = out.recv_many(&mut frames, WRITE_MAX) => if count == 0 { return },
            _ = link.dead() => return,
        }
        let sent = tokio::select! {
            sent = sender.send_all(&frames) => sent,
            _ = link.dead() => return,
        };
        if let Err(error) = sent {
            link.die(&error.to_string());
            return;
        }
        frames.clear();
    }
}
