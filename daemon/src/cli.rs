//! What `chatd` is asked to do, and the exit code of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use quorate_daemon::config::{self, Config, EXIT_CONFIG, Flags};
use quorate_daemon::node::{self, Traces};

/// Exit code of a daemon that could not begin or go on.
const EXIT_FAILED: u8 = 1;

/// One node of a chat that goes on while a majority of its nodes is present
#[derive(Debug, Parser)]
#[command(
    name = "chatd",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
#[command(after_help = "Try it: chatd demo --tour")]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: Run,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon (also without the word)
    Run(Run),
    /// Check a config file: every fault with its line and a suggestion; exit 0 or 78
    CheckConfig {
        /// The file to check
        file: PathBuf,
    },
    /// Run a whole cluster on this machine, with real certificates and disks, until Ctrl-C
    Demo(Demo),
    /// Print a shell's completions
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Write the man pages into a directory
    Man {
        /// The directory
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Run {
    /// The config file (TOML)
    #[arg(long, value_name = "FILE", visible_alias = "config-file")]
    config: Option<PathBuf>,
    #[command(flatten)]
    flags: Flags,
}

#[derive(Debug, Args)]
struct Demo {
    /// How many nodes
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=9))]
    nodes: u16,
    /// Where to keep the cluster; a temporary directory without
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Play a scripted conversation, kill the leader half way, check what was kept, and end
    #[arg(long)]
    tour: bool,
}

pub(crate) fn run(cli: Cli) -> ExitCode {
    match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(run) => daemon(&run),
        Command::CheckConfig { file } => check_config(&file),
        Command::Demo(demo) => play(demo),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "chatd", &mut io::stdout());
            ExitCode::SUCCESS
        }
        Command::Man { dir } => match clap_mangen::generate_to(Cli::command(), dir) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => failed("the man pages cannot be written", &error),
        },
    }
}

fn daemon(run: &Run) -> ExitCode {
    let Some(file) = &run.config else {
        let kind = clap::error::ErrorKind::MissingRequiredArgument;
        Cli::command()
            .error(kind, "the config file is missing: chatd --config FILE")
            .exit();
    };
    let config = match Config::load(Some(file), &config::environment(), &run.flags) {
        Ok(config) => config,
        Err(error) => {
            eprint!("{error}");
            return ExitCode::from(EXIT_CONFIG);
        }
    };
    let traces = Traces::begin(&config.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed("the runtime does not start", &error),
    };
    match runtime.block_on(node::run(file.clone(), run.flags.clone(), config, traces)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed("chatd ends", &error),
    }
}

fn check_config(file: &Path) -> ExitCode {
    let faults = config::check(file);
    let mut out = io::stdout().lock();
    // A pipe that is closed early is no fault of the config.
    let _ = match &faults {
        Ok(()) => writeln!(out, "{}: ok", file.display()),
        Err(error) => write!(out, "{error}"),
    };
    if faults.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_CONFIG)
    }
}

fn play(demo: Demo) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed("the runtime does not start", &error),
    };
    let demo = quorate_demo::Demo {
        nodes: demo.nodes,
        dir: demo.dir,
        tour: demo.tour,
    };
    match runtime.block_on(quorate_demo::run(demo)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed("the demo failed", &error),
    }
}

/// Says why on stderr, with all causes.
fn failed(what: &str, error: &dyn std::error::Error) -> ExitCode {
    let priority = if node::goes_to_journal() {
        node::ERROR_PREFIX
    } else {
        ""
    };
    let mut line = format!("{priority}chatd: {what}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(&format!(": {error}"));
        cause = error.source();
    }
    eprintln!("{line}");
    ExitCode::from(EXIT_FAILED)
}
