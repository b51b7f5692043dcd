//! Each fault is told with its line and what to write instead, and all of them at once.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its own functions as well"
)]

use std::path::PathBuf;

use quorate_core::NodeId;
use quorate_daemon::config::{Config, Flags, Place, check};
use quorate_formation::{NodeSpec, new_cluster};
use tempfile::TempDir;

fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chatd.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

/// Line, message and suggestion of each fault in a file of this text.
fn faults(text: &str) -> Vec<(Option<usize>, String, String)> {
    let (_dir, path) = file(text);
    let error = check(&path).expect_err("the text has a fault");
    let told = error.faults.into_iter().map(|fault| match fault.place {
        Place::File { path: place, line } => {
            assert_eq!(place, path);
            (line, fault.message, fault.suggestion.unwrap_or_default())
        }
        other => panic!("{other:?}"),
    });
    told.collect()
}

/// The text has one fault, on the last line of the text; the message and the suggestion have these parts.
#[track_caller]
fn one_fault(text: &str, message: &str, suggestion: &str) {
    let found = faults(text);
    assert_eq!(found.len(), 1, "{found:?}");
    let (line, told, suggested) = &found[0];
    assert_eq!(*line, Some(text.trim_end().lines().count()), "{found:?}");
    assert!(told.contains(message), "{told:?} lacks {message:?}");
    assert!(suggested.contains(suggestion), "{suggested:?} lacks {suggestion:?}");
    assert_eq!(suggestion.is_empty(), suggested.is_empty(), "{suggested:?}");
}

#[test]
fn an_unknown_key_or_section_is_told_with_the_one_that_was_meant() {
    one_fault(
        "[raft]\nhearbeat_interval = \"1s\"",
        "unknown key raft.hearbeat_interval",
        "did you mean heartbeat_interval?",
    );
    one_fault(
        "[node]\ndata-dir = \"x\"",
        "unknown key node.data-dir",
        "did you mean data_dir?",
    );
    one_fault(
        "[raft]\nregistration = \"open\"",
        "unknown key raft.registration",
        "did you mean registration below [accounts]?",
    );
    one_fault("\n\n[lisen]", "unknown section [lisen]", "did you mean [listen]?");
    one_fault("[colours]", "unknown section [colours]", "");
    one_fault("[node]\n[node.deeper]", "unknown key node.deeper", "");
}

#[test]
fn a_key_outside_of_its_section_is_told_where_it_belongs() {
    one_fault(
        "data_dir = \"x\"",
        "the key data_dir is in no section",
        "it belongs below [node]",
    );
    one_fault("node = 1", "node is a section", "write [node]");
    one_fault("[[node]]", "node is a section", "write [node]");
    one_fault("[[server]]", "unknown section [[server]]", "");
}

#[test]
fn a_duration_without_a_unit_or_out_of_range_is_told_with_the_right_form() {
    one_fault(
        "[raft]\nhand_back = 10",
        "raft.hand_back must be a text with a unit",
        "\"10ms\" or \"10s\"",
    );
    one_fault(
        "[raft]\nhand_back = \"10\"",
        "a duration has a unit",
        "\"10ms\" or \"10s\"",
    );
    one_fault(
        "[raft]\nhand_back = \"10 s\"",
        "a duration is a whole number",
        "\"10s\"",
    );
    one_fault("[raft]\nhand_back = false", "must be a text, not a boolean", "\"off\"");
    one_fault("[raft]\nhand_back = \"25h\"", "from 0s to 1d, not 25h", "\"off\"");
    one_fault("[raft]\nheartbeat_interval = \"1ms\"", "from 10ms to 5s, not 1ms", "");
}

#[test]
fn a_number_that_is_none_or_out_of_range_is_told_with_the_range() {
    one_fault("[node]\nid = 0", "node.id must be a whole number from 1", "");
    one_fault("[node]\nid = \"3\"", "not a text", "write 3");
    one_fault("[raft]\nsnapshot_entries = -1", "from 1 to 100000000, not -1", "");
    one_fault("[limits]\nposts_per_second = 1.5", "not a float", "");
    one_fault("[limits]\nposts_per_second = 4294967296", "to 4294967295", "");
}

#[test]
fn a_switch_that_is_neither_on_nor_off_is_told_with_both() {
    one_fault(
        "[search]\nenabled = \"off\"",
        "search.enabled must be true or false, not a text",
        "write false",
    );
    one_fault(
        "[presence]\nenabled = 1",
        "presence.enabled must be true or false, not an integer",
        "",
    );
    one_fault("[raft]\nsnapshot_entries = true", "not a boolean", "");
}

#[test]
fn an_address_that_cannot_be_bound_or_dialled_is_told_with_the_form() {
    one_fault(
        "[listen]\nclient = \"h1:7400\"",
        "must be an IP address and a port",
        "\"[::]:7400\"",
    );
    one_fault(
        "[listen]\nclient = 7400",
        "must be an IP address and a port",
        "\"[::]:7400\"",
    );
    one_fault(
        "[listen]\nclient = \"::1\"",
        "must be an IP address and a port",
        "\"[::1]:7400\"",
    );
    one_fault("[listen]\nadvertise_client = \"h1\"", "an address ends in a port", "");
    one_fault(
        "[listen]\nadvertise_peer = \"[::]:7401\"",
        "cannot be the unspecified one",
        "",
    );
    one_fault("[listen]\npeer = \"[::]:7400\"", "are the same UDP port", "like 7401");
}

#[test]
fn a_word_that_is_none_of_those_allowed_is_told_with_the_nearest() {
    one_fault(
        "[accounts]\nregistration = \"opne\"",
        "\"open\", \"invite\", \"closed\", not \"opne\"",
        "write \"open\"",
    );
    one_fault("[accounts]\nregistration = true", "must be one of \"open\"", "");
    one_fault("[log]\nlevel = \"wran\"", "\"wran\" is none", "write \"warn\"");
    one_fault(
        "[log]\nlevel = \"info,quorate_daemon=debgu\"",
        "\"debgu\" is none",
        "write \"debug\"",
    );
    one_fault("[log]\nformat = \"jsno\"", "\"text\", \"json\"", "write \"json\"");
}

#[test]
fn an_election_timeout_of_fewer_than_four_heartbeats_is_told_with_both_ways_out() {
    one_fault(
        "[raft]\nheartbeat_interval = \"200ms\"",
        "must be at least 4 times",
        "\"800ms\" or lower the other to \"100ms\"",
    );
    one_fault(
        "[raft]\nheartbeat_interval = \"100ms\"\nelection_timeout = \"399ms\"",
        "(399ms)",
        "raise it to \"400ms\"",
    );
}

#[test]
fn a_broken_syntax_is_told_and_the_faults_on_other_lines_as_well() {
    let found = faults("[raft]\nhand_back = \n[node]\nid = 0\nid = 1\n[lisen]\n");
    let lines: Vec<_> = found.iter().map(|(line, ..)| line.unwrap()).collect();
    assert_eq!(lines, [2, 4, 5, 6], "{found:?}");
    assert!(found[2].1.contains("duplicate key"), "{found:?}");
}

#[test]
fn faults_of_all_sources_are_told_at_once_each_with_its_place() {
    let (_dir, path) = file("[node]\nid = 0\n");
    let env = [
        ("CHATD_RAFT__HANDBACK".to_owned(), "1s".to_owned()),
        ("CHATD_RAFT__KEEP_ENTRIES".to_owned(), "many".to_owned()),
    ];
    let flags = Flags {
        listen: Some("here".to_owned()),
        ..Flags::default()
    };
    let error = Config::load(Some(&path), &env, &flags).unwrap_err();
    let told: Vec<String> = error.to_string().lines().map(str::to_owned).collect();
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(
        told[0].starts_with(&format!("{}:2: node.id must be", path.display())),
        "{told:#?}"
    );
    assert_eq!(
        told[1],
        "CHATD_RAFT__HANDBACK: unknown key raft.handback; did you mean CHATD_RAFT__HAND_BACK?"
    );
    assert!(
        told[2].starts_with("CHATD_RAFT__KEEP_ENTRIES: raft.keep_entries must be a whole number"),
        "{told:#?}"
    );
    assert!(
        told[3].starts_with("--listen: listen.client must be an IP address"),
        "{told:#?}"
    );
}

#[test]
fn a_file_that_is_not_there_or_endless_is_told_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let error = check(&dir.path().join("none.toml")).unwrap_err();
    assert!(error.to_string().contains("none.toml: No such file"), "{error}");
    let found = faults(&"#\n".repeat(40_000));
    assert_eq!((found.len(), found[0].0), (1, None), "{found:?}");
    assert!(found[0].1.contains("longer than 65536 bytes"), "{found:?}");
}

#[test]
fn a_cluster_file_needs_the_id_of_this_node() {
    one_fault(
        "[cluster]\nfile = \"cluster.toml\"",
        "not which of its nodes this is",
        "set node.id",
    );
}

fn cluster_of_two() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let nodes = [1, 2].map(|id| NodeSpec {
        id: NodeId(id),
        client_addr: format!("127.0.0.1:{id}7400").parse().unwrap(),
        peer_addr: format!("127.0.0.1:{id}7401").parse().unwrap(),
    });
    new_cluster(dir.path(), "ops", &nodes).unwrap();
    dir
}

#[test]
fn what_cluster_new_writes_has_no_fault_and_says_what_cluster_toml_says() {
    let dir = cluster_of_two();
    let folder = dir.path().join("node-2");
    let path = folder.join("chatd.toml");
    check(&path).unwrap();
    let config = Config::load(Some(&path), &[], &Flags::default()).unwrap();
    assert_eq!(config.node.id, Some(NodeId(2)));
    assert_eq!(config.node.data_dir, folder.join("data"));
    assert_eq!(config.node.admin_socket, folder.join("admin.sock"));
    assert_eq!(config.listen.client.to_string(), "127.0.0.1:27400");
    assert_eq!(config.listen.advertise_peer.unwrap().to_string(), "127.0.0.1:27401");
    assert_eq!(config.cluster.file, Some(folder.join("../cluster.toml")));
    assert_eq!(config.tls.cert, folder.join("node.crt"));
}

#[test]
fn a_node_that_is_not_in_the_cluster_file_or_has_anothers_certificate_is_told() {
    let dir = cluster_of_two();
    let path = dir.path().join("node-2/chatd.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("id = 2", "id = 3")).unwrap();
    let told = check(&path).unwrap_err().to_string();
    assert!(told.contains("chatd.toml:4: node.id is not one of those in"), "{told}");
    assert!(told.contains("chatd.toml:4: node.id is 3, but"), "{told}");
    std::fs::remove_file(dir.path().join("cluster.toml")).unwrap();
    std::fs::remove_file(dir.path().join("node-2/node.key")).unwrap();
    let told = check(&path).unwrap_err().to_string();
    assert!(
        told.contains("chatd.toml:15: cluster.file:") && told.contains("No such file"),
        "{told}"
    );
    assert!(
        told.contains("the certificate of this node:") && told.contains("node.key"),
        "{told}"
    );
}
