//! One module a command: asks, and shapes the answer for programs and for people.

mod access;
pub(crate) mod audit;
mod bundle;
mod ca;
mod catch_up;
mod cause;
mod certs;
mod change;
mod config;
mod doctor;
mod events;
mod export;
mod grow;
mod health;
mod log_level;
mod member;
mod new_cluster;
mod own_docs;
mod raft;
mod recover;
mod restore;
mod room;
mod rule;
mod snapshot;
mod status;
mod telemetry;
mod top;
mod user;

pub(crate) use events::follow as follow_events;

use serde::Serialize;

use crate::cli::{
    AuditCommand, CaCommand, CertsCommand, Cli, ClusterCommand, Command, ConfigCommand, DebugCommand, Global,
    InvitesCommand, LeaderCommand, LogLevelCommand, MemberCommand, RaftCommand, RecoverCommand, SnapshotCommand,
    TokenCommand,
};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;
use crate::screen::Screen;

/// Runs the command of this command line, once.
pub(crate) async fn run(cli: &Cli) -> Result<Answer, Failure> {
    let link = Link::new(&cli.global);
    let (stale, dry_run) = (cli.global.stale, cli.global.dry_run);
    match &cli.command {
        Command::Status | Command::Cluster(ClusterCommand::Status) => status::show(&link, stale).await,
        Command::Health(args) | Command::Cluster(ClusterCommand::Health(args)) => Ok(health::show(&link, args).await),
        Command::Cluster(ClusterCommand::New(args)) => new_cluster::make(args, dry_run),
        Command::Certs(CertsCommand::Show { expiring }) => certs::show(&link, stale, *expiring).await,
        Command::Certs(CertsCommand::Renew { node, all }) => certs::renew(&link, &cli.global, *node, *all).await,
        Command::Certs(CertsCommand::Ca(CaCommand::Show)) | Command::Ca(CaCommand::Show) => ca::show(&link).await,
        Command::Certs(CertsCommand::Ca(CaCommand::Rotate)) | Command::Ca(CaCommand::Rotate) => {
            ca::rotate(&link, &cli.global).await
        }
        Command::Certs(CertsCommand::Ca(CaCommand::Export(args)) | CertsCommand::ExportCa(args))
        | Command::Ca(CaCommand::Export(args)) => ca::export(&link, &args.dir, dry_run).await,
        Command::Init(args) | Command::Cluster(ClusterCommand::Init(args)) => {
            grow::init(&link, &cli.global, args).await
        }
        Command::Join(args) | Command::Cluster(ClusterCommand::Join(args)) => {
            grow::join(&link, &cli.global, args).await
        }
        Command::Leave(args) | Command::Cluster(ClusterCommand::Leave(args)) => {
            change::leave(&link, &cli.global, args.force).await
        }
        Command::Token(command) | Command::Cluster(ClusterCommand::Token(command)) => {
            token(&link, &cli.global, command).await
        }
        Command::Remove(args) => change::remove(&link, &cli.global, args.id, args.force).await,
        Command::Member(command) => member_command(&link, &cli.global, command).await,
        Command::Leader(LeaderCommand::Transfer { to }) => change::transfer(&link, &cli.global, *to).await,
        Command::Leader(LeaderCommand::HandBack { mode }) => change::hand_back(&link, *mode, dry_run).await,
        Command::Leader(LeaderCommand::Show) => member::leader(&link, stale).await,
        Command::Raft(RaftCommand::Info) => raft::info(&link).await,
        Command::Raft(RaftCommand::Log(args)) => raft::log(&link, args).await,
        Command::Raft(RaftCommand::Verify { all }) => raft::verify(&link, *all).await,
        Command::Snapshot(SnapshotCommand::Save { file }) => snapshot::save(&link, file, stale, dry_run).await,
        Command::Snapshot(SnapshotCommand::List) => snapshot::list(&link).await,
        Command::Snapshot(SnapshotCommand::Inspect { file }) => snapshot::inspect(file).await,
        Command::Snapshot(SnapshotCommand::Verify { file }) => snapshot::verify(file).await,
        Command::Snapshot(SnapshotCommand::Restore(args)) => restore::run(args, dry_run).await,
        Command::Recover(RecoverCommand::Quorum(args)) => recover::quorum(args, dry_run).await,
        Command::Invites(InvitesCommand::Create { ttl, uses }) => {
            rule::create_invite(&link, *ttl, *uses, dry_run).await
        }
        Command::Invites(InvitesCommand::List) => rule::invites(&link).await,
        Command::Invites(InvitesCommand::Revoke { id }) => rule::revoke_invite(&link, *id, dry_run).await,
        Command::Users(command) => user::run(&link, &cli.global, command).await,
        Command::Rooms(command) => room::run(&link, &cli.global, command).await,
        Command::Bans(command) => access::bans(&link, &cli.global, command).await,
        Command::Lockdown { mode } => access::lockdown(&link, *mode, dry_run).await,
        Command::Audit(AuditCommand::Tail { lines, .. }) => Ok(audit::tail(&link, None, *lines).await?.1),
        Command::Audit(AuditCommand::Verify) => audit::verify(&link).await,
        Command::Retention(args) => rule::retention(&link, None, *args, dry_run).await,
        Command::Quota(args) => rule::quota(&link, args, dry_run).await,
        Command::Metrics => telemetry::metrics(&link).await,
        Command::Version(args) if args.cluster => telemetry::versions(&link).await,
        Command::Version(_) => Ok(telemetry::version(&link).await),
        Command::Doctor => doctor::show(&link).await,
        Command::Top => top::sample(&link).await,
        Command::Events(args) => events::list(&link, args).await,
        Command::Config(ConfigCommand::Check { file }) => config::check(file),
        Command::Config(ConfigCommand::Show { effective }) => config::show(&link, *effective).await,
        Command::Config(ConfigCommand::Reload) => config::reload(&link, dry_run).await,
        Command::LogLevel(LogLevelCommand::Get) => log_level::get(&link).await,
        Command::LogLevel(LogLevelCommand::Set { level, lasting }) => {
            log_level::set(&link, level, *lasting, dry_run).await
        }
        Command::Debug(DebugCommand::Bundle { file }) => bundle::make(&link, file, cli.global.yes, dry_run).await,
        Command::Completions { shell } => Ok(own_docs::completions(*shell)),
        Command::Man { dir } => own_docs::man(dir),
    }
}

/// What a dry run answers that has no more to show than what would be asked for.
fn dry(asked: &impl Serialize) -> Answer {
    unchanged(Answer::new(asked, Screen::default()))
}

/// With a word about it: nothing was changed that would have been.
fn unchanged(mut answer: Answer) -> Answer {
    answer.notes.push("dry run: nothing was changed".to_owned());
    answer
}

async fn token(link: &Link<'_>, global: &Global, command: &TokenCommand) -> Result<Answer, Failure> {
    match command {
        TokenCommand::Create(args) => grow::create_token(link, *args, false, global).await,
        TokenCommand::Rotate(args) => grow::create_token(link, *args, true, global).await,
        TokenCommand::List => grow::tokens(link).await,
        TokenCommand::Revoke { id } => grow::revoke_token(link, *id, global.dry_run).await,
    }
}

async fn member_command(link: &Link<'_>, global: &Global, command: &MemberCommand) -> Result<Answer, Failure> {
    match command {
        MemberCommand::List => member::list(link, global.stale).await,
        MemberCommand::Show { id } => member::show(link, global.stale, *id).await,
        MemberCommand::Promote { id } => change::promote(link, global, *id).await,
        MemberCommand::Demote { id, force } => change::demote(link, global, *id, *force).await,
        MemberCommand::Remove(args) => change::remove(link, global, args.id, args.force).await,
        MemberCommand::SetAddr(args) => change::set_addr(link, global, args).await,
        MemberCommand::Drain { id, force } => change::drain(link, global, *id, *force).await,
        MemberCommand::Undrain { id } => change::undrain(link, global, *id).await,
        MemberCommand::Replace { old, new } => change::replace(link, global, *old, *new).await,
    }
}
