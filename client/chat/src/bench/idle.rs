//! Whether many sessions stay.

use std::time::Duration;

use quorate_client::{Client, ConnectionState, Notice, Notices};
use serde_json::json;
use tokio::time::{Instant, timeout_at};

use super::{report, sessions};
use crate::cli::BenchIdle;
use crate::exit::Exit;
use crate::output;

pub(super) async fn run(client: &Client, args: &BenchIdle, json: bool) -> Result<(), Exit> {
    let before = resident_bytes();
    let began = Instant::now();
    let sessions = sessions(client, args.sessions).await?;
    let connecting = began.elapsed();
    let until = Instant::now() + Duration::from_secs(args.seconds.into());
    let watching: Vec<_> = sessions
        .iter()
        .map(|session| tokio::spawn(breaks(session.notices(), until)))
        .collect();
    let mut broke = 0;
    for task in watching {
        broke += task.await.map_err(|error| Exit::error("bench", error.to_string()))?;
    }
    let connected = sessions
        .iter()
        .filter(|session| {
            matches!(
                session.connection().state,
                ConnectionState::Connected | ConnectionState::NoQuorum
            )
        })
        .count();
    let mut report = json!({
        "sessions": sessions.len(),
        "connected": connected,
        "lost": broke,
        "connect_seconds": connecting.as_secs_f64(),
    });
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let bytes = after.saturating_sub(before) as f64 / f64::from(args.sessions);
        report["own_kb_per_session"] = json!((bytes / 100.0).round() / 10.0);
    }
    output::either(json, &report, &report::text(&report))
}

/// How often a session was lost.
async fn breaks(mut notices: Notices, until: Instant) -> u64 {
    let mut count = 0;
    while let Ok(Some(notice)) = timeout_at(until, notices.next()).await {
        if matches!(notice, Notice::Connection(now) if matches!(now.state, ConnectionState::Reconnecting | ConnectionState::LoggedOut))
        {
            count += 1;
        }
    }
    count
}

/// What this program has in memory, where the system tells it: the library's part of the sessions.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let field = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    // The kernel's kB are 1024 bytes.
    let kilobytes: u64 = field.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
