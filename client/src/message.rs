//! Messages: posted, edited, taken back, answered with an emoji, and marked as read.

use std::future::ready;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quorate_core::{
    Action, Body, BodyError, Done, EditMessage, Emoji, MarkRead, MessageId, PostMessage, React, Reason, RedactMessage,
    RoomName, RoomRef, Seq, Timestamp,
};
use rand::Rng;

use crate::client::DEADLINE;
use crate::{Client, RequestError};

/// A message to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub room: RoomRef,
    /// The text. `@name` in it mentions a member, `@room` all of them.
    pub body: Body,
    /// The message that it answers.
    pub reply_to: Option<Seq>,
    /// The idempotency key: posting with the same key again finds the first message. One is made if there is none.
    pub id: Option<MessageId>,
    /// When to give up waiting.
    pub deadline: Duration,
}

impl Post {
    /// A message with the usual deadline.
    ///
    /// # Errors
    /// The text is empty, too long, or has control characters (`empty`, `too-large`, `bad-body`).
    pub fn new(room: RoomRef, text: &str) -> Result<Self, RequestError> {
        let body = Body::parse(text).map_err(|error| {
            let code = match error {
                BodyError::Empty => "empty",
                BodyError::TooLarge => "too-large",
                BodyError::Character { .. } => "bad-body",
            };
            RequestError::refused(code, error.to_string())
        })?;
        Ok(Self {
            room,
            body,
            reply_to: None,
            id: None,
            deadline: DEADLINE,
        })
    }

    /// With this idempotency key.
    ///
    /// # Errors
    /// The key is empty or has more than 64 bytes (`bad-id`).
    pub fn with_id(mut self, id: &str) -> Result<Self, RequestError> {
        let id = MessageId::parse(id).map_err(|error| RequestError::refused("bad-id", error.to_string()))?;
        self.id = Some(id);
        Ok(self)
    }
}

/// A message that is on the disks of a majority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posted {
    /// The room's name.
    pub room: RoomName,
    /// Its place there.
    pub seq: Seq,
    /// When, in log time.
    pub at: Timestamp,
    /// Its idempotency key.
    pub id: MessageId,
}

/// A message that is kept in the outbox, and not answered yet. Dropped, it is posted all the same.
pub struct Queued {
    id: MessageId,
    posted: BoxFuture<'static, Result<Posted, RequestError>>,
}

impl Queued {
    /// Its idempotency key: posting with it again finds the message.
    #[must_use]
    pub fn id(&self) -> &MessageId {
        &self.id
    }

    /// Waits until it is on the disks of a majority.
    ///
    /// # Errors
    /// As for [`Client::post`].
    pub async fn posted(self) -> Result<Posted, RequestError> {
        self.posted.await
    }
}

/// What is done here stands in the outbox when a function returns; the future waits for the cluster's answer. The order of
/// the calls is the order in which the cluster does it. A future that is dropped takes nothing back, but in a
/// client for one task ([`Client::within`]).
impl Client {
    /// Posts a message.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `not-a-member`, `unknown-room`, `unknown-user`, `muted`, `archived` and
    /// `quota-exceeded` are refusals.
    pub fn post(&self, post: Post) -> impl Future<Output = Result<Posted, RequestError>> + Send + use<> {
        let id = post.id.unwrap_or_else(random_id);
        let action = Action::PostMessage(PostMessage {
            room: post.room,
            id: id.clone(),
            body: post.body,
            reply_to: post.reply_to,
            // The node finds them in the text.
            mentions: Vec::new(),
            calls_room: false,
        });
        let done = self.submit(action, post.deadline);
        async move {
            match done.await? {
                Done::Posted { name, seq, at, .. } => Ok(Posted {
                    room: name,
                    seq,
                    at,
                    id,
                }),
                _ => Err(RequestError::odd_answer()),
            }
        }
    }

    /// Puts a message into the outbox, and returns when it is kept there: synced to this machine's disk, where the outbox is
    /// kept at all. From then on it is posted even if this process is killed, by the next one on the profile.
    ///
    /// # Errors
    /// It was not put there: it is refused at once, or the disk cannot be written (`outbox-failed`).
    pub async fn queue(&self, post: Post) -> Result<Queued, RequestError> {
        let id = post.id.clone().unwrap_or_else(random_id);
        let mut posted = self
            .post(Post {
                id: Some(id.clone()),
                ..post
            })
            .boxed();
        let outbox = self.shared.outbox()?;
        tokio::select! {
            biased;
            // Answered before it was on this disk: then it is on better ones, or refused.
            answer = &mut posted => answer.map(|posted| Queued { id, posted: ready(Ok(posted)).boxed() }),
            kept = outbox.kept(&id) => kept.map(|()| Queued { id, posted }),
        }
    }

    /// Gives an own message another text. The seq of the line that says so.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `not-allowed`, `redacted`, `not-a-message` and `unknown-seq` are refusals.
    pub fn edit(
        &self,
        room: &RoomRef,
        seq: Seq,
        body: Body,
    ) -> impl Future<Output = Result<Seq, RequestError>> + Send + use<> {
        let room = room.clone();
        let line = self.submit_line(Action::EditMessage(EditMessage { room, seq, body }));
        async move { line.await?.ok_or_else(RequestError::odd_answer) }
    }

    /// Takes a message's text away, for ever: an own one's, or anybody's as a moderator. The seq of the line that says
    /// so; nothing if it was gone before.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `not-allowed`, `not-a-message` and `unknown-seq` are refusals.
    pub fn redact(
        &self,
        room: &RoomRef,
        seq: Seq,
        reason: Option<Reason>,
    ) -> impl Future<Output = Result<Option<Seq>, RequestError>> + Send + use<> {
        let room = room.clone();
        self.submit_line(Action::RedactMessage(RedactMessage { room, seq, reason }))
    }

    /// Puts an emoji to a message, or takes the user's own away again. The seq of the line that says so; nothing if it
    /// was so before.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `redacted`, `not-a-message`, `unknown-seq` and `too-many` are refusals.
    pub fn react(
        &self,
        room: &RoomRef,
        seq: Seq,
        emoji: Emoji,
        remove: bool,
    ) -> impl Future<Output = Result<Option<Seq>, RequestError>> + Send + use<> {
        let room = room.clone();
        self.submit_line(Action::React(React {
            room,
            seq,
            emoji,
            remove,
        }))
    }

    /// Moves the user's read mark forward. Where it stands then.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn mark_read(&self, room: &RoomRef, upto: Seq) -> Result<Seq, RequestError> {
        let room = room.clone();
        match self.submit(Action::MarkRead(MarkRead { room, upto }), DEADLINE).await? {
            Done::Marked { upto } => Ok(upto),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// Submits what is done by a line in a room's history, and gives that line; nothing where none was written, since
    /// it was so before or what was done leaves no line.
    pub(crate) fn submit_line(
        &self,
        action: Action,
    ) -> impl Future<Output = Result<Option<Seq>, RequestError>> + Send + use<> {
        let done = self.submit(action, DEADLINE);
        async move {
            match done.await? {
                Done::Written { seq } | Done::TopicSet { seq } => Ok(Some(seq)),
                Done::Unchanged | Done::Changed | Done::Deleted => Ok(None),
                _ => Err(RequestError::odd_answer()),
            }
        }
    }
}

/// 128 random bits: no two messages meet by chance.
fn random_id() -> MessageId {
    let id: u128 = rand::rng().random();
    MessageId::parse(&format!("{id:032x}")).expect("32 characters are an id")
}
