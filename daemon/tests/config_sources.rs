//! Which source goes before which, and what the reference file says.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use quorate_core::NodeId;
use quorate_daemon::config::{Config, ConfigError, Flags, LogFormat, Registration};
use tempfile::TempDir;

fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/chatd.toml")
}

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chatd.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

fn env(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load(text: &str, variables: &[(&str, &str)], flags: &Flags) -> Result<Config, ConfigError> {
    let (_dir, path) = file(text);
    Config::load(Some(&path), &env(variables), flags)
}

#[test]
fn the_reference_file_says_the_defaults() {
    let path = reference();
    let loaded = Config::load(Some(&path), &[], &Flags::default()).unwrap();
    assert_eq!(loaded, Config::defaults(path.parent().unwrap()));
}

#[test]
fn what_is_commented_out_in_the_reference_file_can_be_taken_in() {
    let text = std::fs::read_to_string(reference()).unwrap();
    let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.contains(" = ");
    let text: Vec<&str> = text
        .lines()
        .map(|line| if is_key(line) { &line[1..] } else { line })
        .collect();
    let config = load(&text.join("\n"), &[], &Flags::default()).unwrap();
    assert_eq!(config.node.id, Some(NodeId(1)));
    assert_eq!(config.listen.advertise_peer.unwrap().to_string(), "h1:7401");
    assert_eq!(config.metrics.listen.unwrap().to_string(), "127.0.0.1:7480");
}

#[test]
fn nothing_given_is_the_defaults_with_certificates_in_the_working_directory() {
    let config = Config::load(None, &[], &Flags::default()).unwrap();
    assert_eq!(config, Config::defaults(Path::new("")));
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file_and_that_before_the_default() {
    let text = "[listen]\nclient = \"127.0.0.1:1\"\npeer = \"127.0.0.1:2\"\n[raft]\nsnapshot_entries = 3\n";
    let variables = [
        ("CHATD_LISTEN__CLIENT", "127.0.0.1:11"),
        ("CHATD_LISTEN__PEER", "127.0.0.1:12"),
    ];
    let flags = Flags {
        listen: Some("127.0.0.1:21".to_owned()),
        ..Flags::default()
    };
    let config = load(text, &variables, &flags).unwrap();
    assert_eq!(config.listen.client.port(), 21);
    assert_eq!(config.listen.peer.port(), 12);
    assert_eq!(config.raft.snapshot_entries, 3);
    assert_eq!(config.raft.keep_entries, 50_000);
}

#[test]
fn every_flag_sets_its_key() {
    let flags = Flags {
        node_id: Some("7".to_owned()),
        data_dir: Some("d".to_owned()),
        listen: Some("[::1]:1".to_owned()),
        peer_listen: Some("[::1]:2".to_owned()),
        admin_socket: Some("/run/a.sock".to_owned()),
    };
    let config = load("", &[], &flags).unwrap();
    assert_eq!(config.node.id, Some(NodeId(7)));
    assert_eq!(config.node.data_dir, Path::new("d"));
    assert_eq!(config.listen.client.to_string(), "[::1]:1");
    assert_eq!(config.listen.peer.to_string(), "[::1]:2");
    assert_eq!(config.node.admin_socket, Path::new("/run/a.sock"));
}

#[test]
fn the_environment_needs_no_quotes_and_can_take_a_value_away() {
    let variables = [
        ("CHATD_NODE__ID", "4"),
        ("CHATD_RAFT__HAND_BACK", "off"),
        ("CHATD_RAFT__HEARTBEAT_INTERVAL", "50ms"),
        ("CHATD_METRICS__LISTEN", ""),
        ("CHATD_LIMITS__POSTS_PER_SECOND", "0"),
        ("CHATD_LOG__FORMAT", "json"),
        ("CHATD_ACCOUNTS__REGISTRATION", "invite"),
        ("CHATD_HOME", "no key, and none of ours"),
    ];
    let config = load("[metrics]\nlisten = \"127.0.0.1:1\"\n", &variables, &Flags::default()).unwrap();
    assert_eq!(config.node.id, Some(NodeId(4)));
    assert_eq!(config.raft.hand_back, None);
    assert_eq!(config.raft.heartbeat_interval, Duration::from_millis(50));
    assert_eq!(config.metrics.listen, None);
    assert_eq!(config.limits.posts_per_second, None);
    assert_eq!(config.log.format, LogFormat::Json);
    assert_eq!(config.accounts.registration, Registration::Invite);
}

#[test]
fn paths_in_the_file_are_relative_to_it_and_others_to_the_working_directory() {
    let text =
        "[node]\nid = 1\ndata_dir = \"data\"\nadmin_socket = \"/run/x\"\n[cluster]\nfile = \"../cluster.toml\"\n";
    let (dir, path) = file(text);
    let config = Config::load(Some(&path), &[], &Flags::default()).unwrap();
    assert_eq!(config.node.data_dir, dir.path().join("data"));
    assert_eq!(config.node.admin_socket, Path::new("/run/x"));
    assert_eq!(config.cluster.file, Some(dir.path().join("../cluster.toml")));
    assert_eq!(config.tls.key, dir.path().join("node.key"));
    let config = Config::load(
        Some(&path),
        &env(&[("CHATD_NODE__DATA_DIR", "here")]),
        &Flags::default(),
    )
    .unwrap();
    assert_eq!(config.node.data_dir, Path::new("here"));
}

#[test]
fn a_switch_is_a_boolean_in_the_file_and_a_word_in_the_environment() {
    let off = "[search]\nenabled = false\n[presence]\nenabled = false";
    let config = load(off, &[("CHATD_PRESENCE__ENABLED", "true")], &Flags::default()).unwrap();
    assert!(!config.search.enabled);
    assert!(config.presence.enabled);
    let given = load("", &[("CHATD_SEARCH__ENABLED", "no")], &Flags::default());
    let told = given.unwrap_err().to_string();
    assert!(told.contains("must be true or false, not \"no\""), "{told}");
}
