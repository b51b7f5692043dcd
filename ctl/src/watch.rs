//! Runs the command: once, or again and again with `--watch`.

use std::ops::ControlFlow;

use crate::cli::{CertsCommand, Cli, ClusterCommand, Command, InvitesCommand, LeaderCommand, MemberCommand};
use crate::command;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Runs the command to its end; with `--watch` only an interrupt, or a reader that is gone, ends it.
pub(crate) async fn run(cli: &Cli, output: &Output) -> Exit {
    let Some(interval) = cli.global.watch else {
        return once(cli, output).await;
    };
    if !can_be_watched(&cli.command) {
        let failure = Failure::new(Exit::Usage, "usage", "this command cannot be watched");
        return output.failure(&failure.hint("--watch is for status, health, member, leader and raft info"));
    }
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match command::run(cli).await {
            Ok(answer) => {
                if let ControlFlow::Break(exit) = output.answer(&answer) {
                    return exit;
                }
            }
            Err(failure) => {
                output.failure(&failure);
            }
        }
    }
}

async fn once(cli: &Cli, output: &Output) -> Exit {
    match command::run(cli).await {
        Ok(answer) => match output.answer(&answer) {
            ControlFlow::Continue(exit) | ControlFlow::Break(exit) => exit,
        },
        Err(failure) => output.failure(&failure),
    }
}

fn can_be_watched(command: &Command) -> bool {
    match command {
        Command::Status | Command::Health(_) | Command::Raft(_) => true,
        Command::Member(command) => matches!(command, MemberCommand::List | MemberCommand::Show { .. }),
        Command::Leader(command) => matches!(command, LeaderCommand::Show),
        Command::Cluster(command) => matches!(command, ClusterCommand::Status | ClusterCommand::Health(_)),
        Command::Invites(command) => matches!(command, InvitesCommand::List),
        Command::Certs(command) => matches!(command, CertsCommand::Show { .. }),
        Command::Rooms(_) | Command::Retention(_) | Command::Quota(_) => false,
        Command::Init(_) | Command::Join(_) | Command::Leave(_) | Command::Remove(_) | Command::Token(_) => false,
        Command::Metrics | Command::Version | Command::Completions { .. } | Command::Man { .. } => false,
    }
}
