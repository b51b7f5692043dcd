//! The command line: what is typed becomes values that are valid, or a usage error.

mod account;
mod bench;
mod message;
mod room;

pub(crate) use account::{AccountCommand, AccountsArgs, BotsCommand, DeleteAccountArgs, DevicesArgs, LoginArgs};
pub(crate) use bench::{Bench, BenchFanout, BenchIdle, BenchLogin, BenchPost};
pub(crate) use message::{
    DeleteArgs, EditArgs, ExportArgs, FoundArgs, HistoryArgs, MentionsArgs, MessageCommand, ReactArgs, ReadArgs,
    RevisionsArgs, SearchArgs, SendArgs,
};
pub(crate) use room::{CreateArgs, KickArgs, Limit, MemberArgs, RetentionArgs, RoleArg, RoomCommand, parse_age};

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quorate_client::{CaFingerprint, InviteLink, Span};

use crate::time;

/// Chat that goes on while a majority of its servers is present
#[derive(Debug, Parser)]
#[command(
    name = "chat",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "Examples:
  chat register --server h1:7400,h2:7400 --user alice
  chat create ops --topic 'What is on fire'
  chat send ops 'hello, everybody'
  chat tail -f ops

Exit codes: 0 done; 1 error; 2 usage; 3 not found; 4 not allowed or wrong password; 6 no quorum or no node; \
7 refused for safety; 8 timed out, outcome unknown; 130 interrupted."
)]
pub(crate) struct Cli {
    /// Which profile to use: each has its own device key, servers and login
    #[arg(
        long,
        global = true,
        default_value = "default",
        value_name = "NAME",
        env = "CHAT_PROFILE"
    )]
    pub(crate) profile: String,
    /// One JSON object a line on stdout; errors as JSON on stderr
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// When to colour what is printed
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Always,
    Never,
}

impl Color {
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => {}
            Self::Always => console::set_colors_enabled(true),
            Self::Never => console::set_colors_enabled(false),
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(flatten)]
    Account(AccountCommand),
    #[command(flatten)]
    Room(RoomCommand),
    #[command(flatten)]
    Message(MessageCommand),
    /// List the servers, and which one is in use
    #[command(after_help = "Examples:\n  chat servers\n  chat servers --json")]
    Servers,
    /// Where this device is connected, and how well
    #[command(after_help = "Examples:\n  chat status\n  chat status --json")]
    Status,
    /// Speak JSON-RPC 2.0 on stdin and stdout, one object a line
    #[command(after_help = "Examples:
  chat rpc
  chat rpc --server h1:7400,h2:7400
  echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"unread\"}' | chat rpc

Requests of one room are done in the order in which they are written, others at once. An invite code in the LINK is used by `register`. \
When stdin is closed, what was asked is finished first; exit 8 says that some messages are left for the next run.")]
    Rpc(RpcArgs),
    /// Make load through the real client, and measure
    #[command(subcommand)]
    Bench(Bench),
    /// Print a completion script
    #[command(after_help = "Examples:\n  chat completions bash > /etc/bash_completion.d/chat")]
    Completions { shell: Shell },
    /// Write man pages
    #[command(after_help = "Examples:\n  chat man /usr/local/share/man/man1")]
    Man { dir: PathBuf },
}

#[derive(Args, Debug)]
pub(crate) struct RpcArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// How long unsent messages are tried for after stdin was closed
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = time::parse_span)]
    pub(crate) finish_within: Span,
}

/// Where the cluster is.
#[derive(Args, Debug)]
pub(crate) struct PlaceArgs {
    /// An invite link: chat://h1:7400,h2:7400/?ca=...
    #[arg(conflicts_with = "server")]
    pub(crate) link: Option<InviteLink>,
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
}

/// Which servers, without a link.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// The servers, in the order in which to try them
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    pub(crate) server: Vec<String>,
    /// The fingerprint of the cluster's CA; without it the first one that is met is trusted
    #[arg(long, value_name = "SHA256")]
    pub(crate) ca: Option<CaFingerprint>,
}

#[cfg(test)]
mod tests;
