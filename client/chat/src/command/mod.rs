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

use quorate_client::{Client, OutboxKind};

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::{bench, interrupt, place, rpc};

/// A command that asks several things ends within this, even when each of them waits for a quorum: later ones get what is left.
const ONE_SHOT_DEADLINE: Duration = Duration::from_secs(32);

pub(crate) use ask::first_line;

pub(crate) async fn run(cli: &Cli) -> Result<(), Exit> {
    match &cli.command {
        Command::Account(command) => Box::pin(account::run(cli, command)).await,
        Command::Room(command) => Box::pin(room::run(cli, command)).await,
        Command::Message(command) => Box::pin(message::run(cli, command)).await,
        Command::Servers => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, async |client| status::servers(client, cli.json).await).await
        }
        Command::Status => {
            let client = open(cli, OutboxKind::Memory)?;
            once(&client, async |client| status::status(client, cli.json).await).await
        }
        Command::Rpc(args) => {
            let client = place::open_at(&cli.profile, &args.place)?;
            let invite = args.place.link.as_ref().and_then(|link| link.invite());
            interrupt::or(Box::pin(rpc::serve(
                client,
                invite,
                Duration::from_millis(args.finish_within.0),
            )))
            .await
        }
        Command::Bench(which) => interrupt::or(Box::pin(bench::run(cli, which))).await,
        Command::Completions { shell } => docs::completions(*shell),
        Command::Man { dir } => docs::man(dir),
    }
}

/// A client for whoever is logged in.
fn open(cli: &Cli, outbox: OutboxKind) -> Result<Client, Exit> {
    place::open(&cli.profile, outbox)
}

/// Runs a command to its end, or to the deadline of all that it asks, and closes the client. Interrupted, it gives up what was not
/// sent yet.
async fn once(client: &Client, command: impl AsyncFnOnce(&Client) -> Result<(), Exit>) -> Result<(), Exit> {
    let bounded = client.within(ONE_SHOT_DEADLINE);
    paged(client, command(&bounded)).await
}

/// Runs a command that asks for page after page, each with a deadline of its own, and closes the client.
async fn paged(client: &Client, command: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let result = interrupt::or(command).await;
    client.close().await;
    result
}
