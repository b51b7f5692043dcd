//! Keeps what a filled node has, and measures it: a backup while authors post, its restore, and the start after a kill.

mod daemon;
mod load;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quorate_core::NodeId;
use quorate_formation::{ClusterFile, node_dir};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::Outcome;
use crate::fill::READER;
use daemon::Daemon;
use load::Load;

/// How long posts run without a backup, for the comparison, and before the kill.
const ALONE: Duration = Duration::from_secs(10);

/// What to keep.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What `fill` made; nothing may run on it
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Where chatd and chatctl are; without it, beside this program
    #[arg(long, value_name = "DIR")]
    programs: Option<PathBuf>,
    /// Authors, each with one post under way
    #[arg(long, default_value_t = 8)]
    authors: usize,
    /// Their password
    #[arg(long, default_value = "a password")]
    password: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args) -> Outcome<()> {
    let programs = match &args.programs {
        Some(dir) => dir.clone(),
        None => std::env::current_exe()?
            .parent()
            .ok_or("this program has no folder")?
            .to_owned(),
    };
    let kept = args.dir.join("keep");
    std::fs::create_dir_all(&kept)?;
    let measured = measure(args, &programs, &kept).await;
    std::fs::remove_dir_all(&kept)?;
    let report = measured?;
    if args.json {
        println!("{report}");
    } else {
        tell(&report);
    }
    Ok(())
}

async fn measure(args: &Args, programs: &Path, kept: &Path) -> Outcome<Value> {
    let file = ClusterFile::load(&args.dir.join("cluster.toml"))?;
    let spec = file.nodes().first().ok_or("a cluster has a node")?;
    let node = node_dir(&args.dir, NodeId(1));
    let daemon = Daemon::start(programs, &node).await?;
    let load = Load::begin(
        kept,
        &spec.client_addr.to_string(),
        (READER, args.password.as_str()),
        args.authors,
    )
    .await?;
    tokio::time::sleep(ALONE).await;
    let alone = load.taken();
    let backup = kept.join("backup.qbk");
    let (save_seconds, saved) = chatctl(
        programs,
        &["--socket", path(daemon.socket())?, "snapshot", "save", path(&backup)?],
    )
    .await?;
    let during = load.taken();
    // Rows since the last checkpoint are what the start has to replay.
    load.end().await?;
    daemon.kill().await?;
    let daemon = Daemon::start(programs, &node).await?;
    let start_seconds = daemon.started_in().as_secs_f64();
    daemon.kill().await?;
    let restored = kept.join("restored");
    let restore = [
        "snapshot",
        "restore",
        path(&backup)?,
        "--new-cluster",
        "--data-dir",
        path(&restored)?,
    ];
    let (restore_seconds, _) = chatctl(programs, &restore).await?;
    let ratio = during.quantile_ms(0.99) / alone.quantile_ms(0.99);
    Ok(json!({
        "posts_alone_ms": alone.to_json(),
        "posts_during_save_ms": during.to_json(),
        "p99_ratio": (ratio * 100.0).round() / 100.0,
        "save_seconds": save_seconds,
        "rows": saved["data"]["rows"],
        "messages": saved["data"]["messages"],
        "backup_mb": saved["data"]["bytes"].as_f64().map(|bytes| (bytes / 1e5).round() / 10.0),
        "restore_seconds": restore_seconds,
        "start_after_kill_seconds": start_seconds,
    }))
}

/// Runs a command to its end; its seconds, and what it says.
async fn chatctl(programs: &Path, args: &[&str]) -> Outcome<(f64, Value)> {
    let began = Instant::now();
    let output = Command::new(programs.join("chatctl"))
        .args(["-o", "json"])
        .args(args)
        .output()
        .await?;
    let took = began.elapsed();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    Ok((
        (took.as_secs_f64() * 100.0).round() / 100.0,
        serde_json::from_slice(&output.stdout)?,
    ))
}

fn path(path: &Path) -> Outcome<&str> {
    path.to_str().ok_or_else(|| "the path is not text".into())
}

fn tell(report: &Value) {
    for (name, value) in report.as_object().into_iter().flatten() {
        println!("{name:26} {value}");
    }
}
