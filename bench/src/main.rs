//! The chat at size, measured: `fill` makes a cluster of one node with as many accounts, rooms and messages as wanted, `read`
//! asks the daemon that runs on it what a client asks, one thing after the other, and says how long each took, and `keep` takes
//! a backup of it while authors post, restores that, and kills and starts the daemon. `failover` is about a small cluster: how long
//! somebody who posts waits when a node goes.
//!
//! Knows nothing of how a node answers: what is filled goes through consensus as any write does, and what is read comes through
//! the client library.

mod dice;
mod failover;
mod fill;
mod keep;
mod latency;
mod process;
mod read;
mod words;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What ends a run early: told to whoever started it, who alone can do something about it.
type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures the chat at size
#[derive(Debug, Parser)]
#[command(name = "quorate-bench", version)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Make a cluster of one node, and fill it
    Fill(fill::Args),
    /// Measure the reads of a node that was filled
    Read(read::Args),
    /// Measure how long a poster waits when a node is killed, drained or replaced
    Failover(failover::Args),
    /// Measure a backup, its restore, and a start after a kill, of a node that was filled
    Keep(keep::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Fill(args) => fill::run(&args).await,
        Task::Read(args) => read::run(&args).await,
        Task::Failover(args) => failover::run(&args).await,
        Task::Keep(args) => keep::run(&args).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quorate-bench: {error}");
            let mut cause = error.source();
            while let Some(source) = cause {
                eprintln!("  because: {source}");
                cause = source.source();
            }
            ExitCode::FAILURE
        }
    }
}
