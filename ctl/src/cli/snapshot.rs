//! The command line of backups, of what they are restored to, and of the log.

use std::path::PathBuf;

use clap::builder::ValueHint;
use clap::{Args, Subcommand};
use quorate_core::{LogIndex, NodeId};

use super::node_id;

#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// Take a backup from this node, and check it as it is written
    ///
    /// It holds everything that was acknowledged before; with --stale, what this node has, without a quorum. Keep it as
    /// you keep passwords: all texts and the hashes of all passwords are in it.
    #[command(
        after_help = "Examples:\n  chatctl snapshot save /backup/chat.qbk\n  chatctl snapshot save - | ssh vault 'cat > chat.qbk'"
    )]
    Save {
        /// Where to; `-` for stdout
        #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// This node's snapshot, and the backups last taken from it
    List,
    /// What is in a backup; no daemon is asked
    #[command(after_help = "Examples:\n  chatctl snapshot inspect /backup/chat.qbk -o json")]
    Inspect {
        /// Which
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Whether a backup is sound, to the last row; no daemon is asked
    #[command(after_help = "Examples:\n  chatctl snapshot verify /backup/chat.qbk && echo sound")]
    Verify {
        /// Which
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// Make a new cluster of one node of a backup; no daemon is asked
    ///
    /// The cluster has a new id, and a new CA unless a saved one is given. Accounts, devices and receipts stay: what a
    /// client sends again is not posted twice. Start it with a config that names the directory, then let others join.
    #[command(
        after_help = "Examples:\n  chatctl snapshot restore chat.qbk --data-dir /var/lib/chatd --new-cluster\n  chatctl snapshot restore chat.qbk --data-dir /var/lib/chatd --new-cluster --ca-dir /safe/ca"
    )]
    Restore(RestoreArgs),
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,
    /// The data directory to make; it must be empty or not there
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: PathBuf,
    /// Yes, this is another cluster than the one that the backup was taken from
    #[arg(long)]
    pub(crate) new_cluster: bool,
    /// The id of the node; without it, the lowest that no node ever had
    #[arg(long, value_name = "N", value_parser = node_id)]
    pub(crate) node_id: Option<NodeId>,
    /// A folder with the CA to go on with (ca.crt, ca.key), so that clients trust the cluster as before
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) ca_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RecoverCommand {
    /// Make one stopped node the only voter of its cluster: the last resort
    ///
    /// What only the others have is lost, and they can never come back. Take the node with the longest log (chatctl raft
    /// info on each). Without both flags it says what it would do.
    #[command(
        after_help = "Examples:\n  chatctl recover quorum --data-dir /var/lib/chatd\n  chatctl recover quorum --data-dir /var/lib/chatd --keep-self --i-accept-data-loss"
    )]
    Quorum(QuorumArgs),
}

#[derive(Debug, Args)]
pub(crate) struct QuorumArgs {
    /// The data directory of the node that is left; its daemon must not run
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) data_dir: PathBuf,
    /// Keep this node, and no other
    #[arg(long)]
    pub(crate) keep_self: bool,
    /// Yes, what the others have and this node has not is lost
    #[arg(long)]
    pub(crate) i_accept_data_loss: bool,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct LogArgs {
    /// From this entry on
    #[arg(long, value_name = "I")]
    pub(crate) from: Option<LogIndex>,
    /// Up to this entry
    #[arg(long, value_name = "I")]
    pub(crate) to: Option<LogIndex>,
    /// Also what each carries, in hex, unless there is a secret in it; texts of messages are in it
    #[arg(long)]
    pub(crate) raw: bool,
}
