//! Load.

use clap::{Args, Subcommand};

use super::ServerArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// Post from many sessions, and count what the cluster acknowledges
    #[command(
        after_help = "Examples:\n  chat bench post --clients 64 --seconds 10 --size 256 --window 1 --rooms 8 --json"
    )]
    Post(BenchPost),
    /// Post to a room that many sessions follow, and count what arrives
    #[command(after_help = "Examples:\n  chat bench fanout --subscribers 1000 --rate 20 --seconds 10 --json")]
    Fanout(BenchFanout),
    /// Hold many sessions open, and count those that are lost
    #[command(after_help = "Examples:\n  chat bench idle --sessions 2000 --seconds 10 --json")]
    Idle(BenchIdle),
    /// Log in again and again, and count how often that was done
    #[command(after_help = "Examples:
  chat bench login --clients 64 --seconds 10 --json
  echo \"$PASSWORD\" | chat bench login --clients 4 --seconds 10 --password-stdin

A login is a new session on which the node has said who is logged in: by the device's key, as when a client comes back. With \
--password-stdin each session proves the password too, which is a change in the log and costs the nodes far more.")]
    Login(BenchLogin),
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

#[derive(Args, Debug)]
pub(crate) struct BenchLogin {
    #[command(flatten)]
    pub(crate) servers: ServerArgs,
    /// Logins under way at a time
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) clients: u32,
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(crate) seconds: u32,
    /// Read the profile's password from the first line of stdin, and prove it each time
    #[arg(long)]
    pub(crate) password_stdin: bool,
}
