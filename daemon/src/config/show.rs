//! The config as it is in effect, key by key, each with the place that it comes from.

use std::path::Path;

use quorate_adminapi::{Setting, SettingSource, format_duration};

use super::fault::{ConfigError, Place};
use super::flags::Flags;
use super::key::{KEYS, Key};
use super::load::{Loaded, load};
use super::model::{Config, Limit, LogFormat, Registration};

/// What is read again while the daemon runs; a key, or all of a section.
const RELOADED: [&str; 3] = ["limits.", "tls.", "log.level"];

/// Reads everything as [`Config::load`] does, and says what came of it: all keys in their order.
///
/// # Errors
/// See there.
pub fn settings(file: Option<&Path>, env: &[(String, String)], flags: &Flags) -> Result<Vec<Setting>, ConfigError> {
    let loaded = load(file, env, flags)?;
    Ok(KEYS.iter().map(|key| setting(&loaded, key)).collect())
}

fn setting(loaded: &Loaded, key: &Key) -> Setting {
    let name = format!("{}.{}", key.section, key.name);
    let place = loaded.place(key.section, key.name);
    let source = match place {
        None => SettingSource::Default,
        Some(Place::File { .. }) => SettingSource::File,
        Some(Place::Env(_)) => SettingSource::Environment,
        Some(Place::Flag(_)) => SettingSource::Flag,
    };
    Setting {
        value: value(&loaded.config, &name),
        source,
        place: place.map(|place| place.to_string()),
        reloads: RELOADED.iter().any(|live| name.starts_with(live)),
        key: name,
    }
}

/// The value as it would be written in the file, without quotes; none where there is none.
fn value(config: &Config, key: &str) -> Option<String> {
    let Config {
        node,
        listen,
        raft,
        limits,
        ..
    } = config;
    let path = |path: &Path| path.display().to_string();
    let limit = |limit: Limit| limit.map_or(0, std::num::NonZeroU32::get).to_string();
    Some(match key {
        "node.id" => return node.id.map(|id| id.to_string()),
        "node.data_dir" => path(&node.data_dir),
        "node.admin_socket" => path(&node.admin_socket),
        "listen.client" => listen.client.to_string(),
        "listen.peer" => listen.peer.to_string(),
        "listen.advertise_client" => return listen.advertise_client.as_ref().map(ToString::to_string),
        "listen.advertise_peer" => return listen.advertise_peer.as_ref().map(ToString::to_string),
        "raft.heartbeat_interval" => format_duration(raft.heartbeat_interval),
        "raft.election_timeout" => format_duration(raft.election_timeout),
        "raft.snapshot_entries" => raft.snapshot_entries.to_string(),
        "raft.keep_entries" => raft.keep_entries.to_string(),
        "raft.hand_back" => raft.hand_back.map_or_else(|| "off".to_owned(), format_duration),
        "metrics.listen" => return config.metrics.listen.map(|addr| addr.to_string()),
        "accounts.registration" => match config.accounts.registration {
            Registration::Open => "open",
            Registration::Invite => "invite",
            Registration::Closed => "closed",
        }
        .to_owned(),
        "limits.posts_per_second" => limit(limits.posts_per_second),
        "limits.registrations_per_minute" => limit(limits.registrations_per_minute),
        "limits.failed_logins_per_minute" => limit(limits.failed_logins_per_minute),
        "limits.sessions_per_address" => limit(limits.sessions_per_address),
        "search.enabled" => config.search.enabled.to_string(),
        "presence.enabled" => config.presence.enabled.to_string(),
        "cluster.file" => return config.cluster.file.as_deref().map(path),
        "tls.ca" => path(&config.tls.ca),
        "tls.cert" => path(&config.tls.cert),
        "tls.key" => path(&config.tls.key),
        "log.level" => config.log.level.to_string(),
        "log.format" => match config.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }
        .to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key with a value that is not its default, as it is shown.
    const GIVEN: &[(&str, &str)] = &[
        ("node.id", "7"),
        ("node.data_dir", "/d"),
        ("node.admin_socket", "/d/s"),
        ("listen.client", "127.0.0.1:1"),
        ("listen.peer", "127.0.0.1:2"),
        ("listen.advertise_client", "h:1"),
        ("listen.advertise_peer", "h:2"),
        ("raft.heartbeat_interval", "50ms"),
        ("raft.election_timeout", "2s"),
        ("raft.snapshot_entries", "11"),
        ("raft.keep_entries", "12"),
        ("raft.hand_back", "off"),
        ("metrics.listen", "127.0.0.1:3"),
        ("accounts.registration", "closed"),
        ("limits.posts_per_second", "0"),
        ("limits.registrations_per_minute", "14"),
        ("limits.failed_logins_per_minute", "15"),
        ("limits.sessions_per_address", "16"),
        ("search.enabled", "false"),
        ("presence.enabled", "false"),
        ("cluster.file", "/d/c"),
        ("tls.ca", "/d/a"),
        ("tls.cert", "/d/e"),
        ("tls.key", "/d/k"),
        ("log.level", "debug"),
        ("log.format", "json"),
    ];

    #[test]
    fn every_key_is_shown_as_it_was_given_with_its_place() {
        let variable = |key: &str| format!("CHATD_{}", key.replace('.', "__").to_uppercase());
        let env: Vec<(String, String)> = GIVEN
            .iter()
            .map(|(key, value)| (variable(key), (*value).to_owned()))
            .collect();
        let shown = settings(None, &env, &Flags::default()).unwrap();
        assert_eq!(shown.len(), KEYS.len());
        for (setting, (key, value)) in shown.iter().zip(GIVEN) {
            assert_eq!((setting.key.as_str(), setting.value.as_deref()), (*key, Some(*value)));
            assert_eq!(setting.source, SettingSource::Environment);
            assert_eq!(setting.place, Some(variable(key)));
        }
    }

    #[test]
    fn what_nobody_gave_is_a_default_and_what_reloads_is_told() {
        let shown = settings(None, &[], &Flags::default()).unwrap();
        assert!(shown.iter().all(|setting| setting.source == SettingSource::Default));
        let reloads: Vec<&str> = shown
            .iter()
            .filter(|setting| setting.reloads)
            .map(|setting| setting.key.as_str())
            .collect();
        assert_eq!(
            reloads,
            [
                "limits.posts_per_second",
                "limits.registrations_per_minute",
                "limits.failed_logins_per_minute",
                "limits.sessions_per_address",
                "tls.ca",
                "tls.cert",
                "tls.key",
                "log.level"
            ]
        );
    }
}
