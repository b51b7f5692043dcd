//! What the made-up daemon says of itself to those who watch it.

use quorate_adminapi::{
    Diagnosis, EventKind, LogLevel, MemberRole, NodeEvent, NodeReport, Reloaded, Setting, SettingSource, Status,
    UtcTime, Vitals,
};
use quorate_core::{LogIndex, NodeId};
use serde::Serialize;

/// The clock of n2 is wrong, and its disk is small.
pub(super) fn vitals(id: u64) -> Vitals {
    Vitals {
        rtt_us: (id > 1).then_some(380),
        fsync_p99_us: Some(1900),
        clock_ahead_ms: Some(if id == 2 { 90_000 } else { 0 }),
        disk_free_bytes: Some(41 << 30),
        disk_size_bytes: Some(100 << 30),
        catch_up_percent: None,
    }
}

/// The body for one of the paths here; none for another path.
pub(super) fn answer(path: &str, status: &Status) -> Option<String> {
    let level = LogLevel {
        level: "debug".to_owned(),
        configured: "info".to_owned(),
        until: Some(UtcTime::from_unix_ms(1_795_368_922_007)),
    };
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Some(match path {
        "/v1/vitals" => json(&status.nodes.iter().map(|node| report(node.id.0)).collect::<Vec<_>>()),
        "/v1/doctor" => {
            let reports: Vec<_> = status.nodes.iter().map(|node| report(node.id.0)).collect();
            json(&Diagnosis::of(
                status,
                &reports,
                UtcTime::from_unix_ms(1_795_368_922_007),
            ))
        }
        "/v1/events" if query.contains("follow=true") => json(&event(9, "n2 answers again")) + "\n",
        "/v1/events" => json(&[event(7, "n3 leads in term 4"), event(8, "n2 does not answer")]),
        "/v1/config" => json(&[
            setting("raft.hand_back", "10s", None),
            setting("log.level", "debug", Some("/etc/chatd/chatd.toml:12")),
        ]),
        "/v1/config/reload" => json(&Reloaded {
            changed: vec!["log.level".to_owned()],
            needs_restart: vec!["raft.hand_back".to_owned()],
            cert_expires: None,
        }),
        "/v1/log-level" => json(&level),
        _ => return None,
    })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap()
}

fn event(no: u64, text: &str) -> NodeEvent {
    NodeEvent {
        no,
        at: UtcTime::from_unix_ms(1_795_368_922_007),
        kind: EventKind::PeerUp,
        node: Some(NodeId(2)),
        text: text.to_owned(),
    }
}

fn setting(key: &str, value: &str, place: Option<&str>) -> Setting {
    Setting {
        key: key.to_owned(),
        value: Some(value.to_owned()),
        source: if place.is_some() {
            SettingSource::File
        } else {
            SettingSource::Default
        },
        place: place.map(str::to_owned),
        reloads: place.is_some(),
    }
}

fn report(id: u64) -> NodeReport {
    NodeReport {
        version: Some("0.1.0".to_owned()),
        posts: Some(5),
        committed: Some(LogIndex(918_224)),
        applied: Some(LogIndex(918_224)),
        sessions: Some(112),
        vitals: vitals(id),
        clock_error_ms: Some(1),
        open_fds: Some(30),
        max_fds: Some(1024),
        ..NodeReport::silent(NodeId(id), MemberRole::Voter, id == 3)
    }
}
