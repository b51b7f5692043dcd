//! Rooms: what is asked about them and done in them.

use std::time::Duration;

use quorate_core::{
    Action, Body, BodyError, CreateRoom, Done, JoinRoom, LeaveRoom, MarkRead, MessageId, PostMessage, RoomName,
    RoomRef, Seq, SetTopic, Timestamp, Topic, UserName,
};
use quorate_protocol::client::{
    Answer, ListMembers, ListRooms, ListUnread, MemberRow, Page, RoomRow, ShowRoom, UnreadRow,
};
use rand::Rng;

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::{Client, RequestError};

/// Pages of one list, at the most: no list of the cluster is longer.
const PAGES_MAX: usize = 10_000;

/// A message to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where to.
    pub room: RoomRef,
    /// The text.
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

impl Client {
    /// Posts a message. It stands in the outbox when this returns; the future waits for the cluster's answer. The order of
    /// the calls is the order in the room. A future that is dropped does not take the message back.
    pub fn post(&self, post: Post) -> impl Future<Output = Result<Posted, RequestError>> + Send + use<> {
        let id = post.id.unwrap_or_else(random_id);
        let action = Action::PostMessage(PostMessage {
            room: post.room,
            id,
            body: post.body,
            reply_to: post.reply_to,
        });
        let done = self.submit(action, post.deadline);
        async move {
            match done.await? {
                Done::Posted { name, seq, at, id, .. } => Ok(Posted {
                    room: name,
                    seq,
                    at,
                    id,
                }),
                _ => Err(RequestError::odd_answer()),
            }
        }
    }

    /// Makes a room; the user is its owner and first member.
    ///
    /// # Errors
    /// See [`RequestError`]; `name-taken` is a refusal.
    pub async fn create_room(&self, name: &RoomName, private: bool, topic: Topic) -> Result<(), RequestError> {
        let name = name.clone();
        let action = Action::CreateRoom(CreateRoom { name, private, topic });
        self.submit(action, DEADLINE).await.map(drop)
    }

    /// Becomes a member of a public room.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn join(&self, room: &RoomName) -> Result<(), RequestError> {
        let action = Action::JoinRoom(JoinRoom { room: room.clone() });
        self.submit(action, DEADLINE).await.map(drop)
    }

    /// Is a member no longer.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn leave(&self, room: &RoomName) -> Result<(), RequestError> {
        let action = Action::LeaveRoom(LeaveRoom { room: room.clone() });
        self.submit(action, DEADLINE).await.map(drop)
    }

    /// Changes what a room is about. The seq of the line that says so.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn set_topic(&self, room: &RoomName, topic: Topic) -> Result<Seq, RequestError> {
        let room = room.clone();
        match self
            .submit(Action::SetTopic(SetTopic { room, topic }), DEADLINE)
            .await?
        {
            Done::TopicSet { seq } => Ok(seq),
            _ => Err(RequestError::odd_answer()),
        }
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

    /// The rooms that the user is in, or with `all` the public ones too, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn rooms(&self, all: bool) -> Result<Vec<RoomRow>, RequestError> {
        let mut rows: Vec<RoomRow> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = rows.last().map(|row| row.name.clone());
            let page = match self.call(ListRooms { all, after }, Effect::None, DEADLINE).await? {
                Answer::Rooms(page) => page,
                _ => return Err(RequestError::odd_answer()),
            };
            if !extend(&mut rows, page) {
                break;
            }
        }
        Ok(rows)
    }

    /// One room.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn room(&self, room: &RoomRef) -> Result<RoomRow, RequestError> {
        let ask = ShowRoom { room: room.clone() };
        match self.call(ask, Effect::None, DEADLINE).await? {
            Answer::Rooms(page) => page.rows.into_iter().next().ok_or_else(RequestError::odd_answer),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// A room's members, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn members(&self, room: &RoomRef) -> Result<Vec<MemberRow>, RequestError> {
        let mut rows: Vec<MemberRow> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after: Option<UserName> = rows.last().map(|row| row.user.clone());
            let room = room.clone();
            let page = match self.call(ListMembers { room, after }, Effect::None, DEADLINE).await? {
                Answer::Members(page) => page,
                _ => return Err(RequestError::odd_answer()),
            };
            if !extend(&mut rows, page) {
                break;
            }
        }
        Ok(rows)
    }

    /// The rooms that the user is in, with what is unread there, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn unread(&self) -> Result<Vec<UnreadRow>, RequestError> {
        let mut rows: Vec<UnreadRow> = Vec::new();
        for _ in 0..PAGES_MAX {
            let after = rows.last().map(|row| row.room.clone());
            let page = match self.call(ListUnread { after }, Effect::None, DEADLINE).await? {
                Answer::Unread(page) => page,
                _ => return Err(RequestError::odd_answer()),
            };
            if !extend(&mut rows, page) {
                break;
            }
        }
        Ok(rows)
    }
}

/// Whether there is another page.
fn extend<T>(rows: &mut Vec<T>, page: Page<T>) -> bool {
    let more = page.more && !page.rows.is_empty();
    rows.extend(page.rows);
    more
}

/// 128 random bits: no two messages meet by chance.
fn random_id() -> MessageId {
    let id: u128 = rand::rng().random();
    MessageId::parse(&format!("{id:032x}")).expect("32 characters are an id")
}
