//! Commands for watching a daemon and for turning what can be turned while it runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::ValueHint;
use clap::{Args, Subcommand};
use quorate_adminapi::parse_duration;

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct VersionArgs {
    /// Those of all nodes
    #[arg(long)]
    pub(crate) cluster: bool,
}

#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct EventsArgs {
    /// Go on with what comes, until interrupted
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only so many of what has been; all that the daemon keeps, or 10 with --follow, if not given
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) last: Option<usize>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Check a config file, as `chatd check-config` does: every fault with its line
    ///
    /// Needs no daemon: it asks the program chatd beside this one, or the first in PATH. Exit 0 or 1.
    #[command(after_help = "Examples:\n  chatctl config check /etc/chatd/chatd.toml")]
    Check {
        /// The file
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
    /// What was set, each value with the place that it comes from
    #[command(after_help = "Examples:\n  chatctl config show\n  chatctl config show --effective -o json")]
    Show {
        /// The defaults as well
        #[arg(long)]
        effective: bool,
    },
    /// Read certificates, log level and limits again, as SIGHUP does
    ///
    /// A fault leaves everything as it was. What needs a restart is told.
    #[command(after_help = "Examples:\n  chatctl config reload")]
    Reload,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LogLevelCommand {
    /// Which traces are written now
    Get,
    /// Write others, until the config is read again or the time is over
    #[command(
        after_help = "Examples:\n  chatctl log-level set debug --for 10m\n  chatctl log-level set info,quorate_daemon::relay=trace --for 1m"
    )]
    Set {
        /// off, error, warn, info, debug, trace; and others for parts of the program
        level: String,
        /// Go back to what the config says after this
        #[arg(long = "for", value_name = "DURATION", value_parser = parse_duration)]
        lasting: Option<Duration>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DebugCommand {
    /// Put what is known of this node and its cluster into one tar file, for whoever helps
    ///
    /// Status, health, diagnosis, consensus, config, metrics, events and versions; no keys, no tokens, no passwords, and
    /// nothing that users wrote. Names and addresses of nodes are in it. What cannot be had is named in it.
    #[command(
        after_help = "Examples:\n  chatctl debug bundle chatd.tar\n  chatctl debug bundle - | ssh helper 'cat > chatd.tar'"
    )]
    Bundle {
        /// The file to make, readable by its owner alone; `-` for stdout
        #[arg(value_hint = ValueHint::FilePath)]
        file: PathBuf,
    },
}
