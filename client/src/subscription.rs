//! Following a room: every event once and in order, over as many sessions as that takes.

use std::sync::Arc;

use quorate_core::{RoomName, RoomRef, Seq};
use quorate_protocol::client::{Failure, Feed};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout_at;

use crate::backoff::Backoff;
use crate::client::DEADLINE;
use crate::connection::ConnectionState;
use crate::event::Event;
use crate::link::{FeedPart, Link, LinkFeed, Lost};
use crate::shared::Shared;
use crate::{Client, RequestError};

/// Updates that wait for the program. Behind them the node's frames wait, and when there are too many of those the feed is
/// given up and taken up again where the program is: a slow reader slows nobody else.
const UPDATES_MAX: usize = 256;
/// Why a node ends a feed that may be taken up again.
const RESUMABLE: [&str; 5] = ["lagged", "draining", "overloaded", "unavailable", "no-quorum"];

/// What comes over a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Update {
    /// The next event.
    Event(Event),
    /// Lines that would come next are not kept any more, and were not even when they were asked for, or have been cut off
    /// since. It goes on with this seq, or a later one.
    Truncated {
        /// The oldest seq that was there.
        first: Seq,
    },
    /// This program reads more slowly than others write. Nothing is lost; it goes on with this seq.
    Lagged {
        /// The next event's.
        from: Seq,
    },
}

/// What is known when a subscription begins.
#[derive(Debug)]
struct Began {
    room: RoomName,
    last: Seq,
    first: Seq,
}

/// A room that is followed, until this is dropped.
#[derive(Debug)]
pub struct Subscription {
    began: Began,
    updates: mpsc::Receiver<Result<Update, RequestError>>,
}

impl Subscription {
    /// The room's name.
    #[must_use]
    pub fn room(&self) -> &RoomName {
        &self.began.room
    }

    /// The room's last seq when the subscription began.
    #[must_use]
    pub fn last(&self) -> Seq {
        self.began.last
    }

    /// The oldest seq that was still kept when the subscription began.
    #[must_use]
    pub fn first(&self) -> Seq {
        self.began.first
    }

    /// The next update. After an error (the user is not a member any more, say, or logged out) and after the client was closed nothing
    /// more comes. Cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Update, RequestError>> {
        self.updates.recv().await
    }
}

impl Client {
    /// Follows a room from this seq on, or from what comes after now.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn subscribe(&self, room: &RoomRef, from: Option<Seq>) -> Result<Subscription, RequestError> {
        let (began, begin) = oneshot::channel();
        let (updates, receiver) = mpsc::channel(UPDATES_MAX);
        let follower = Follower {
            shared: Arc::clone(&self.shared),
            room: room.clone(),
            cursor: from.map(|from| from.max(Seq(1))),
            began: Some(began),
            updates,
            backoff: Backoff::of_asking(),
        };
        tokio::spawn(follower.run());
        match timeout_at(self.deadline(DEADLINE), begin).await {
            Ok(Ok(Ok(began))) => Ok(Subscription {
                began,
                updates: receiver,
            }),
            Ok(Ok(Err(error))) => Err(error),
            Ok(Err(_)) => Err(RequestError::closed()),
            Err(_) => Err(self.shared.no_node()),
        }
    }
}

/// Why following one session's feed ended.
enum Ended {
    /// Take it up again, at once.
    Resume,
    /// Take it up again, in a moment.
    ResumeLater,
    /// For good.
    Final(RequestError),
    /// Nobody reads.
    Unread,
}

struct Follower {
    shared: Arc<Shared>,
    room: RoomRef,
    /// The next seq to deliver.
    cursor: Option<Seq>,
    began: Option<oneshot::Sender<Result<Began, RequestError>>>,
    updates: mpsc::Sender<Result<Update, RequestError>>,
    backoff: Backoff,
}

impl Follower {
    async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let updates = self.updates.clone();
        let ended = tokio::select! {
            error = self.follow_all() => error,
            error = shared.failed() => Some(error),
            error = shared.barred() => Some(error),
            () = shared.closing() => None,
            () = updates.closed() => None,
        };
        let Some(error) = ended else { return };
        match self.began.take() {
            // Whoever asked may have gone.
            Some(began) => drop(began.send(Err(error))),
            None => drop(updates.send(Err(error)).await),
        }
    }

    /// Why it is over, unless because nobody reads.
    async fn follow_all(&mut self) -> Option<RequestError> {
        let mut links = self.shared.links();
        loop {
            let link = links.borrow_and_update().clone().filter(|link| !link.is_dead());
            let Some(link) = link else {
                // None is dialled then, and another one would say the same.
                if self.shared.connection().state == ConnectionState::LoggedOut {
                    return Some(RequestError::not_logged_in());
                }
                if links.changed().await.is_err() {
                    return Some(RequestError::closed());
                }
                continue;
            };
            let ended = match link.subscribe(self.room.clone(), self.cursor).await {
                Err(Lost) => {
                    // The next session is announced when it is there.
                    tokio::select! {
                        _ = links.changed() => Ended::Resume,
                        () = self.backoff.wait() => Ended::Resume,
                    }
                }
                Ok(Err(Failure::Refused { code, message, .. })) => {
                    Ended::Final(RequestError::Refused { code, message })
                }
                Ok(Err(Failure::Unavailable { .. } | Failure::Unknown)) => Ended::ResumeLater,
                Ok(Ok((subscribed, feed))) => {
                    if let Some(began) = self.began.take() {
                        // With nobody waiting the channel of updates is closed, which is noticed above.
                        let _ = began.send(Ok(Began {
                            room: subscribed.room.clone(),
                            last: subscribed.last,
                            first: subscribed.first,
                        }));
                    }
                    let begins = subscribed.from.max(subscribed.first);
                    let asked = self.cursor.unwrap_or(begins);
                    match self.skip_to(begins, asked).await {
                        Ok(cursor) => self.follow(&link, feed, &subscribed.room, cursor, &mut links).await,
                        Err(ended) => ended,
                    }
                }
            };
            match ended {
                Ended::Resume => {}
                Ended::ResumeLater => self.backoff.wait().await,
                Ended::Final(error) => return Some(error),
                Ended::Unread => return None,
            }
        }
    }

    async fn follow(
        &mut self,
        link: &Link,
        mut feed: LinkFeed,
        room: &RoomName,
        mut cursor: Seq,
        links: &mut watch::Receiver<Option<Link>>,
    ) -> Ended {
        self.cursor = Some(cursor);
        loop {
            let part = tokio::select! {
                part = feed.next() => part,
                _ = links.changed() => {
                    let current = links.borrow_and_update().clone();
                    match current {
                        Some(current) if current.is_same(link) => continue,
                        _ => return Ended::Resume,
                    }
                }
            };
            match part {
                Some(FeedPart::Events(part)) => {
                    match self.deliver(room, &part, cursor).await {
                        Ok(next) => cursor = next,
                        Err(ended) => return ended,
                    }
                    self.backoff.reset();
                }
                Some(FeedPart::Ended(code)) if RESUMABLE.contains(&code.as_str()) => return Ended::ResumeLater,
                Some(FeedPart::Ended(code)) => {
                    let message = format!("the room cannot be followed any longer: {code}");
                    return Ended::Final(RequestError::Refused { code, message });
                }
                None if link.is_dead() => return Ended::Resume,
                None => {
                    let lagged = Update::Lagged { from: cursor };
                    return match self.updates.send(Ok(lagged)).await {
                        Ok(()) => Ended::Resume,
                        Err(_) => Ended::Unread,
                    };
                }
            }
        }
    }

    /// Hands on what is new in it. The next seq.
    async fn deliver(&mut self, room: &RoomName, part: &Feed, cursor: Seq) -> Result<Seq, Ended> {
        let mut cursor = self.skip_to(part.first, cursor).await?;
        let mut seq = part.first;
        for bytes in &part.events {
            if seq == cursor {
                cursor = cursor.next();
                // Before the wait: should the room be followed anew, it is after this event.
                self.cursor = Some(cursor);
                if let Some(event) = Event::read(room, seq, bytes) {
                    self.updates
                        .send(Ok(Update::Event(event)))
                        .await
                        .map_err(|_| Ended::Unread)?;
                }
            }
            seq = seq.next();
        }
        Ok(cursor)
    }

    /// Goes on with `first` where that is past the cursor, and tells of it: what is in between is kept no longer.
    async fn skip_to(&mut self, first: Seq, cursor: Seq) -> Result<Seq, Ended> {
        if first <= cursor {
            return Ok(cursor);
        }
        self.cursor = Some(first);
        let truncated = Update::Truncated { first };
        self.updates.send(Ok(truncated)).await.map_err(|_| Ended::Unread)?;
        Ok(first)
    }
}
