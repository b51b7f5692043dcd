//! The chat state machine.
//!
//! Knows no clock, dice, disk, socket, thread or codec: everything it needs comes in through
//! [`Entry`], and everything it does goes out through [`Applied`]. The same entries in the same
//! order give the same state, the same outcomes and the same events on every node, whatever the
//! machine, the day or the version of the store behind it.

// On disk and on the wire an enum variant is its hand-written number (the serde `rename` on it):
// numbers are never given anew, so variants may be renamed and reordered, never renumbered.
mod access;
mod audit;
mod command;
mod event;
mod id;
mod name;
mod network;
mod outcome;
mod record;
mod roster;
mod state;

pub use access::{BanSubject, Lockdown, ServerBan, ServerRole};
pub use audit::{AUDIT_ENTRIES_MAX, AuditEntry, AuditHead};
pub use command::{
    Action, AddBan, AdmitNode, ArchiveRoom, BanName, BanUser, BindDevice, ChangePassword, Command, CreateBot,
    CreateInvite, CreateRoom, CreateRoomFor, CreateToken, CreateUser, DeleteBot, DeleteRoom, DeleteUser, EditMessage,
    Entry, GrantWriter, InviteUser, JoinRoom, KickUser, LeaveRoom, MENTIONS_PER_MESSAGE_MAX, MarkRead, MuteUser,
    Operate, Operation, Operator, Origin, PostMessage, PurgeUser, React, RedactMessage, RegisterUser, RevokeDevices,
    RevokeInvite, RoomRef, RosterOperation, SetBotPassword, SetQuota, SetRetention, SetRole, SetServerRole, SetTopic,
    SetUserPassword, Submission, Sweep, TransferRoom, UnbanUser, UnbindDevice, UnmuteUser,
};
pub use event::{Event, RoomEvent, RoomEventKind, RosterEvent, StateEvent, Withdrawn};
pub use id::{
    AuditHash, AuditNo, BanId, DeviceId, EventNo, InviteId, InviteKey, Likeness, LogIndex, NodeId, RequestNo, RoomId,
    Seq, Span, Timestamp, TokenId, TokenKey, UserId, WriterId,
};
pub use name::{
    ACTOR_CHARS_MAX, AUDIT_TARGET_CHARS_MAX, AUDIT_WORD_CHARS_MAX, Actor, AuditTarget, AuditWord, BODY_BYTES_MAX, Body,
    BodyError, DEVICE_NAME_CHARS_MAX, DeviceName, EMOJI_BYTES_MAX, Emoji, Glob, GlobTooLong, MESSAGE_ID_BYTES_MAX,
    MessageId, MessageIdError, NameError, PASSWORD_HASH_BYTES_MAX, PasswordHash, REASON_CHARS_MAX, ROOM_NAME_CHARS_MAX,
    Reason, RoomName, TOPIC_CHARS_MAX, Topic, USER_NAME_CHARS_MAX, UserName,
};
pub use network::{Network, NetworkError};
pub use outcome::{Applied, Bound, Done, Outcome, Refusal};
pub use record::{
    Ban, Call, Clock, Device, Edits, Invitation, Invite, Member, Placed, Quota, Reaction, Receipt, ReceiptSlot, Record,
    RecordKey, Restriction, Retention, Role, Room, RoomStanding, Settings, Standing, StateHash, User, Writer,
};
pub use roster::{ADDR_BYTES_MAX, Addr, AddrError, Admission, Authority, JoinToken, Node, NodeStanding, Reach, Roster};
pub use state::{
    BANS_PER_ROOM_MAX, BOTS_EVER_PER_USER_MAX, BOTS_PER_USER_MAX, DEVICES_PER_USER_MAX, DIRECT_ROOMS_PER_USER_MAX,
    EDITS_PER_MESSAGE_MAX, EXPIRIES_PER_ENTRY_MAX, INVITATIONS_PER_INVITER_MAX, INVITATIONS_PER_ROOM_MAX,
    INVITATIONS_PER_USER_MAX, INVITE_USES_MAX, INVITES_MAX, JOIN_TOKEN_USES_MAX, JOIN_TOKENS_MAX, MEMBERS_PER_ROOM_MAX,
    NAMES_MAX, NODES_EVER_MAX, NODES_MAX, OwnMessage, REACTIONS_PER_MESSAGE_MAX, REACTIONS_PER_USER_MAX,
    RECEIPT_WINDOW, RETENTION_AGE_MIN, ROOMS_MAX, ROOMS_PER_USER_MAX, RestoreError, SERVER_BANS_MAX, State, USERS_MAX,
    WRITER_IDLE_MAX, WRITERS_PER_USER_MAX,
};
