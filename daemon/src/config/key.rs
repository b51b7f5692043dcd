//! The keys that there are: where each stands, what it may be, and which field it sets.

use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use quorate_core::NodeId;

use super::model::{Config, LOG_LEVELS, Limit, LogFilter, LogFilterError, LogFormat, Registration};
use super::value::{Problem, Value};

/// Below, a busy machine would miss heartbeats that it sent itself; above, nobody would call it chat.
const HEARTBEATS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(5);
const ELECTIONS: RangeInclusive<Duration> = Duration::from_millis(40)..=Duration::from_secs(60);
const HAND_BACKS: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(24 * 60 * 60);
/// A log of more entries between snapshots takes hours to replay.
const ENTRIES_MAX: u64 = 100_000_000;
/// TOML's integers have a sign.
const NODE_IDS: RangeInclusive<u64> = 1..=i64::MAX.unsigned_abs();

/// One key.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    pub(super) set: fn(&mut Config, &Value) -> Result<(), Problem>,
}

macro_rules! keys {
    ($($section:ident.$name:ident = $read:expr;)*) => {
        &[$(Key {
            section: stringify!($section),
            name: stringify!($name),
            set: |config, value| {
                config.$section.$name = $read(value)?;
                Ok(())
            },
        }),*]
    };
}

/// All keys; a key's place here is its place in [`Config`].
pub(super) const KEYS: &[Key] = keys! {
    node.id = |v: &Value| v.count(NODE_IDS).map(|id| Some(NodeId(id)));
    node.data_dir = Value::path;
    node.admin_socket = Value::path;
    listen.client = Value::socket_addr;
    listen.peer = Value::socket_addr;
    listen.advertise_client = |v: &Value| v.optional(Value::parsed);
    listen.advertise_peer = |v: &Value| v.optional(Value::parsed);
    raft.heartbeat_interval = |v: &Value| v.duration(&HEARTBEATS);
    raft.election_timeout = |v: &Value| v.duration(&ELECTIONS);
    raft.snapshot_entries = |v: &Value| v.count(1..=ENTRIES_MAX);
    raft.keep_entries = |v: &Value| v.count(0..=ENTRIES_MAX);
    raft.hand_back = hand_back;
    metrics.listen = |v: &Value| v.optional(Value::socket_addr);
    accounts.registration = |v: &Value| v.word(&[
        ("open", Registration::Open),
        ("invite", Registration::Invite),
        ("closed", Registration::Closed),
    ]);
    limits.posts_per_second = limit;
    limits.registrations_per_minute = limit;
    limits.failed_logins_per_minute = limit;
    limits.sessions_per_address = limit;
    search.enabled = Value::switch;
    presence.enabled = Value::switch;
    cluster.file = |v: &Value| v.optional(Value::path);
    tls.ca = Value::path;
    tls.cert = Value::path;
    tls.key = Value::path;
    log.level = |v: &Value| v.parsed_near::<LogFilter, LogFilterError>(&LOG_LEVELS, |error| error.part.clone());
    log.format = |v: &Value| v.word(&[("text", LogFormat::Text), ("json", LogFormat::Json)]);
};

/// The sections, each once, in the order of the keys.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    KEYS.chunk_by(|left, right| left.section == right.section)
        .map(|keys| keys[0].section)
}

/// The key of this name in this section.
pub(super) fn find(section: &str, name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.section == section && key.name == name)
}

fn hand_back(value: &Value) -> Result<Option<Duration>, Problem> {
    if let Ok(()) = value.word(&[("off", ())]) {
        return Ok(None);
    }
    value.duration(&HAND_BACKS).map(Some).map_err(|problem| Problem {
        suggestion: problem
            .suggestion
            .or_else(|| Some("write \"off\" to never hand back".to_owned())),
        ..problem
    })
}

fn limit(value: &Value) -> Result<Limit, Problem> {
    let number = value.count(0..=u64::from(u32::MAX))?;
    Ok(u32::try_from(number).ok().and_then(NonZeroU32::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_stands_in_the_reference_file_below_its_section() {
        let reference = include_str!("../../../config/chatd.toml");
        let mut section = "";
        let mut documented = Vec::new();
        for line in reference.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
            } else if let Some((name, _)) = line.trim_start_matches('#').split_once(" = ") {
                documented.push((section, name));
            }
        }
        let keys: Vec<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
        assert_eq!(documented, keys);
    }
}
