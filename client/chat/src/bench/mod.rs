//! Load through the real client library, counted honestly: what is reported as done was acknowledged, and is looked for
//! again where that can be done.

mod fanout;
mod idle;
mod login;
mod post;
mod report;

use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use quorate_client::{Client, Options, OutboxKind, RoomName, Topic};
use rand::Rng;

use crate::cli::{Bench, Cli};
use crate::exit::Exit;
use crate::{place, progress};

/// Handshakes under way at a time: each costs half a millisecond on either side.
const HANDSHAKES_MAX: usize = 64;
/// Until all sessions are there.
const SESSIONS_DEADLINE: Duration = Duration::from_secs(120);

pub(crate) async fn run(cli: &Cli, which: &Bench) -> Result<(), Exit> {
    let servers = match which {
        Bench::Post(args) => &args.servers,
        Bench::Fanout(args) => &args.servers,
        Bench::Idle(args) => &args.servers,
        Bench::Login(args) => &args.servers,
    };
    let client = place::open_with(&cli.profile, servers, OutboxKind::Memory)?;
    let result = match which {
        Bench::Post(args) => post::run(&client, args, cli.json).await,
        Bench::Fanout(args) => fanout::run(&client, args, cli.json).await,
        Bench::Idle(args) => idle::run(&client, args, cli.json).await,
        Bench::Login(args) => login::run(&client, args, cli.json).await,
    };
    client.close().await;
    result
}

/// Sessions of their own, as this device and over one socket.
async fn sessions(client: &Client, count: u32) -> Result<Vec<Client>, Exit> {
    let progress = progress::bar("connecting", count.into());
    let options = Options {
        outbox: OutboxKind::Memory,
    };
    let connecting = (0..count).map(|_| {
        let (client, progress) = (client.clone(), progress.clone());
        async move {
            let session = client.sibling(options);
            session.connected(SESSIONS_DEADLINE).await?;
            progress.inc(1);
            Ok::<_, Exit>(session)
        }
    });
    let sessions = stream::iter(connecting).buffered(HANDSHAKES_MAX).try_collect().await;
    progress.finish_and_clear();
    sessions
}

/// A room for this run alone.
async fn room(client: &Client) -> Result<RoomName, Exit> {
    let dice: u64 = rand::rng().random();
    let room = RoomName::parse(&format!("bench-{dice:016x}")).expect("letters and digits are a name");
    client.create_room(&room, false, Topic::default()).await?;
    Ok(room)
}
