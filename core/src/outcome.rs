//! What a command came to. Refusals are outcomes like any other: decided in the log, stored, and
//! answered again to whoever asks again.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{BanId, Event, InviteId, NodeId, RequestNo, RoomId, RoomName, Seq, Timestamp, TokenId, UserId, WriterId};

/// What applying an entry came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What to tell the asker.
    pub outcome: Outcome,
    /// What happened, in order. Empty for a request that was answered before.
    pub events: Vec<Event>,
    /// The outcome is one that was stored: this very request had been answered before.
    pub repeated: bool,
}

/// Done, or told no.
pub type Outcome = Result<Done, Refusal>;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Done {
    /// The account exists and the device is bound.
    #[serde(rename = "1")]
    Registered {
        /// Its id.
        user: UserId,
    },
    /// The device is bound.
    #[serde(rename = "2")]
    Bound {
        /// Whom for.
        user: UserId,
    },
    /// The device is bound to nobody.
    #[serde(rename = "3")]
    Unbound,
    /// The outbox may write, from request 1.
    #[serde(rename = "4")]
    Granted {
        /// Its id.
        writer: WriterId,
    },
    /// The room exists.
    #[serde(rename = "5")]
    Created {
        /// Its id.
        room: RoomId,
        /// Its name.
        name: RoomName,
    },
    /// The author is a member; also when that was so before.
    #[serde(rename = "6")]
    Joined {
        /// Where.
        room: RoomId,
    },
    /// The author is no member any more.
    #[serde(rename = "7")]
    Left {
        /// Where.
        room: RoomId,
    },
    /// The message is in the room.
    #[serde(rename = "8")]
    Posted {
        /// Where.
        room: RoomId,
        /// The room's name, which for a direct room the asker may not know.
        name: RoomName,
        /// Its place there.
        seq: Seq,
        /// When, in log time.
        at: Timestamp,
    },
    /// The topic is set.
    #[serde(rename = "9")]
    TopicSet {
        /// The line in the room's history that says so.
        seq: Seq,
    },
    /// The read mark stands here (further on, if it was further on).
    #[serde(rename = "10")]
    Marked {
        /// Read up to and with this one.
        upto: Seq,
    },
    /// It is done, and a line in the room's history says so.
    #[serde(rename = "11")]
    Written {
        /// Which line.
        seq: Seq,
    },
    /// It was so before.
    #[serde(rename = "12")]
    Unchanged,
    /// It is done.
    #[serde(rename = "13")]
    Changed,
    /// The account is no more.
    #[serde(rename = "14")]
    Deleted,
    /// Some of what has had its time is gone.
    #[serde(rename = "15")]
    Swept {
        /// There is more to go in the same place.
        more: bool,
    },
    /// The invite exists.
    #[serde(rename = "16")]
    InviteCreated {
        /// Its id.
        invite: InviteId,
        /// Until when it is good, in log time.
        expires_at: Timestamp,
    },
    /// Somebody is kept out of the cluster.
    #[serde(rename = "20")]
    BanAdded {
        /// The ban's id.
        ban: BanId,
        /// Until when, in log time; without it for ever.
        until: Option<Timestamp>,
    },
    /// The token exists.
    #[serde(rename = "40")]
    TokenCreated {
        /// Its id.
        token: TokenId,
        /// Until when it is good, in log time.
        expires_at: Timestamp,
    },
    /// The node is let in.
    #[serde(rename = "41")]
    NodeAdmitted {
        /// Its id.
        node: NodeId,
    },
}

/// Told no, and nothing has changed. [`Refusal::code`] is what programs branch on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// Another account has the name.
    #[error("this name is taken")]
    #[serde(rename = "1")]
    NameTaken,
    /// Another room has the name.
    #[error("a room of this name exists")]
    #[serde(rename = "2")]
    RoomExists,
    /// A name that means something, or that is made by the system alone.
    #[error("this name is reserved")]
    #[serde(rename = "3")]
    ReservedName,
    /// No such account.
    #[error("there is no such user")]
    #[serde(rename = "4")]
    UnknownUser,
    /// No such room, or none that the asker may know of.
    #[error("there is no such room")]
    #[serde(rename = "5")]
    UnknownRoom,
    /// The password that was proven has been changed since.
    #[error("the password is wrong")]
    #[serde(rename = "6")]
    WrongPassword,
    /// The device speaks for nobody.
    #[error("this device is not logged in")]
    #[serde(rename = "7")]
    NotLoggedIn,
    /// The device to unbind is not one of the asker's.
    #[error("there is no such device")]
    #[serde(rename = "8")]
    UnknownDevice,
    /// Only members may do this.
    #[error("only members of the room may do this")]
    #[serde(rename = "9")]
    NotAMember,
    /// Members may, but not with this role.
    #[error("this is not allowed")]
    #[serde(rename = "10")]
    NotAllowed,
    /// A reply to, or a mark at, a place that the room has not reached.
    #[error("the room has no such seq")]
    #[serde(rename = "11")]
    UnknownSeq,
    /// The writer is gone (idle for 30 days, unbound, or given way): ask for a new one.
    #[error("this writer has expired")]
    #[serde(rename = "12")]
    WriterExpired,
    /// Earlier requests of the writer are missing: send again from `expected`.
    #[error("requests are missing: expected number {expected}")]
    #[serde(rename = "13")]
    Gap {
        /// The number that is next.
        expected: RequestNo,
    },
    /// The receipt is no longer kept: older than the window of 64.
    #[error("the request is older than the receipts kept")]
    #[serde(rename = "14")]
    ReceiptGone,
    /// A bound of the state machine is reached; what it counts is named.
    #[error("no more than {max} {what}")]
    #[serde(rename = "15")]
    TooMany {
        /// What is counted.
        what: Bound,
        /// The bound.
        max: u32,
    },
    /// The name looks like another account's.
    #[error("this name looks like one that is taken")]
    #[serde(rename = "16")]
    NameLooksTaken,
    /// The invite is not there, has run out, or was used up.
    #[error("this invite is not valid")]
    #[serde(rename = "17")]
    UnknownInvite,
    /// The room is closed for writing.
    #[error("the room is archived")]
    #[serde(rename = "18")]
    Archived,
    /// The asker has to stay out of the room.
    #[error("banned from this room")]
    #[serde(rename = "19")]
    Banned,
    /// The asker may not write there for some time.
    #[error("muted in this room")]
    #[serde(rename = "20")]
    Muted,
    /// The message has lost its text.
    #[error("the message was deleted")]
    #[serde(rename = "21")]
    Redacted,
    /// The line is not a message.
    #[error("this line is not a message")]
    #[serde(rename = "22")]
    NotAMessage,
    /// The author's texts would be more than they may keep.
    #[error("no more than {max} bytes of texts may be kept")]
    #[serde(rename = "23")]
    QuotaExceeded {
        /// How much may be kept, in bytes.
        max: u64,
    },
    /// The user to be dealt with is not in the room.
    #[error("this user is not a member of the room")]
    #[serde(rename = "24")]
    NoSuchMember,
    /// An operator has disabled the asker's account.
    #[error("this account is disabled")]
    #[serde(rename = "25")]
    Disabled,
    /// The asker has to stay out of the cluster.
    #[error("banned from this server")]
    #[serde(rename = "26")]
    BannedFromCluster,
    /// Nobody may do this for now.
    #[error("an operator has locked this down for now")]
    #[serde(rename = "27")]
    LockedDown,
    /// There is no such ban from the cluster.
    #[error("there is no such ban")]
    #[serde(rename = "28")]
    UnknownBan,
    /// No such token: never made, revoked, of another cluster, or not with this secret.
    #[error("there is no such token: it was revoked, or is of another cluster")]
    #[serde(rename = "40")]
    UnknownToken,
    /// The token has run out.
    #[error("this token has expired")]
    #[serde(rename = "41")]
    TokenExpired,
    /// The token has let in as many nodes as it was made for.
    #[error("this token has been used")]
    #[serde(rename = "42")]
    TokenUsedUp,
    /// No such node.
    #[error("there is no such node")]
    #[serde(rename = "43")]
    UnknownNode,
    /// The node is of the cluster no more.
    #[error("this node was removed from the cluster")]
    #[serde(rename = "44")]
    NodeRemoved,
    /// Somebody else has changed the nodes since the asker looked.
    #[error("the nodes of the cluster were changed by somebody else meanwhile")]
    #[serde(rename = "45")]
    NodesChanged,
    /// The cluster has no CA of its own to certify nodes with.
    #[error("this cluster was not given its CA, so it cannot let nodes in")]
    #[serde(rename = "46")]
    NoAuthority,
    /// The CA before the present one is still in use.
    #[error("not all nodes have certificates of the present CA yet: one rotation at a time")]
    #[serde(rename = "47")]
    CaRotating,
}

/// What the state machine counts and bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Bound {
    /// Devices bound to a user.
    #[serde(rename = "1")]
    Devices,
    /// Rooms that a user is in.
    #[serde(rename = "2")]
    RoomsOfUser,
    /// Members in a room.
    #[serde(rename = "3")]
    MembersOfRoom,
    /// Rooms in the cluster.
    #[serde(rename = "4")]
    Rooms,
    /// Accounts in the cluster.
    #[serde(rename = "5")]
    Users,
    /// Rooms that a user owns.
    #[serde(rename = "6")]
    RoomsOwned,
    /// Bots of a user.
    #[serde(rename = "7")]
    Bots,
    /// Edits of a message.
    #[serde(rename = "8")]
    Edits,
    /// Reactions to a message.
    #[serde(rename = "9")]
    Reactions,
    /// People kept out of a room.
    #[serde(rename = "10")]
    Bans,
    /// People who may join a room, or rooms that a user may join.
    #[serde(rename = "11")]
    Invitations,
    /// Invites to the cluster.
    #[serde(rename = "12")]
    Invites,
    /// Direct rooms that a user is in.
    #[serde(rename = "13")]
    DirectRooms,
    /// Names of accounts, with those that are no more.
    #[serde(rename = "14")]
    Names,
    /// Bots that a user has ever made.
    #[serde(rename = "15")]
    BotsEver,
    /// Bans from the cluster.
    #[serde(rename = "20")]
    ServerBans,
    /// Tokens for nodes, or nodes a token.
    #[serde(rename = "40")]
    JoinTokens,
    /// Nodes of the cluster.
    #[serde(rename = "41")]
    Nodes,
    /// Nodes of the cluster, with those that are no more.
    #[serde(rename = "42")]
    NodesEver,
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Devices => "devices a user",
            Self::RoomsOfUser => "rooms a user",
            Self::MembersOfRoom => "members a room",
            Self::Rooms => "rooms",
            Self::Users => "accounts",
            Self::RoomsOwned => "rooms owned",
            Self::Bots => "bots a user",
            Self::Edits => "edits a message",
            Self::Reactions => "reactions to a message",
            Self::Bans => "bans a room",
            Self::Invitations => "open invitations",
            Self::Invites => "invites",
            Self::DirectRooms => "direct rooms a user",
            Self::Names => "names of accounts",
            Self::BotsEver => "bots ever made by a user",
            Self::ServerBans => "bans from the server",
            Self::JoinTokens => "tokens, or nodes a token",
            Self::Nodes => "nodes",
            Self::NodesEver => "nodes, with those that were removed",
        })
    }
}

impl Refusal {
    /// The stable code, in kebab-case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NameTaken | Self::RoomExists | Self::NameLooksTaken => "name-taken",
            Self::ReservedName => "bad-name",
            Self::UnknownUser => "unknown-user",
            Self::UnknownRoom => "unknown-room",
            Self::WrongPassword => "wrong-password",
            Self::NotLoggedIn => "not-logged-in",
            Self::UnknownDevice => "unknown-device",
            Self::NotAMember => "not-a-member",
            Self::NotAllowed => "not-allowed",
            Self::UnknownSeq => "unknown-seq",
            Self::WriterExpired => "writer-expired",
            Self::Gap { .. } => "gap",
            Self::ReceiptGone => "receipt-gone",
            Self::TooMany { .. } => "too-many",
            Self::UnknownInvite => "unknown-invite",
            Self::Archived => "archived",
            Self::Banned | Self::BannedFromCluster => "banned",
            Self::Muted => "muted",
            Self::Redacted => "redacted",
            Self::NotAMessage => "not-a-message",
            Self::QuotaExceeded { .. } => "quota-exceeded",
            Self::NoSuchMember => "no-such-member",
            Self::Disabled => "disabled",
            Self::LockedDown => "lockdown",
            Self::UnknownBan => "unknown-ban",
            Self::UnknownToken => "unknown-token",
            Self::TokenExpired => "token-expired",
            Self::TokenUsedUp => "token-used",
            Self::UnknownNode => "unknown-node",
            Self::NodeRemoved => "node-removed",
            Self::NodesChanged => "nodes-changed",
            Self::NoAuthority => "no-authority",
            Self::CaRotating => "ca-rotating",
        }
    }
}
