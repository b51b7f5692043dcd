//! One function for each command.

mod account;
mod ask;
mod bot;
mod docs;
mod export;
mod message;
mod room;
mod search;
mod status;
mod tail;

use std::time::Duration;

use quorate_client::{Client, ConnectionState, OutboxKind};
use tokio::time::timeout;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::{bench, place, rpc};

/// A command that asks several things ends within this, even when each of them waits for a quorum.
const ONE_SHOT_DEADLINE: Duration = Duration::from_secs(32);

pub(crate) use ask::first_line;

pub(crate) async fn run(cli: &Cli) -> Result<(), Exit> {
    match &cli.command {
        Command::Account(command) => Box::pin(account::run(cli, command)).await,
        Command::Room(command) => Box::pin(room::run(cli, command)).await,
        Command::Message(command) => Box::pin(message::run(cli, command)).await,
        Command::Servers => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, status::servers(&client, cli.json)).await
        }
        Command::Status => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, status::status(&client, cli.json)).await
        }
        Command::Rpc(place) => {
            let client = place::open_at(&cli.profile, place)?;
            let invite = place.link.as_ref().and_then(|link| link.invite());
            Box::pin(rpc::serve(client, invite)).await
        }
        Command::Bench(which) => Box::pin(bench::run(cli, which)).await,
        Command::Completions { shell } => docs::completions(*shell),
        Command::Man { dir } => docs::man(dir),
    }
}

/// A client for whoever is logged in.
fn open(cli: &Cli, outbox: OutboxKind) -> Result<Client, Exit> {
    place::open(&cli.profile, outbox)
}

/// Runs a command to its end or its deadline, and closes the client.
async fn once(client: &Client, command: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let within = async {
        match timeout(ONE_SHOT_DEADLINE, command).await {
            Ok(result) => result,
            Err(_) => Err(match client.connection().state {
                ConnectionState::Reconnecting => Exit::late("no-node", "no node can be reached"),
                ConnectionState::LoggedOut => Exit::no_login(),
                ConnectionState::NoQuorum | ConnectionState::Connected => {
                    Exit::late("no-quorum", "the cluster did not answer in time")
                }
            }),
        }
    };
    paged(client, within).await
}

/// Runs a command that asks for page after page, each with a deadline of its own, and closes the client.
async fn paged(client: &Client, command: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let result = command.await;
    client.close().await;
    result
}
