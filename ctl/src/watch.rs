//! Runs the command: once, or again and again with `--watch`.

use std::ops::ControlFlow;

use crate::cli::{
    AuditCommand, BansCommand, CaCommand, CertsCommand, Cli, ClusterCommand, Command, InvitesCommand, LeaderCommand,
    MemberCommand, RoomsCommand, SnapshotCommand, UsersCommand,
};
use crate::command;
use crate::failure::{Exit, Failure};
use crate::follow;
use crate::link::Link;
use crate::output::Output;

/// Runs the command to its end; with `--watch` only an interrupt, or a reader that is gone, ends it.
pub(crate) async fn run(cli: &Cli, output: &Output) -> Exit {
    if let Command::Events(args) = &cli.command
        && args.follow
        && cli.global.watch.is_none()
    {
        return command::follow_events(&Link::new(&cli.global), args, output).await;
    }
    if let Command::Audit(AuditCommand::Tail { follow: true, lines }) = &cli.command {
        return follow::audit(cli, output, *lines).await;
    }
    let Some(interval) = cli.global.watch.or_else(|| output.refresh(&cli.command)) else {
        return once(cli, output).await;
    };
    let output = &output.watching();
    if !can_be_watched(&cli.command) {
        let failure = Failure::new(Exit::Usage, "usage", "this command cannot be watched");
        return output
            .failure(&failure.hint("--watch is for status, health, doctor, top, member, leader and raft info"));
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
        Command::Status | Command::Doctor | Command::Top => true,
        Command::Health(_) | Command::Raft(_) => true,
        Command::Member(command) => matches!(command, MemberCommand::List | MemberCommand::Show { .. }),
        Command::Leader(command) => matches!(command, LeaderCommand::Show),
        Command::Cluster(command) => matches!(command, ClusterCommand::Status | ClusterCommand::Health(_)),
        Command::Invites(command) => matches!(command, InvitesCommand::List),
        Command::Certs(command) => matches!(command, CertsCommand::Show { .. } | CertsCommand::Ca(CaCommand::Show)),
        Command::Ca(command) => matches!(command, CaCommand::Show),
        Command::Events(_) | Command::Config(_) | Command::LogLevel(_) | Command::Debug(_) => false,
        Command::Init(_) | Command::Join(_) | Command::Leave(_) | Command::Remove(_) | Command::Token(_) => false,
        Command::Metrics | Command::Version(_) | Command::Completions { .. } | Command::Man { .. } => false,
        Command::Snapshot(command) => matches!(command, SnapshotCommand::List),
        Command::Users(command) => matches!(command, UsersCommand::List(_) | UsersCommand::Show { .. }),
        Command::Rooms(command) => matches!(command, RoomsCommand::List(_) | RoomsCommand::Show { .. }),
        Command::Bans(command) => matches!(command, BansCommand::List),
        Command::Lockdown { mode } => mode.is_none(),
        Command::Audit(_) | Command::Recover(_) | Command::Retention(_) | Command::Quota(_) => false,
    }
}
