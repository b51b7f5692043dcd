//! The session's one loop: what comes in, what is ready to go out, and when to end.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use quorate_core::{DeviceId, LogIndex, NodeId};
use quorate_protocol::client::{self, Goodbye, Leader, Ping, Pong, kind};
use quorate_protocol::{FRAME_MAX_CLIENT_BYTES, Frame};
use quorate_transport::{CloseCode, Connection, FrameReceiver, FrameSender, Identity};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::feed::Feeds;
use super::open::{self, NotOpened};
use super::services::{Counted, Services};
use super::{account, history, query, reply};

/// Requests of one session under way at once; past it, reading waits.
const IN_FLIGHT_MAX: usize = 256;
/// Frames written in one go at the most, so that a burst of replies leaves room for feeds.
const WRITE_FRAMES_MAX: usize = 128;
/// How long a client may leave the node's frames unread.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a session may be open without a login: looked at so often, and closed when it has none
/// twice in a row, so that who logs out may log in again.
const LOGIN_DEADLINE: Duration = Duration::from_secs(60);
/// Histories of one session under way at once.
const HISTORIES_MAX: usize = 8;

/// A request that is under way; what it ends as.
pub(super) type Pending = BoxFuture<'static, Finished>;

/// What a pending request ended as.
pub(super) enum Finished {
    /// A reply.
    Reply { frame: Frame, seen: Option<LogIndex> },
    /// A reply to a login or registration that was done: larger frames are welcome from here on.
    LoggedIn { frame: Frame, seen: Option<LogIndex> },
    /// A read of the store for a feed.
    Feed(super::feed::FromStore),
}

/// What request handlers work with.
pub(super) struct Asker<'a> {
    pub(super) services: &'a Arc<Services>,
    pub(super) device: DeviceId,
    pub(super) source: IpAddr,
    pub(super) seen: LogIndex,
}

/// What became of a frame.
pub(super) enum Handled {
    Now(Frame),
    Later(Pending),
    Close(NotOpened),
}

/// Serves one connection to its end.
pub(super) async fn run(connection: Connection, services: Arc<Services>) {
    let Identity::Device(device) = connection.identity() else {
        connection.close(CloseCode::NotAuthorized, "only devices have sessions");
        return;
    };
    let _counted = Counted::new(&services);
    let (code, reason) = match open::open(&connection, &device, &services).await {
        Err(close) => close,
        Ok(opened) => {
            let mut session = Session {
                asker_device: device,
                source: connection.remote_addr().ip(),
                seen: opened.seen,
                sender: opened.sender,
                out: Vec::new(),
                feeds: Feeds::new(&services, device),
                pending: FuturesUnordered::new(),
                services: Arc::clone(&services),
            };
            // Boxed: a session that idles costs what it holds, and the loop's frame is large.
            Box::pin(session.serve(&connection, opened.receiver, opened.leader)).await
        }
    };
    connection.close(code, reason);
}

struct Session {
    services: Arc<Services>,
    asker_device: DeviceId,
    source: IpAddr,
    seen: LogIndex,
    sender: FrameSender,
    out: Vec<Frame>,
    feeds: Feeds,
    pending: FuturesUnordered<Pending>,
}

impl Session {
    /// `leader` is what the client was told.
    async fn serve(
        &mut self,
        connection: &Connection,
        mut receiver: FrameReceiver,
        mut leader: Option<NodeId>,
    ) -> NotOpened {
        let mut look_at = Instant::now() + LOGIN_DEADLINE;
        let mut was_anonymous = self.services.account(&self.asker_device).is_none();
        let histories = Arc::new(Semaphore::new(HISTORIES_MAX));
        let mut cluster = self.services.cluster.clone();
        // What has changed since is told at once.
        cluster.mark_changed();
        let mut draining = self.services.draining.clone();
        let mut is_told = false;
        loop {
            tokio::select! {
                frame = receiver.recv(), if self.pending.len() < IN_FLIGHT_MAX => match frame {
                    Ok(Some(frame)) => {
                        if let Err(close) = self.take(frame) {
                            return close;
                        }
                    }
                    Ok(None) => return (CloseCode::Ok, "the client is done"),
                    Err(error) => return open::close_of(&error),
                },
                Some(finished) = self.pending.next() => {
                    if self.finish(finished) {
                        receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
                    }
                }
                woken = self.feeds.woken() => {
                    if self.services.account(&self.asker_device) != self.feeds.user() {
                        return (CloseCode::Revoked, "this device is logged out");
                    }
                    self.feeds.pull(woken, &mut self.out, &self.pending);
                }
                stream = connection.accept() => match stream {
                    Ok((sender, receiver)) => {
                        let Ok(place) = Arc::clone(&histories).try_acquire_owned() else { continue };
                        let services = Arc::clone(&self.services);
                        tokio::spawn(history::serve(sender, receiver, services, self.asker_device, place));
                    }
                    Err(_) => return (CloseCode::Ok, "the connection is gone"),
                },
                Ok(()) = cluster.changed() => {
                    let now = cluster.borrow_and_update().leader;
                    if now != leader {
                        leader = now;
                        self.out.push(client::frame(&Leader { leader }));
                    }
                }
                Ok(_) = draining.wait_for(|draining| *draining), if !is_told => {
                    is_told = true;
                    self.out.push(client::frame(&Goodbye { reason: "the node is going down".into() }));
                }
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + LOGIN_DEADLINE;
                    let is_anonymous = self.services.account(&self.asker_device).is_none();
                    if is_anonymous && was_anonymous {
                        return (CloseCode::IdleUnauth, "no login in time");
                    }
                    was_anonymous = is_anonymous;
                }
            }
            // What else is ready goes out in the same packets.
            while self.out.len() < WRITE_FRAMES_MAX {
                let Some(Some(finished)) = self.pending.next().now_or_never() else {
                    break;
                };
                if self.finish(finished) {
                    receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
                }
            }
            if !self.out.is_empty() {
                match timeout(WRITE_DEADLINE, self.sender.send_all(&self.out)).await {
                    Ok(Ok(())) => self.out.clear(),
                    Ok(Err(_)) => return (CloseCode::Ok, "the connection is gone"),
                    Err(_) => return (CloseCode::SlowConsumer, "the client does not read"),
                }
                // An idle session keeps no buffer.
                self.out.shrink_to(0);
            }
        }
    }

    /// Puts a finished request's reply with what goes out. True when the device has just logged in.
    fn finish(&mut self, finished: Finished) -> bool {
        let (frame, seen, is_login) = match finished {
            Finished::Reply { frame, seen } => (frame, seen, false),
            Finished::LoggedIn { frame, seen } => (frame, seen, true),
            Finished::Feed(read) => {
                self.feeds.take_store(read, &mut self.out, &self.pending);
                return false;
            }
        };
        self.seen = self.seen.max(seen.unwrap_or_default());
        self.out.push(frame);
        is_login
    }

    fn take(&mut self, frame: Frame) -> Result<(), NotOpened> {
        match self.handle(frame) {
            Handled::Now(frame) => self.out.push(frame),
            Handled::Later(pending) => self.pending.push(pending),
            Handled::Close(close) => return Err(close),
        }
        Ok(())
    }

    fn handle(&mut self, frame: Frame) -> Handled {
        let asker = Asker {
            services: &self.services,
            device: self.asker_device,
            source: self.source,
            seen: self.seen,
        };
        match frame.kind {
            kind::PING => match client::parse::<Ping>(&frame) {
                Ok(Ping { token }) => Handled::Now(client::frame(&Pong { token })),
                Err(_) => Handled::Close((CloseCode::Protocol, "the ping does not parse")),
            },
            kind::REGISTER => account::register(&asker, &frame),
            kind::LOGIN => account::login(&asker, &frame),
            kind::LOGOUT => account::logout(&asker, &frame),
            kind::GRANT => account::grant(&asker, &frame),
            kind::SUBMIT => account::submit(&asker, &frame),
            kind::SUBSCRIBE => self.feeds.subscribe(&frame, self.seen),
            kind::UNSUBSCRIBE => self.feeds.unsubscribe(&frame),
            kind::LIST_ROOMS | kind::SHOW_ROOM | kind::LIST_MEMBERS | kind::WHO_AM_I | kind::LIST_UNREAD => {
                query::answer(&asker, frame)
            }
            _ => match call_of(&frame) {
                Some(call) => {
                    let failure = reply::refused("unknown-kind", format_args!("kind {:#06x} is not known", frame.kind));
                    Handled::Now(reply::reply(call, Err(failure), self.seen))
                }
                None => Handled::Close((CloseCode::Protocol, "a frame of an unknown kind")),
            },
        }
    }
}

/// The call that a request of an unknown kind wants an answer to.
pub(super) fn call_of(frame: &Frame) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Call {
        call: u64,
    }
    rmp_serde::from_slice::<Call>(&frame.body).ok().map(|call| call.call)
}
