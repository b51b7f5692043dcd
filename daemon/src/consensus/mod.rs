//! The Raft log of the cluster: what is appended, replicated, committed and handed to the store.
//!
//! Besides the store's two storage adapters, the only place that names openraft. What Raft needs from the network is in
//! `network`, `append_session`, `snapshot_send` (out) and `incoming`, `snapshot_receive` (in); `wire` has the bytes of it.
//!
//! Never knows what a command means, who proposed it, or what a client is.

mod append_session;
mod config;
mod hand_back;
mod heard;
mod incoming;
mod leadership;
mod membership;
mod network;
mod propose;
mod read_index;
mod snapshot_receive;
mod snapshot_send;
mod stagger;
mod start;
mod stay;
pub mod types;
mod view;
mod wire;

pub use config::{ConfigFault, ConsensusConfig, Formation};
pub use leadership::{StepDownError, TransferError};
pub use membership::MembershipError;
pub use propose::{InFlight, ProposeOutcome};
pub use read_index::ReadIndexError;
pub use start::{Consensus, StartError, StopCause};
pub use view::{MemberView, PeerProgress, Role, View, VoteView};

/// The Raft of this daemon.
type Raft = openraft::Raft<types::TypeConfig, crate::store::StateMachine>;
