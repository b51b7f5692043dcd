//! Makes a cluster of one node, and fills its data directory through the real consensus and the real store, as a daemon would:
//! accounts, rooms with members, messages with mentions, edits, reactions and read marks. All of it comes from one seed;
//! only the times count back from now.

mod city;
mod node;
mod pipe;
mod story;

use std::net::{Ipv4Addr, UdpSocket};
use std::path::{Path, PathBuf};
use std::time::Instant;

use quorate_core::NodeId;
use quorate_formation::{NodeAddr, NodeSpec, new_cluster};

use crate::Outcome;
use city::City;
use node::Node;

/// The account that `read` logs in with; its password is everybody's.
pub(crate) const READER: &str = "reader";

/// What to make.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where; it must be empty or not there
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Accounts; a tenth of them write
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=900_000))]
    accounts: u32,
    /// Rooms; the n-th has n times fewer messages than the first
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=900_000))]
    rooms: u32,
    /// Messages
    #[arg(long, default_value_t = 1_000_000)]
    messages: u32,
    /// The same seed makes the same
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Of every account
    #[arg(long, default_value = "a password")]
    password: String,
    /// Where clients will reach the node; a free port of this machine if not given
    #[arg(long, value_name = "HOST:PORT")]
    client: Option<NodeAddr>,
    /// Where other nodes would
    #[arg(long, value_name = "HOST:PORT")]
    peer: Option<NodeAddr>,
}

pub(crate) async fn run(args: &Args) -> Outcome<()> {
    let began = Instant::now();
    let spec = NodeSpec {
        id: NodeId(1),
        client_addr: args.client.clone().map_or_else(free_addr, Ok)?,
        peer_addr: args.peer.clone().map_or_else(free_addr, Ok)?,
    };
    let made = new_cluster(&args.dir, "bench", std::slice::from_ref(&spec))?;
    let config = &made.nodes.first().ok_or("a cluster of one node has none")?.config;
    let node = Node::start(config).await?;
    let city = City::new(args.accounts, args.rooms, args.seed);
    let told = story::tell(&node, city, args).await;
    // In any case: a half-filled directory is an orderly one.
    let stopped = node.stop().await;
    told?;
    stopped?;
    eprintln!("filled and closed in {:.0?}", began.elapsed());
    println!("chatd --config {}", config.display());
    println!("quorate-bench read --server {} --user {READER}", spec.client_addr);
    Ok(())
}

/// A port that was free a moment ago.
fn free_addr() -> Outcome<NodeAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(socket.local_addr()?.into())
}

/// Bytes of a folder's files.
fn size(dir: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
