//! One function for each command.

mod account;
mod docs;
mod message;
mod room;
mod status;
mod tail;

use std::time::Duration;

use quorate_client::{Client, ConnectionState, OutboxKind, RoomName, RoomRef, UserName};
use tokio::time::timeout;

use crate::cli::{Cli, Command};
use crate::exit::Exit;
use crate::{bench, place, rpc};

/// A command that asks several things ends within this, even when each of them waits for a quorum.
const ONE_SHOT_DEADLINE: Duration = Duration::from_secs(32);

pub(crate) async fn run(cli: &Cli) -> Result<(), Exit> {
    let json = cli.json;
    match &cli.command {
        Command::Completions { shell } => docs::completions(*shell),
        Command::Man { dir } => docs::man(dir),
        Command::Rpc(place) => {
            let client = place::open_at(&cli.profile, place)?;
            rpc::serve(client).await
        }
        Command::Bench(which) => bench::run(cli, which).await,
        Command::Register(args) => {
            let (client, password) = account::prepare(cli, args, true)?;
            once(&client, account::register(&client, args, &password, json)).await
        }
        Command::Login(args) => {
            let (client, password) = account::prepare(cli, args, false)?;
            once(&client, account::login(&client, args, &password, json)).await
        }
        Command::Tail {
            rooms,
            follow,
            count,
            from,
        } => {
            let client = place::open(&cli.profile, OutboxKind::Memory)?;
            let refs = rooms.iter().map(|room| room_ref(room)).collect::<Result<Vec<_>, _>>()?;
            let tail = tail::Tail {
                rooms: refs,
                count: *count,
                from: *from,
                json,
            };
            if *follow {
                tail.follow(&client).await
            } else {
                once(&client, tail.show(&client)).await
            }
        }
        one_shot => {
            let outbox = match one_shot {
                Command::Send { .. }
                | Command::Create { .. }
                | Command::Join { .. }
                | Command::Leave { .. }
                | Command::Topic { .. } => OutboxKind::Durable,
                // Nothing to keep, and no time to finish what others left.
                _ => OutboxKind::Memory,
            };
            let client = place::open(&cli.profile, outbox)?;
            once(&client, ask(&client, one_shot, json)).await
        }
    }
}

async fn ask(client: &Client, command: &Command, json: bool) -> Result<(), Exit> {
    match command {
        Command::Logout => account::logout(client, json).await,
        Command::Whoami => account::whoami(client, json).await,
        Command::Rooms { all } => room::list(client, *all, json).await,
        Command::Create { room, private, topic } => room::create(client, room, *private, topic, json).await,
        Command::Join { room } => room::join(client, room, json).await,
        Command::Leave { room } => room::leave(client, room, json).await,
        Command::Members { room } => room::members(client, room, json).await,
        Command::Topic { room, topic } => room::topic(client, room, topic, json).await,
        Command::Send { to, text, reply, id } => {
            message::send(client, to, text.as_deref(), *reply, id.as_deref(), json).await
        }
        Command::History {
            room,
            count,
            before,
            after,
            linearizable,
        } => message::history(client, room, *count, *before, *after, *linearizable, json).await,
        Command::Unread => room::unread(client, json).await,
        Command::Read { room, upto } => room::read(client, room, *upto, json).await,
        Command::Servers => status::servers(client, json).await,
        Command::Status => status::status(client, json).await,
        Command::Register(_)
        | Command::Login(_)
        | Command::Tail { .. }
        | Command::Rpc(_)
        | Command::Bench(_)
        | Command::Completions { .. }
        | Command::Man { .. } => unreachable!("these are begun in run"),
    }
}

/// Runs a command to its end or its deadline, and closes the client.
async fn once(client: &Client, command: impl Future<Output = Result<(), Exit>>) -> Result<(), Exit> {
    let result = match timeout(ONE_SHOT_DEADLINE, command).await {
        Ok(result) => result,
        Err(_) => Err(match client.connection().state {
            ConnectionState::Reconnecting => Exit::late("no-node", "no node can be reached"),
            ConnectionState::NoQuorum | ConnectionState::Connected => {
                Exit::late("no-quorum", "the cluster did not answer in time")
            }
        }),
    };
    client.close().await;
    result
}

/// A room, or with an @ the direct room with a user.
fn room_ref(text: &str) -> Result<RoomRef, Exit> {
    match text.strip_prefix('@') {
        Some(user) if !user.contains('+') => match UserName::parse(user) {
            Ok(user) => Ok(RoomRef::Direct(user)),
            Err(error) => Err(Exit::usage(format!("{text}: {error}"))),
        },
        _ => room_name(text).map(RoomRef::Name),
    }
}

fn room_name(text: &str) -> Result<RoomName, Exit> {
    RoomName::parse(text).map_err(|error| Exit::usage(format!("{text}: {error}")))
}
