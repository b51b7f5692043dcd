//! The session's one loop: what comes in, what is ready to go out, and when to end.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use quorate_core::{DeviceId, LogIndex};
use quorate_protocol::client::{self, Goodbye, Leader, Nodes, Ping, Pong, kind};
use quorate_protocol::{FRAME_MAX_CLIENT_BYTES, Frame};
use quorate_transport::{CloseCode, Connection, FrameReceiver, FrameSender, Identity};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use super::attendance::Attendance;
use super::feed::Feeds;
use super::open::{self, NotOpened};
use super::request::{Asker, Handled, call_of};
use super::services::{Cluster, Counted, Services, Speaks};
use super::write::Told;
use super::{account, login, query, reply, stream, write};

/// Requests of one session under way at once; past it, reading waits.
const IN_FLIGHT_MAX: usize = 256;
/// Frames written in one go at the most, so that a burst of replies leaves room for feeds.
const WRITE_FRAMES_MAX: usize = 128;
/// How long a client may leave the node's frames unread.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a session may be open without a login: looked at so often, and closed when it has none
/// twice in a row, so that who logs out may log in again.
const LOGIN_DEADLINE: Duration = Duration::from_secs(60);
/// Streams of one session (histories, searches and the like) under way at once.
const STREAMS_MAX: usize = 8;

/// A request that is under way; what it ends as.
pub(super) type Pending = BoxFuture<'static, Finished>;

/// What a pending request ended as.
pub(super) enum Finished {
    /// A reply.
    Reply { frame: Frame, seen: Option<LogIndex> },
    /// A reply to what may have changed whom the device speaks for.
    Changed {
        frame: Frame,
        seen: Option<LogIndex>,
        told: Told,
    },
    /// A read of the store for a feed.
    Feed(super::feed::FromStore),
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
                device,
                source: connection.remote_addr().ip(),
                path: connection.remote_addr(),
                seen: opened.seen,
                sender: opened.sender,
                out: Vec::new(),
                feeds: Feeds::new(&services, device),
                attendance: Attendance::new(&services, device),
                pending: FuturesUnordered::new(),
                speaks: opened.speaks,
                changing: 0,
                services: Arc::clone(&services),
            };
            // Boxed: a session that idles costs what it holds, and the loop's frame is large.
            let (code, reason) = Box::pin(session.serve(&connection, opened.receiver, opened.cluster)).await;
            // Before the streams are dropped, which resets them: the client is to hear why.
            connection.close(code, reason);
            return;
        }
    };
    connection.close(code, reason);
}

struct Session {
    services: Arc<Services>,
    device: DeviceId,
    source: IpAddr,
    /// Where the client was last met.
    path: SocketAddr,
    seen: LogIndex,
    sender: FrameSender,
    out: Vec<Frame>,
    feeds: Feeds,
    attendance: Attendance,
    pending: FuturesUnordered<Pending>,
    /// Whom the session speaks for. When the device speaks for somebody else and the session had no
    /// hand in it, the session ends.
    speaks: Option<Speaks>,
    /// Requests under way that change whom the device speaks for.
    changing: usize,
}

impl Session {
    /// `told` is what the client was told of the cluster.
    async fn serve(&mut self, connection: &Connection, mut receiver: FrameReceiver, mut told: Cluster) -> NotOpened {
        let _attached = self.services.hub.attach(&self.device, self.feeds.mailbox());
        self.speak_for(self.speaks);
        // It may have been unbound since the session was opened, and before anybody was told.
        if let Err(close) = self.look_at_device(Told::NotDone) {
            return close;
        }
        let mut is_roomy = false;
        let mut look_at = Instant::now() + LOGIN_DEADLINE;
        let mut was_anonymous = self.speaks.is_none();
        let streams = Arc::new(Semaphore::new(STREAMS_MAX));
        let mut cluster = self.services.cluster.clone();
        // What has changed since is told at once.
        cluster.mark_changed();
        let mut draining = self.services.draining.clone();
        let mut is_told = false;
        let (mailbox, ears) = (Arc::clone(self.feeds.mailbox()), Arc::clone(self.feeds.ears()));
        loop {
            if self.speaks.is_some() && !is_roomy {
                is_roomy = true;
                receiver.set_limit(FRAME_MAX_CLIENT_BYTES);
            }
            let ended = tokio::select! {
                frame = receiver.recv(), if self.pending.len() < IN_FLIGHT_MAX => match frame {
                    Ok(Some(frame)) => {
                        if frame.kind == kind::PING {
                            self.look_at_path(connection);
                        }
                        self.take(frame)
                    }
                    Ok(None) => Err((CloseCode::Ok, "the client is done")),
                    Err(error) => Err(open::close_of(&error)),
                },
                Some(finished) = self.pending.next() => self.finish(finished),
                () = mailbox.unbound() => self.look_at_device(Told::NotDone),
                woken = mailbox.woken() => {
                    self.feeds.pull(woken, &mut self.out, &self.pending);
                    Ok(())
                }
                heard = ears.heard() => {
                    self.feeds.is_typing(&heard, &mut self.out);
                    Ok(())
                }
                stream = connection.accept() => match stream {
                    Ok((sender, receiver)) => {
                        if let Ok(place) = Arc::clone(&streams).try_acquire_owned() {
                            let services = Arc::clone(&self.services);
                            tokio::spawn(stream::serve(sender, receiver, services, self.device, place));
                        }
                        Ok(())
                    }
                    Err(_) => Err((CloseCode::Ok, "the connection is gone")),
                },
                Ok(()) = cluster.changed() => {
                    let now = cluster.borrow_and_update().clone();
                    if now.leader != told.leader {
                        self.out.push(client::frame(&Leader { leader: now.leader }));
                    }
                    if now.nodes != told.nodes {
                        self.out.push(client::frame(&Nodes { nodes: now.nodes.to_vec() }));
                    }
                    told = now;
                    Ok(())
                }
                Ok(_) = draining.wait_for(|draining| *draining), if !is_told => {
                    is_told = true;
                    self.out.push(client::frame(&Goodbye { reason: "the node is going down".into() }));
                    Ok(())
                }
                () = sleep_until(look_at) => {
                    look_at = Instant::now() + LOGIN_DEADLINE;
                    self.feeds.sift(&mut self.out);
                    let looked = self.look_at_device(Told::NotDone);
                    let is_anonymous = self.speaks.is_none();
                    let is_late = is_anonymous && std::mem::replace(&mut was_anonymous, is_anonymous);
                    was_anonymous = is_anonymous;
                    looked.and(if is_late { Err((CloseCode::IdleUnauth, "no login in time")) } else { Ok(()) })
                }
            };
            if let Err(close) = ended {
                return close;
            }
            // What else is ready goes out in the same packets.
            while self.out.len() < WRITE_FRAMES_MAX {
                let Some(Some(finished)) = self.pending.next().now_or_never() else {
                    break;
                };
                if let Err(close) = self.finish(finished) {
                    return close;
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

    /// Looks whether the client has another address by now: at its pings, which come every moment and are few.
    fn look_at_path(&mut self, connection: &Connection) {
        let now = connection.remote_addr();
        if std::mem::replace(&mut self.path, now) != now {
            self.services.counters.path_migrations.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Looks whom the device speaks for now, and whether it may stay. `told`: whether this session may have had it
    /// changed; then it is told what came of that before it has to go.
    fn look_at_device(&mut self, told: Told) -> Result<(), NotOpened> {
        if told == Told::NotDone
            && let Some(closed) = self.services.at_the_door(&self.device, self.source)
        {
            return Err(closed);
        }
        let now = self.services.speaks(&self.device);
        match verdict(self.speaks, now, told, self.changing > 0) {
            Verdict::Same | Verdict::Wait => Ok(()),
            Verdict::Adopt => {
                self.speak_for(now);
                Ok(())
            }
            Verdict::Revoked => Err((CloseCode::Revoked, "this device is logged out")),
        }
    }

    fn speak_for(&mut self, speaks: Option<Speaks>) {
        self.speaks = speaks;
        let user = speaks.map(|speaks| speaks.user);
        self.feeds.speak_for(user, &mut self.out);
        self.attendance.speak_for(user);
    }

    /// Puts a finished request's reply with what goes out.
    fn finish(&mut self, finished: Finished) -> Result<(), NotOpened> {
        let (frame, seen) = match finished {
            Finished::Reply { frame, seen } => (frame, seen),
            Finished::Changed { frame, seen, told } => {
                self.changing -= 1;
                self.look_at_device(told)?;
                (frame, seen)
            }
            Finished::Feed(read) => {
                self.feeds.take_store(read, &mut self.out, &self.pending);
                return Ok(());
            }
        };
        self.seen = self.seen.max(seen.unwrap_or_default());
        self.out.push(frame);
        Ok(())
    }

    fn take(&mut self, frame: Frame) -> Result<(), NotOpened> {
        if self.speaks.is_none() {
            // Another session may have logged the device in.
            self.look_at_device(Told::NotDone)?;
        }
        match self.handle(frame) {
            Handled::Now(frame) => self.out.push(frame),
            Handled::Later(pending) => self.pending.push(pending),
            Handled::Changing(pending) => {
                self.changing += 1;
                self.pending.push(pending);
            }
            Handled::Quiet => {}
            Handled::Close(close) => return Err(close),
        }
        Ok(())
    }

    fn handle(&mut self, frame: Frame) -> Handled {
        let asker = Asker {
            services: &self.services,
            device: self.device,
            source: self.source,
            seen: self.seen,
        };
        let handled = match frame.kind {
            kind::PING => match client::parse::<Ping>(&frame) {
                Ok(Ping { token }) => Ok(Handled::Now(client::frame(&Pong { token }))),
                Err(_) => Err(Handled::Close((CloseCode::Protocol, "the ping does not parse"))),
            },
            kind::REGISTER => login::register(&asker, &frame),
            kind::LOGIN => login::login(&asker, &frame),
            kind::LOGOUT => login::logout(&asker, &frame),
            kind::REVOKE_DEVICE => login::revoke(&asker, &frame),
            kind::DELETE_ACCOUNT => login::delete(&asker, &frame),
            kind::CHANGE_PASSWORD => account::change_password(&asker, &frame),
            kind::CREATE_BOT => account::create_bot(&asker, &frame),
            kind::CHANGE_TOKEN => account::change_token(&asker, &frame),
            kind::DELETE_BOT => account::delete_bot(&asker, &frame),
            kind::GRANT => write::grant(&asker, &frame),
            kind::SUBMIT => write::submit(&asker, &frame),
            kind::SUBSCRIBE => Ok(self.feeds.subscribe(&frame, self.seen)),
            kind::UNSUBSCRIBE => Ok(self.feeds.unsubscribe(&frame)),
            kind::SET_AWAY => self.attendance.set_away(&frame),
            kind::TYPING => self.attendance.typing(&frame),
            kind::LIST_ROOMS
            | kind::SHOW_ROOM
            | kind::LIST_MEMBERS
            | kind::WHO_AM_I
            | kind::LIST_UNREAD
            | kind::LIST_ACCOUNTS
            | kind::LIST_DEVICES
            | kind::LIST_BOTS
            | kind::LIST_BANS => Ok(query::answer(&asker, frame)),
            _ => match call_of(&frame) {
                Some(call) => {
                    let failure = reply::refused("unknown-kind", format_args!("kind {:#06x} is not known", frame.kind));
                    Err(asker.refuse(call, failure))
                }
                None => Err(Handled::Close((CloseCode::Protocol, "a frame of an unknown kind"))),
            },
        };
        // What could not be done is told as what could.
        handled.unwrap_or_else(|handled| handled)
    }
}

/// What follows from whom the device speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It is as it was.
    Same,
    /// The session speaks for them from now on.
    Adopt,
    /// A request under way may be what did it: its end will tell.
    Wait,
    /// Somebody else did it.
    Revoked,
}

fn verdict(before: Option<Speaks>, now: Option<Speaks>, told: Told, is_changing: bool) -> Verdict {
    if before == now {
        Verdict::Same
    } else if before.is_none() || told == Told::Done {
        Verdict::Adopt
    } else if is_changing {
        Verdict::Wait
    } else {
        Verdict::Revoked
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::UserId;

    use super::*;

    fn speaks(user: u64, binding: u64) -> Option<Speaks> {
        Some(Speaks {
            user: UserId(user),
            binding: LogIndex(binding),
        })
    }

    #[test]
    fn who_was_unbound_by_somebody_else_is_revoked() {
        for now in [None, speaks(2, 9), speaks(1, 9)] {
            assert_eq!(
                verdict(speaks(1, 5), now, Told::NotDone, false),
                Verdict::Revoked,
                "{now:?}"
            );
        }
    }

    #[test]
    fn who_logs_out_stays_as_a_stranger() {
        assert_eq!(verdict(speaks(1, 5), None, Told::NotDone, true), Verdict::Wait);
        assert_eq!(verdict(speaks(1, 5), None, Told::Done, false), Verdict::Adopt);
        assert_eq!(verdict(None, None, Told::NotDone, false), Verdict::Same);
    }

    #[test]
    fn who_tried_in_vain_while_somebody_else_did_it_is_revoked() {
        assert_eq!(verdict(speaks(1, 5), None, Told::NotDone, false), Verdict::Revoked);
    }

    #[test]
    fn a_login_of_another_session_is_taken_over() {
        assert_eq!(verdict(None, speaks(1, 5), Told::NotDone, false), Verdict::Adopt);
    }
}
