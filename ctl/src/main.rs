//! chatctl, the operators' program.
//!
//! Speaks HTTP over the Unix socket of one daemon, which asks the leader where that is needed; `cluster new`, and what is done
//! to backups and to the data of a stopped node, work on files alone. Data go to stdout and everything else to stderr. Knows no chat, no consensus and no network.

mod cli;
mod command;
mod confirm;
mod failure;
mod file;
mod follow;
mod link;
mod output;
mod screen;
mod secret;
mod wait;
mod watch;

/// The made-up daemon of the program's tests.
#[cfg(test)]
#[path = "../tests/daemon/mod.rs"]
mod daemon;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::failure::{Exit, Failure};
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return output::usage(&told),
    };
    let output = Output::new(&cli.global);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return output
                .failure(&Failure::new(Exit::Error, "internal", error.to_string()))
                .into();
        }
    };
    let exit = runtime.block_on(async {
        tokio::select! {
            exit = watch::run(&cli, &output) => exit,
            _ = tokio::signal::ctrl_c() => Exit::Interrupted,
        }
    });
    // Whoever interrupts does not wait for a file that is being read.
    runtime.shutdown_background();
    exit.into()
}
