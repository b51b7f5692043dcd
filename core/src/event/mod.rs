//! What happened. Events are facts: [`crate::State`] takes each of them without a way to fail, the
//! store turns them into rows, and readers follow a room by its room events.

mod roster;
mod touches;

pub use roster::RosterEvent;

use serde::{Deserialize, Serialize};

use crate::{
    AuditEntry, AuditHash, AuditNo, BanId, BanSubject, Body, DeviceId, DeviceName, Emoji, EventNo, InviteId, InviteKey,
    Likeness, Lockdown, LogIndex, MessageId, Operator, Outcome, PasswordHash, Quota, Reason, RequestNo, Retention,
    Role, RoomId, RoomName, Seq, ServerRole, Timestamp, Topic, UserId, UserName, WriterId,
};

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// About accounts, devices, writers, rooms' records and marks: seen by no reader of a room.
    #[serde(rename = "1")]
    State(StateEvent),
    /// A line in a room's history.
    #[serde(rename = "2")]
    Room(RoomEvent),
}

/// A fact outside of any room's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StateEvent {
    /// Log time went on.
    #[serde(rename = "1")]
    ClockAdvanced {
        /// Log time from here on.
        now: Timestamp,
    },
    /// An account exists.
    #[serde(rename = "2")]
    UserRegistered {
        /// Its id.
        user: UserId,
        /// Its name.
        name: UserName,
        /// Its password hash.
        password: PasswordHash,
        /// The client's attempt, see [`crate::RegisterUser`].
        attempt: u128,
        /// Of the name.
        likeness: Likeness,
        /// Whose bot it is, if it is one.
        owner: Option<UserId>,
    },
    /// A device speaks for a user, who has just proven the password.
    #[serde(rename = "3")]
    DeviceBound {
        /// Whom for.
        user: UserId,
        /// Which.
        device: DeviceId,
        /// What the user calls it.
        name: DeviceName,
        /// Tells this binding from earlier ones of the same device; a login on a device that is
        /// bound to the user already keeps the binding.
        binding: LogIndex,
    },
    /// A device speaks for nobody. Its writers write no more, and expire a few at a time.
    #[serde(rename = "4")]
    DeviceUnbound {
        /// Which.
        device: DeviceId,
    },
    /// An outbox may write.
    #[serde(rename = "5")]
    WriterGranted {
        /// Its id.
        writer: WriterId,
        /// On which device.
        device: DeviceId,
        /// Under which binding of it.
        binding: LogIndex,
    },
    /// An outbox was idle for too long, gave way to newer ones, or lost its device.
    #[serde(rename = "6")]
    WriterExpired {
        /// Its id.
        writer: WriterId,
        /// Its last request: tells which receipts go with it.
        last: RequestNo,
    },
    /// A writer's request has its outcome, for ever.
    #[serde(rename = "7")]
    Answered {
        /// Whose.
        writer: WriterId,
        /// Which.
        request: RequestNo,
        /// What it came to.
        outcome: Outcome,
    },
    /// A room exists. Its creator's [`RoomEventKind::Joined`] follows.
    #[serde(rename = "8")]
    RoomCreated {
        /// Its id.
        room: RoomId,
        /// Its name.
        name: RoomName,
        /// Invisible to everybody but its members.
        private: bool,
        /// What it is about.
        topic: Topic,
        /// Who made it.
        founder: UserId,
    },
    /// A member's read mark moved forward.
    #[serde(rename = "9")]
    ReadMarked {
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
        /// Read up to and with this one.
        upto: Seq,
    },
    /// A user's password is another one.
    #[serde(rename = "10")]
    PasswordChanged {
        /// Whose.
        user: UserId,
        /// Its hash.
        password: PasswordHash,
    },
    /// An account has ended; devices and memberships went before.
    #[serde(rename = "11")]
    UserDeleted {
        /// Which.
        user: UserId,
        /// The texts of its messages are to go too.
        purge: bool,
    },
    /// Texts of a deleted user are gone, without a line in any room.
    #[serde(rename = "12")]
    MessagesPurged {
        /// Whose.
        user: UserId,
        /// Which.
        messages: Vec<Withdrawn>,
    },
    /// No text of a deleted user is left that was to go.
    #[serde(rename = "13")]
    UserPurged {
        /// Which.
        user: UserId,
    },
    /// An invite exists.
    #[serde(rename = "14")]
    InviteCreated {
        /// Its id.
        invite: InviteId,
        /// Of its secret.
        key: InviteKey,
        /// Until when it is good, in log time.
        expires_at: Timestamp,
        /// For how many registrations.
        uses: u32,
        /// Who made it.
        by: Operator,
    },
    /// An invite was used once.
    #[serde(rename = "15")]
    InviteUsed {
        /// Which.
        invite: InviteId,
    },
    /// An invite is gone: used up, run out or revoked.
    #[serde(rename = "16")]
    InviteEnded {
        /// Which.
        invite: InviteId,
    },
    /// How long is remembered is another time.
    #[serde(rename = "17")]
    RetentionSet {
        /// In which room; without one, in all that have no rule of their own.
        room: Option<RoomId>,
        /// How long.
        retention: Retention,
    },
    /// How much users may keep is another amount.
    #[serde(rename = "18")]
    QuotaSet {
        /// Which user; without one, all that have no quota of their own.
        user: Option<UserId>,
        /// How much.
        quota: Option<Quota>,
    },
    /// A membership ended without a line in the room.
    #[serde(rename = "19")]
    MemberRemoved {
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
    },
    /// An invitation is gone: declined, given way to newer ones, or of no more use.
    #[serde(rename = "20")]
    InvitationEnded {
        /// Where to.
        room: RoomId,
        /// Whose.
        user: UserId,
    },
    /// A ban ran out, or went with its room.
    #[serde(rename = "21")]
    BanEnded {
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
    },
    /// A room is closed for ever: members, bans and invitations went before, its lines follow.
    #[serde(rename = "22")]
    RoomDeleted {
        /// Which.
        room: RoomId,
    },
    /// A room's oldest lines are gone.
    #[serde(rename = "23")]
    HistoryCut {
        /// Where.
        room: RoomId,
        /// The oldest that is still kept; the next one, if none is.
        first: Seq,
        /// The messages among the lines that are gone.
        messages: Vec<Withdrawn>,
        /// The reactions to them.
        reactions: Vec<(Seq, UserId, u64)>,
        /// Those of them that called the whole room.
        calls: Vec<Seq>,
    },
    /// Nothing is left of a deleted room.
    #[serde(rename = "24")]
    RoomForgotten {
        /// Which.
        room: RoomId,
    },
    /// A message has a member's name in it.
    #[serde(rename = "25")]
    Mentioned {
        /// Whose.
        user: UserId,
        /// Where.
        room: RoomId,
        /// In which message.
        seq: Seq,
        /// Its place in the order of the whole log.
        no: EventNo,
        /// The user's oldest mention, which gives way to this one.
        dropped: Option<(RoomId, Seq)>,
    },
    /// A message calls the whole room.
    #[serde(rename = "26")]
    RoomCalled {
        /// Where.
        room: RoomId,
        /// In which message.
        seq: Seq,
        /// Its place in the order of the whole log.
        no: EventNo,
        /// Who calls.
        author: UserId,
        /// The room's oldest call, which gives way to this one.
        dropped: Option<Seq>,
    },
    /// Where a user was mentioned is forgotten: the account ends.
    #[serde(rename = "27")]
    MentionsDropped {
        /// Whose.
        user: UserId,
        /// All of them.
        mentions: Vec<(RoomId, Seq)>,
    },
    /// What waited for somebody to come back is gone: it ran out, gave way, or went with the room or the
    /// account.
    #[serde(rename = "28")]
    RestrictionEnded {
        /// Where.
        room: RoomId,
        /// Whose.
        user: UserId,
    },
    /// An account may do nothing.
    #[serde(rename = "29")]
    UserDisabled {
        /// Which.
        user: UserId,
    },
    /// It may do everything again.
    #[serde(rename = "30")]
    UserEnabled {
        /// Which.
        user: UserId,
    },
    /// What a user may do in all public rooms is something else.
    #[serde(rename = "31")]
    ServerRoleSet {
        /// Whose.
        user: UserId,
        /// What they may do from here on.
        role: ServerRole,
    },
    /// Somebody has to stay out of the cluster.
    #[serde(rename = "32")]
    ServerBanAdded {
        /// Its id.
        ban: BanId,
        /// Who.
        subject: BanSubject,
        /// Who said so.
        by: Operator,
        /// Until when, in log time; without it for ever.
        until: Option<Timestamp>,
        /// Why, for people.
        reason: Option<Reason>,
    },
    /// A ban from the cluster ran out, was lifted or replaced, or went with its account.
    #[serde(rename = "33")]
    ServerBanEnded {
        /// Which.
        ban: BanId,
    },
    /// What nobody may do for now is something else.
    #[serde(rename = "34")]
    LockdownSet {
        /// From here on.
        lockdown: Lockdown,
    },
    /// An operator did something, or was refused it.
    #[serde(rename = "35")]
    Audited {
        /// Its place in the audit log.
        no: AuditNo,
        /// What.
        entry: AuditEntry,
        /// The chain up to and with it.
        hash: AuditHash,
        /// The oldest entry, which gives way to this one.
        dropped: Option<AuditNo>,
    },
    /// About the nodes of the cluster and what lets them in.
    #[serde(rename = "40")]
    Roster(RosterEvent),
}

/// A message that loses its text or is gone altogether, with all that a store has to find.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Withdrawn {
    /// Where.
    pub room: RoomId,
    /// Its place there.
    pub seq: Seq,
    /// Whose.
    pub author: UserId,
    /// Of its idempotency key ([`MessageId::digest`]).
    pub digest: u128,
    /// Its edits, whose texts go with it.
    pub edits: Vec<Seq>,
}

/// A line in a room's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RoomEvent {
    /// Its place in the order of the whole log.
    pub no: EventNo,
    /// Where.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// Who.
    pub author: UserId,
    /// The author's name, so that a line can be shown without another look-up.
    pub author_name: UserName,
    /// Log time.
    pub at: Timestamp,
    /// What.
    pub kind: RoomEventKind,
}

/// What a line in a room's history says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RoomEventKind {
    /// The author posted.
    #[serde(rename = "1")]
    Message {
        /// The idempotency key.
        id: MessageId,
        /// The text.
        body: Body,
        /// The message that this one answers.
        reply_to: Option<Seq>,
    },
    /// The author became a member.
    #[serde(rename = "2")]
    Joined,
    /// The author's membership ended by their own wish.
    #[serde(rename = "3")]
    Left,
    /// The author changed the topic.
    #[serde(rename = "4")]
    TopicSet {
        /// What the room is about from now on.
        topic: Topic,
    },
    /// The author gave an own message another text.
    #[serde(rename = "5")]
    Edited {
        /// The message.
        target: Seq,
        /// Of its idempotency key ([`MessageId::digest`]).
        digest: u128,
        /// Its text from then on.
        body: Body,
    },
    /// The author took a message's text away.
    #[serde(rename = "6")]
    Redacted {
        /// The message; its `seq` is the target.
        target: Withdrawn,
        /// Why, for people.
        reason: Option<Reason>,
    },
    /// The author put an emoji to a message.
    #[serde(rename = "7")]
    Reacted {
        /// The message.
        target: Seq,
        /// Which.
        emoji: Emoji,
    },
    /// The author took an emoji away again.
    #[serde(rename = "8")]
    Unreacted {
        /// The message.
        target: Seq,
        /// Which.
        emoji: Emoji,
    },
    /// The author let somebody in.
    #[serde(rename = "9")]
    Invited {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
    },
    /// The author ended somebody's membership.
    #[serde(rename = "10")]
    Kicked {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
        /// Why, for people.
        reason: Option<Reason>,
    },
    /// The author keeps somebody out, who is a member no more.
    #[serde(rename = "11")]
    Banned {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
        /// Until when, in log time; without it for ever.
        until: Option<Timestamp>,
        /// Why, for people.
        reason: Option<Reason>,
    },
    /// The author keeps somebody out no longer.
    #[serde(rename = "12")]
    Unbanned {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
    },
    /// The author silenced somebody.
    #[serde(rename = "13")]
    Muted {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
        /// Until when, in log time; without it until unmuted.
        until: Option<Timestamp>,
        /// Why, for people.
        reason: Option<Reason>,
    },
    /// The author lets somebody write again.
    #[serde(rename = "14")]
    Unmuted {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
    },
    /// The author changed what somebody may do.
    #[serde(rename = "15")]
    RoleSet {
        /// Whom.
        user: UserId,
        /// Their name.
        user_name: UserName,
        /// What they may do from then on.
        role: Role,
    },
    /// The author closed the room for writing.
    #[serde(rename = "16")]
    Archived,
    /// The author opened the room for writing again.
    #[serde(rename = "17")]
    Unarchived,
    /// How a message stands in its place once it was edited. A row only: no event of the log is one.
    #[serde(rename = "18")]
    Revised {
        /// The idempotency key.
        id: MessageId,
        /// The present text.
        body: Body,
        /// The message that this one answers.
        reply_to: Option<Seq>,
        /// The line that gave it this text.
        edit: Seq,
    },
    /// How a message stands in its place once its text is gone. A row only.
    #[serde(rename = "19")]
    Withdrawn {
        /// The idempotency key.
        id: MessageId,
    },
    /// How an edit stands in its place once the text is gone. A row only.
    #[serde(rename = "20")]
    EditWithdrawn {
        /// The message.
        target: Seq,
    },
}
