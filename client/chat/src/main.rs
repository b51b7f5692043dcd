//! `chat`: the users' program. What it does is in the library; here are the command line, JSON-RPC and the load benches.

mod bench;
mod cli;
mod command;
mod device;
mod exit;
mod interrupt;
mod json;
mod output;
mod place;
mod progress;
mod rpc;
mod target;
mod text;
mod time;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything is printed in a form that depends on them.
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if error.use_stderr() && wants_json() => return Exit::of_command_line(&error).report(true),
        Err(error) => error.exit(),
    };
    cli.color.apply();
    trace();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Exit::from(error).report(cli.json),
    };
    let result = runtime.block_on(async {
        interrupt::listen();
        tokio::select! {
            () = interrupt::overdue() => Err(Exit::interrupted()),
            result = command::run(&cli) => result,
        }
    });
    // A thread may still be blocked on stdin, which nothing but its end wakes.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(exit) => exit.report(cli.json),
    }
}

/// Whether a command line that could not be understood asks for JSON.
fn wants_json() -> bool {
    let mut args = std::env::args_os().skip(1).take_while(|arg| arg != "--");
    args.any(|arg| arg == "--json")
}

/// Traces go to stderr when `CHAT_LOG` asks for them.
fn trace() {
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_env("CHAT_LOG") {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal())
            .init();
    }
}
