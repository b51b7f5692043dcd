//! What the daemon's admin API and `chatctl` say to each other.
//!
//! Plain structs whose serde form is the JSON of the admin API and, inside its envelope, of `chatctl -o json`. Besides them
//! what both sides must work out alike: the arithmetic of quorums, whether a cluster is healthy, what an operator should look
//! at, what is wrong and how it is mended, how long an answer may take, and how durations are written. A number that a node cannot know (that of a peer
//! which is down, say) is `null`, never left out and never 0.
//!
//! Knows no socket, no HTTP, no clock and no disk.

mod access;
mod ca;
mod deadline;
mod doctor;
mod error;
mod event;
mod health;
mod log;
mod member;
mod people;
mod quorum;
mod raft;
mod roster;
mod rule;
#[cfg(test)]
mod scene;
mod setting;
mod snapshot;
mod status;
mod time;
mod unit;
mod verify;
mod version;
mod vitals;
mod warning;

pub use access::{AuditFault, AuditPeer, AuditReport, AuditRow, Ban, LockdownMode, NewBan};
pub use ca::{CaKey, CaReport, NodeCa};
pub use deadline::{TIMEOUT_HEADER, TIMEOUT_MAX, answer_within};
pub use doctor::{Check, Diagnosis, Verdict};
pub use error::{ErrorBody, ErrorReply, code};
pub use event::{EventKind, NodeEvent};
pub use health::{Health, HealthLevel};
pub use log::{EntryKind, RaftEntry, RaftLog};
pub use member::{Leader, Member, MemberRole, MemberState};
pub use people::{
    Archived, Membership, NewOwner, NewPassword, NewRole, NewRoom, NewUser, RoomMember, RoomPage, RoomRow, SessionRow,
    Sessions, UserDetails, UserPage, UserRow,
};
pub use quorum::{quorum_of, tolerates};
pub use raft::{RaftInfo, StateHash};
pub use roster::{
    ChangeReport, ChangeRequest, CreatedToken, HandBackRequest, InitRequest, Initialised, JoinRequest, JoinedCluster,
    MemberChange, NewToken, RenewRequest, Token, TokenState, TransferRequest, TransferredTo, Votes,
};
pub use rule::{CreatedInvite, Invite, Lasting, NewInvite, QuotaRule, RetentionRule, UserQuota};
pub use setting::{LogLevel, NewLogLevel, Reloaded, Setting, SettingSource};
pub use snapshot::{BackupInfo, BackupMember, BackupRows, OwnSnapshot, SaveInfo, SaveState, Snapshots};
pub use status::{Cluster, Status};
pub use time::{UtcTime, UtcTimeError};
pub use unit::{DurationError, SizeError, format_bytes, format_duration, parse_bytes, parse_duration};
pub use verify::{HashResult, NodeHash, Noted, RaftVerify};
pub use version::Version;
pub use vitals::{Advertised, LinkReport, NodeReport, SocketReport, Vitals};
pub use warning::{CLOCK_DIFFERENCE_MAX_MS, EXPIRES_SOON, LAG_MAX, coarse, expiring, misplaced, warnings};
