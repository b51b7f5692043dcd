//! Who may be in a room, what they may do there, and the room's end.

use quorate_core::{
    Action, ArchiveRoom, BanUser, DeleteRoom, InviteUser, KickUser, MuteUser, Reason, Retention, Role, RoomName, Seq,
    SetRetention, SetRole, Span, TransferRoom, UnbanUser, UnmuteUser, UserName,
};
use quorate_protocol::client::{Answer, BanRow, ListBans};

use crate::call::Effect;
use crate::client::DEADLINE;
use crate::page::{PAGE_ROWS, every};
use crate::{Client, RequestError};

/// All that changes something gives the seq of the last line in the room's history that says so; nothing if it was so
/// before, or if it leaves no line. Refusals of all: `unknown-room`, `not-a-member`, `not-allowed`.
///
/// What is done stands in the outbox when a function returns, in the order of the calls; the future waits for the answer.
impl Client {
    /// Lets a user into a room. They still have to join.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `unknown-user`, `archived` and `too-many` are refusals.
    pub fn invite(&self, room: &RoomName, user: &UserName) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::InviteUser(InviteUser { room, user }))
    }

    /// Ends another one's membership. They may join again.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `no-such-member` is a refusal.
    pub fn kick(
        &self,
        room: &RoomName,
        user: &UserName,
        reason: Option<Reason>,
    ) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::KickUser(KickUser { room, user, reason }))
    }

    /// Ends another one's membership, if there is one, and keeps them out: for ever, or for so long.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `unknown-user` and `too-many` are refusals.
    pub fn ban(
        &self,
        room: &RoomName,
        user: &UserName,
        lasts: Option<Span>,
        reason: Option<Reason>,
    ) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::BanUser(BanUser {
            room,
            user,
            lasts,
            reason,
        }))
    }

    /// Keeps a user out no longer.
    ///
    /// # Errors
    /// The future's: see [`RequestError`].
    pub fn unban(&self, room: &RoomName, user: &UserName) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::UnbanUser(UnbanUser { room, user }))
    }

    /// Lets a member read only: until unmuted, or for so long.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `no-such-member` is a refusal.
    pub fn mute(
        &self,
        room: &RoomName,
        user: &UserName,
        lasts: Option<Span>,
        reason: Option<Reason>,
    ) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::MuteUser(MuteUser {
            room,
            user,
            lasts,
            reason,
        }))
    }

    /// Lets a member write again.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `no-such-member` is a refusal.
    pub fn unmute(&self, room: &RoomName, user: &UserName) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::UnmuteUser(UnmuteUser { room, user }))
    }

    /// Changes what a member may do. [`Role::Owner`] is the same as [`Client::transfer`].
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `no-such-member` is a refusal.
    pub fn set_role(&self, room: &RoomName, user: &UserName, role: Role) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::SetRole(SetRole { room, user, role }))
    }

    /// Makes another member the owner; the user becomes a moderator.
    ///
    /// # Errors
    /// The future's: see [`RequestError`]; `no-such-member` and `too-many` are refusals.
    pub fn transfer(&self, room: &RoomName, user: &UserName) -> impl Future<Output = Line> + Send + use<> {
        let (room, user) = (room.clone(), user.clone());
        self.submit_line(Action::TransferRoom(TransferRoom { room, user }))
    }

    /// Closes a room for writing, or opens it again.
    ///
    /// # Errors
    /// The future's: see [`RequestError`].
    pub fn archive(&self, room: &RoomName, archived: bool) -> impl Future<Output = Line> + Send + use<> {
        let room = room.clone();
        self.submit_line(Action::ArchiveRoom(ArchiveRoom { room, archived }))
    }

    /// Ends a room with all that was said there. Its name is free again. There is no line to give.
    ///
    /// # Errors
    /// The future's: see [`RequestError`].
    pub fn delete_room(&self, room: &RoomName) -> impl Future<Output = Line> + Send + use<> {
        let room = room.clone();
        self.submit_line(Action::DeleteRoom(DeleteRoom { room }))
    }

    /// Says how long a room remembers.
    ///
    /// # Errors
    /// The future's: see [`RequestError`].
    pub fn set_retention(&self, room: &RoomName, retention: Retention) -> impl Future<Output = Line> + Send + use<> {
        let room = room.clone();
        self.submit_line(Action::SetRetention(SetRetention { room, retention }))
    }

    /// Who is kept out of a room, by name; for its moderators.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn bans(&self, room: &RoomName) -> Result<Vec<BanRow>, RequestError> {
        every(|after| async move {
            let room = room.clone();
            let limit = PAGE_ROWS;
            match self
                .call(ListBans { room, after, limit }, Effect::None, DEADLINE)
                .await?
            {
                Answer::Bans(page) => Ok(page),
                _ => Err(RequestError::odd_answer()),
            }
        })
        .await
    }
}

/// The line that was written, if one was.
type Line = Result<Option<Seq>, RequestError>;
