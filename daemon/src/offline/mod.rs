//! What operators do to files while no daemon runs on them: for `chatctl`, which knows nothing else of the daemon.
//!
//! A data directory that a daemon has open is locked, and refused here.
//!
//! Knows no socket, no consensus at work and no runtime: everything blocks.

mod backup;
mod identity;
mod recover;
mod restore;

pub use backup::{check_file, check_stream, hash_of_file};
pub use recover::{Recovery, plan_recovery, recover};
pub use restore::{RestoreAsk, RestoreError, RestorePlan, Restored, plan_restore, restore};

pub use crate::store::{BackupError, OpenError, RecoverError, StoreError};
