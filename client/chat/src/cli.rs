//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use quorate_client::{CaFingerprint, InviteLink};

/// Chat that goes on while a majority of its servers is present
#[derive(Debug, Parser)]
#[command(name = "chat", version, propagate_version = true, arg_required_else_help = true)]
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
    /// Make an account, and log in
    Register(LoginArgs),
    /// Log this device in
    Login(LoginArgs),
    /// Log this device out
    Logout,
    /// Who is logged in here
    Whoami,
    /// List the rooms that you are in
    Rooms {
        /// The public ones too
        #[arg(long)]
        all: bool,
    },
    /// Make a room
    Create {
        room: String,
        /// Invisible to everybody but its members
        #[arg(long)]
        private: bool,
        /// What it is about
        #[arg(long, default_value = "")]
        topic: String,
    },
    /// Become a member of a room
    Join { room: String },
    /// Be a member no longer
    Leave { room: String },
    /// List the members of a room
    Members { room: String },
    /// Say what a room is about
    Topic { room: String, topic: String },
    /// Post a message, and print its seq once it is on the disks of a majority
    Send {
        /// A room, or @USER
        #[arg(value_name = "ROOM|@USER")]
        to: String,
        /// The message; `-` reads stdin, as does leaving it out
        text: Option<String>,
        /// The seq of the message that this one answers
        #[arg(long, value_name = "SEQ")]
        reply: Option<u64>,
        /// An idempotency key: sending with it again finds the first message
        #[arg(long, value_name = "KEY")]
        id: Option<String>,
    },
    /// Show a part of a room's past
    History {
        /// A room, or @USER
        #[arg(value_name = "ROOM|@USER")]
        room: String,
        /// At most so many events
        #[arg(short = 'n', default_value_t = 50, value_name = "COUNT")]
        count: usize,
        /// Only what stands before this seq
        #[arg(long, value_name = "SEQ", conflicts_with = "after")]
        before: Option<u64>,
        /// Only what comes after this seq
        #[arg(long, value_name = "SEQ")]
        after: Option<u64>,
        /// Ask the cluster rather than the node, so that nothing acknowledged is missing
        #[arg(long)]
        linearizable: bool,
    },
    /// Show the end of rooms, and follow them
    Tail {
        /// Rooms, or @USERs
        #[arg(required = true, value_name = "ROOM|@USER")]
        rooms: Vec<String>,
        /// Go on with what is posted from now on
        #[arg(short, long)]
        follow: bool,
        /// Begin so many events before the end
        #[arg(short = 'n', default_value_t = 10, value_name = "COUNT")]
        count: u64,
        /// Begin with this seq
        #[arg(long, value_name = "SEQ")]
        from: Option<u64>,
    },
    /// List what is unread
    Unread,
    /// Mark a room as read
    Read {
        /// A room, or @USER
        #[arg(value_name = "ROOM|@USER")]
        room: String,
        /// Up to this seq rather than to the end
        #[arg(long, value_name = "SEQ")]
        upto: Option<u64>,
    },
    /// List the servers, and which one is in use
    Servers,
    /// Where this device is connected, and how well
    Status,
    /// Speak JSON-RPC 2.0 on stdin and stdout, one object a line
    Rpc(PlaceArgs),
    /// Make load through the real client, and measure
    #[command(subcommand)]
    Bench(Bench),
    /// Print a completion script
    Completions { shell: Shell },
    /// Write man pages
    Man { dir: PathBuf },
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

#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    #[command(flatten)]
    pub(crate) place: PlaceArgs,
    /// The name of the account
    #[arg(long, value_name = "NAME")]
    pub(crate) user: String,
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Post from many sessions, and count what the cluster acknowledges
    Post(BenchPost),
    /// Post to a room that many sessions follow, and count what arrives
    Fanout(BenchFanout),
    /// Hold many sessions open, and count those that are lost
    Idle(BenchIdle),
}

#[derive(Args, Debug)]
pub(crate) struct BenchPost {
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
    /// Sessions that post
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) clients: u32,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// Bytes in a message
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(32..=65_536))]
    pub(crate) size: u32,
    /// Messages that one session has under way at a time
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) window: u32,
    /// Rooms to post to
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) rooms: u32,
}

#[derive(Args, Debug)]
pub(crate) struct BenchFanout {
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
    /// Sessions that follow the room
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) subscribers: u32,
    /// Messages a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) rate: u32,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
}

#[derive(Args, Debug)]
pub(crate) struct BenchIdle {
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
    /// Sessions to hold
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) sessions: u32,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
