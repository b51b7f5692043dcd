//! Rooms: made, joined, left, listed.

use quorate_core::{Action, CreateRoom, Done, JoinRoom, LeaveRoom, RoomName, RoomRef, Seq, SetTopic, Topic};
use quorate_protocol::client::{
    Answer, ListMembers, ListRooms, ListUnread, MemberRow, Page, RoomRow, ShowRoom, UnreadRow,
};

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::page::{PAGE_ROWS, every};
use crate::{Client, RequestError};

impl Client {
    /// Makes a room; the user is its owner and first member.
    ///
    /// # Errors
    /// See [`RequestError`]; `name-taken` is a refusal.
    pub async fn create_room(&self, name: &RoomName, private: bool, topic: Topic) -> Result<(), RequestError> {
        let name = name.clone();
        let action = Action::CreateRoom(CreateRoom { name, private, topic });
        self.submit(action, DEADLINE).await.map(drop)
    }

    /// Becomes a member of a public room, or of one that the user was invited to.
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
            Done::TopicSet { seq } | Done::Written { seq } => Ok(seq),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// The rooms that the user is in, or with `all` the public ones too, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn rooms(&self, all: bool) -> Result<Vec<RoomRow>, RequestError> {
        every(|after| async move { self.rooms_page(all, after.as_deref(), PAGE_ROWS).await }).await
    }

    /// A page of [`Client::rooms`]: up to `limit` rows (at most [`crate::HISTORY_LIMIT_MAX`]) after where the page before
    /// ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn rooms_page(&self, all: bool, after: Option<&str>, limit: u16) -> Result<Page<RoomRow>, RequestError> {
        let after = after.map(str::to_owned);
        match self
            .call(ListRooms { all, after, limit }, Effect::None, DEADLINE)
            .await?
        {
            Answer::Rooms(page) => Ok(page),
            _ => Err(RequestError::odd_answer()),
        }
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
        every(|after| async move { self.members_page(room, after.as_deref(), PAGE_ROWS).await }).await
    }

    /// A page of [`Client::members`]: up to `limit` rows (at most [`crate::HISTORY_LIMIT_MAX`]) after where the page
    /// before ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn members_page(
        &self,
        room: &RoomRef,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page<MemberRow>, RequestError> {
        let (room, after) = (room.clone(), after.map(str::to_owned));
        match self
            .call(ListMembers { room, after, limit }, Effect::None, DEADLINE)
            .await?
        {
            Answer::Members(page) => Ok(page),
            _ => Err(RequestError::odd_answer()),
        }
    }

    /// The rooms that the user is in, with what is unread there, by name.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn unread(&self) -> Result<Vec<UnreadRow>, RequestError> {
        every(|after| async move { self.unread_page(after.as_deref(), PAGE_ROWS).await }).await
    }

    /// A page of [`Client::unread`]: up to `limit` rows (at most [`crate::HISTORY_LIMIT_MAX`]) after where the page before
    /// ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn unread_page(&self, after: Option<&str>, limit: u16) -> Result<Page<UnreadRow>, RequestError> {
        let after = after.map(str::to_owned);
        match self.call(ListUnread { after, limit }, Effect::None, DEADLINE).await? {
            Answer::Unread(page) => Ok(page),
            _ => Err(RequestError::odd_answer()),
        }
    }
}
