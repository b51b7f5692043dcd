//! `chat`: the users' program. What it does is in the library; here are the command line, JSON-RPC and the load benches.

mod bench;
mod cli;
mod command;
mod exit;
mod json;
mod output;
mod place;
mod rpc;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything is printed in a form that depends on them.
    let cli = Cli::parse();
    cli.color.apply();
    trace();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::from(error).report(cli.json),
    };
    let result = runtime.block_on(async {
        tokio::select! {
            result = command::run(&cli) => result,
            _ = tokio::signal::ctrl_c() => Err(Exit::interrupted()),
        }
    });
    // A thread may still be blocked on stdin, which nothing but its end wakes.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(cli.json),
    }
}

/// Traces go to stderr when `CHAT_LOG` asks for them.
fn trace() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("CHAT_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
    }
}
