//! Asks a node what a client asks, one thing after the other, and says how long each took from the call to the answer.

mod kind;

use std::path::Path;
use std::time::{Duration, Instant};

use quorate_client::{Client, Options, OutboxKind, Profile, RequestError, SearchAsk};
use serde_json::{Value, json};

use crate::Outcome;
use crate::fill::READER;
use crate::process;
use crate::words::spell;
use kind::Kinds;

/// How long the node may take to open a session.
const CONNECT_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to index what was filled: a quarter of a core goes into that.
const INDEX_DEADLINE: Duration = Duration::from_secs(900);
const INDEX_POLL: Duration = Duration::from_millis(500);

/// What to ask.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The node
    #[arg(long, value_name = "HOST:PORT")]
    server: String,
    /// As whom
    #[arg(long, default_value = READER)]
    user: String,
    /// Their password
    #[arg(long, default_value = "a password")]
    password: String,
    /// How long to ask for, all in all; each kind of question is asked 300 times in any case
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// The daemon, whose memory is told
    #[arg(long)]
    pid: Option<u32>,
    /// The seed of what is chosen to be asked for
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args) -> Outcome<()> {
    let folder = std::env::temp_dir().join(format!("quorate-bench-{}", std::process::id()));
    let measured = with_profile(&folder, args).await;
    std::fs::remove_dir_all(&folder)?;
    let report = measured?;
    if args.json {
        println!("{report}");
    } else {
        tell(&report);
    }
    Ok(())
}

/// Logs in as a new device, which is taken away again afterwards.
async fn with_profile(folder: &Path, args: &Args) -> Outcome<Value> {
    let profile = Profile::open(folder)?;
    profile.set_servers(vec![args.server.clone()])?;
    let client = Client::open(
        &profile,
        Options {
            outbox: OutboxKind::Memory,
        },
    )?;
    client.connected(CONNECT_DEADLINE).await?;
    client.login(&args.user, &args.password).await?;
    let measured = measure(&client, args).await;
    let left = client.logout().await;
    client.close().await;
    let report = measured?;
    left?;
    Ok(report)
}

async fn measure(client: &Client, args: &Args) -> Outcome<Value> {
    let memory = || args.pid.map(process::memory).transpose();
    let before = memory()?;
    let indexed_in = until_indexed(client).await?;
    let kinds = Kinds::look_around(client, args.seed).await?;
    let reads = kinds.measure(Duration::from_secs(args.seconds)).await?;
    let mut report = json!({ "index_wait_seconds": indexed_in.as_secs_f64().round(), "reads_ms": reads });
    if let (Some(before), Some(after)) = (before, memory()?) {
        report["memory_before"] = before;
        report["memory_after"] = after;
    }
    Ok(report)
}

/// Waits until the node finds all that it has.
async fn until_indexed(client: &Client) -> Outcome<Duration> {
    let began = Instant::now();
    loop {
        let ask = SearchAsk {
            words: spell(0),
            limit: 1,
            ..SearchAsk::default()
        };
        match client.search(ask).await {
            Ok(_) => return Ok(began.elapsed()),
            Err(RequestError::Unavailable { .. }) if began.elapsed() < INDEX_DEADLINE => {}
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(INDEX_POLL).await;
    }
}

/// A line for each kind.
fn tell(report: &Value) {
    for (kind, read) in report["reads_ms"].as_object().into_iter().flatten() {
        println!(
            "{kind:24} p50 {:>7} ms  p99 {:>7} ms  max {:>7} ms  {} asked, {} rows each",
            read["p50"], read["p99"], read["max"], read["asked"], read["rows"]
        );
    }
    for memory in ["memory_before", "memory_after"] {
        if report[memory].is_object() {
            println!("{memory}: {}", report[memory]);
        }
    }
}
