//! What an operator can get wrong at the start of a daemon ends that daemon with a message, and disturbs no other.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use quorate_tests::{Cluster, Conversation, Finished, programs, run};

const ROOM: &str = "ops";
const WINDOW: usize = 4;
/// In this time a daemon that cannot start has ended.
const REFUSED_DEADLINE: Duration = Duration::from_secs(20);
/// EX_CONFIG of sysexits.h.
const EXIT_CONFIG: i32 = 78;

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("the temp dir is writable");
    for entry in std::fs::read_dir(from).expect("a data directory") {
        let entry = entry.expect("a readable directory");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a readable entry").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a readable file");
        }
    }
}

#[track_caller]
fn assert_refused(finished: &Finished, words: &[&str]) {
    assert!(!matches!(finished.code, Some(0) | None), "{finished:?}");
    assert!(
        words.iter().all(|word| finished.stderr.contains(word)),
        "{words:?} in: {}",
        finished.stderr
    );
}

#[test]
fn an_unknown_key_ends_with_78_its_line_and_a_suggestion() {
    let dir = tempfile::tempdir().expect("the temp dir is writable");
    let config = dir.path().join("chatd.toml");
    let text = "[node]\ndata_dir = \"data\"\n\n[raft]\nelection_timeot = \"400ms\"\n";
    std::fs::write(&config, text).expect("the temp dir is writable");
    let mut start = Command::new(&programs().chatd);
    start.arg("--config").arg(&config);
    let mut check = Command::new(&programs().chatd);
    check.arg("check-config").arg(&config);
    for command in [&mut start, &mut check] {
        let finished = run(command, "", REFUSED_DEADLINE).expect_code(EXIT_CONFIG);
        let said = format!("{}{}", finished.stdout, finished.stderr);
        for word in ["chatd.toml:5", "election_timeot", "election_timeout"] {
            assert!(said.contains(word), "{word:?} in: {said}");
        }
    }
    assert!(
        !dir.path().join("data").exists(),
        "a daemon with a bad config touches nothing"
    );
}

#[test]
fn every_fault_of_a_config_is_told_at_once() {
    let dir = tempfile::tempdir().expect("the temp dir is writable");
    let config = dir.path().join("chatd.toml");
    let text = "[nod]\nid = 1\n[raft]\nheartbeat_interval = \"soon\"\n[limits]\nposts_per_second = -1\n";
    std::fs::write(&config, text).expect("the temp dir is writable");
    let mut check = Command::new(&programs().chatd);
    let finished = run(check.arg("check-config").arg(&config), "", REFUSED_DEADLINE).expect_code(EXIT_CONFIG);
    let said = format!("{}{}", finished.stdout, finished.stderr);
    for line in ["chatd.toml:1", "chatd.toml:4", "chatd.toml:6"] {
        assert!(said.contains(line), "{line} in: {said}");
    }
}

#[test]
fn the_data_directory_of_another_node_is_refused() {
    let mut cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[3], &[2], WINDOW);
    talk.wait_for_more(20);
    cluster.kill(1);
    let copy = cluster.home().join("copy");
    cluster.kill(2);
    copy_dir(&cluster.node_dir(2).join("data"), &copy);
    cluster.start(2);
    cluster.wait_healthy();
    let finished = run(cluster.chatd(1).arg("--data-dir").arg(&copy), "", REFUSED_DEADLINE);
    assert_refused(&finished, &["node 2"]);
    cluster.start(1);
    cluster.wait_healthy();
    talk.wait_for_more(20);
    talk.finish(&cluster);
}

#[test]
fn the_data_directory_of_another_cluster_is_refused() {
    let first = Cluster::new(1);
    let copy = tempfile::tempdir().expect("the temp dir is writable");
    copy_dir(&first.node_dir(1).join("data"), &copy.path().join("data"));
    drop(first);
    let second = Cluster::formed(quorate_tests::ClusterOptions::new(1));
    let finished = run(
        second.chatd(1).arg("--data-dir").arg(copy.path().join("data")),
        "",
        REFUSED_DEADLINE,
    );
    assert_refused(&finished, &["cluster"]);
}

#[test]
fn the_certificate_of_another_node_is_refused() {
    let cluster = Cluster::formed(quorate_tests::ClusterOptions::new(3));
    let finished = run(cluster.chatd(1).args(["--node-id", "2"]), "", REFUSED_DEADLINE);
    assert_refused(&finished, &["certificate"]);
}

#[test]
fn a_second_daemon_on_one_data_directory_is_refused_and_the_first_goes_on() {
    let cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[1], &[2], WINDOW);
    talk.wait_for_more(20);
    let ports = quorate_tests::free_udp_ports(2)
        .into_iter()
        .map(|port| format!("127.0.0.1:{port}"));
    let ports: Vec<String> = ports.collect();
    // Ports and socket of its own: only the data directory is in the way.
    let mut second = cluster.chatd(1);
    second
        .args(["--listen", &ports[0], "--peer-listen", &ports[1], "--admin-socket"])
        .arg(cluster.home().join("second.sock"));
    assert_refused(&run(&mut second, "", REFUSED_DEADLINE), &["data"]);
    // And without: nothing of the first may be taken away.
    let finished = run(&mut cluster.chatd(1), "", REFUSED_DEADLINE);
    assert_refused(&finished, &[]);
    talk.wait_for_more(20);
    talk.finish(&cluster);
}
