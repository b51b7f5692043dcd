//! Backups: a snapshot as a file that an operator keeps.
//!
//! ```text
//! head      magic 8 bytes, format u32, cluster (length u8, text), node u64, taken at u64 (ms since 1970), CRC-32C u32 over all before
//! frames    one zstd stream: of each frame of a snapshot its length u32 and its bytes
//! hash      BLAKE3 (32 bytes) over all before it
//! ```
//! A backup is made as a follower's snapshot is: from one read transaction into a file without a name, at less
//! than the machine's full speed, and sent from there however slowly it is taken.
//!
//! Left out: encryption. A backup holds password hashes and all texts; who keeps it elsewhere encrypts it there.

mod check;
mod error;
mod format;
mod reader;
mod save;
mod spool;

pub use check::{Summary, check};
pub use error::{BackupError, SaveError};
pub use format::FORMAT_VERSION as BACKUP_FORMAT_VERSION;
pub(super) use reader::BackupReader;
pub use reader::rehash;
pub use save::{BackupStream, Backups, SAVES_KEPT, SAVES_MAX, Save, SaveState};
