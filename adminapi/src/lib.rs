//! What the daemon's admin API and `chatctl` say to each other.
//!
//! Plain structs whose serde form is the JSON of the admin API and, inside its envelope, of `chatctl -o json`. Besides them
//! what both sides must work out alike: the arithmetic of quorums, whether a cluster is healthy, and how durations are
//! written. A number that a node cannot know (that of a peer which is down, say) is `null`, never left out and never 0.
//!
//! Knows no socket, no HTTP, no clock and no disk.

mod error;
mod health;
mod member;
mod quorum;
mod raft;
mod roster;
mod rule;
mod status;
mod time;
mod unit;
mod version;

pub use error::{ErrorBody, ErrorReply, code};
pub use health::{Health, HealthLevel};
pub use member::{Leader, Member, MemberRole, MemberState};
pub use quorum::{quorum_of, tolerates};
pub use raft::{RaftInfo, StateHash};
pub use roster::{
    ChangeReport, ChangeRequest, CreatedToken, InitRequest, Initialised, JoinRequest, JoinedCluster, MemberChange,
    NewToken, RenewRequest, Token, TokenState, TransferRequest, TransferredTo, Votes,
};
pub use rule::{CreatedInvite, Invite, Lasting, NewInvite, QuotaRule, RetentionRule, UserQuota};
pub use status::{Cluster, Status};
pub use time::{UtcTime, UtcTimeError};
pub use unit::{DurationError, SizeError, format_bytes, format_duration, parse_bytes, parse_duration};
pub use version::Version;
