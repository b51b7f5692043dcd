//! One module a command: asks, and shapes the answer for programs and for people.

mod certs;
mod change;
mod grow;
mod health;
mod member;
mod new_cluster;
mod own_docs;
mod raft;
mod rule;
mod status;
mod telemetry;

use crate::cli::{
    CertsCommand, Cli, ClusterCommand, Command, Global, InvitesCommand, LeaderCommand, MemberCommand, RaftCommand,
    RoomsCommand, TokenCommand,
};
use crate::failure::Failure;
use crate::link::Link;
use crate::output::Answer;

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
        Command::Leader(LeaderCommand::Show) => member::leader(&link, stale).await,
        Command::Raft(RaftCommand::Info) => raft::info(&link).await,
        Command::Invites(InvitesCommand::Create { ttl, uses }) => {
            rule::create_invite(&link, *ttl, *uses, dry_run).await
        }
        Command::Invites(InvitesCommand::List) => rule::invites(&link).await,
        Command::Invites(InvitesCommand::Revoke { id }) => rule::revoke_invite(&link, *id, dry_run).await,
        Command::Rooms(RoomsCommand::Retention { room, rule }) => {
            rule::retention(&link, Some(room), *rule, dry_run).await
        }
        Command::Retention(args) => rule::retention(&link, None, *args, dry_run).await,
        Command::Quota(args) => rule::quota(&link, args, dry_run).await,
        Command::Metrics => telemetry::metrics(&link).await,
        Command::Version => Ok(telemetry::version(&link).await),
        Command::Completions { shell } => Ok(own_docs::completions(*shell)),
        Command::Man { dir } => own_docs::man(dir),
    }
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
