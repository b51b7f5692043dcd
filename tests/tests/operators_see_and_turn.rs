//! What operators see of a running cluster, and what they turn while it runs: with real daemons, without a restart.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, until};
use serde_json::Value;

/// Two rounds in which a dead node does not answer, and what a busy machine takes.
const NOTICED_DEADLINE: Duration = Duration::from_secs(40);
const CHAT_DEADLINE: Duration = Duration::from_secs(40);

fn data(cluster: &Cluster, id: u64, args: &[&str]) -> Value {
    cluster.ctl(id, &[&["-o", "json"], args].concat()).success().data()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checks(diagnosis: &Value, verdict: &str) -> Vec<(String, Option<u64>)> {
    let all = diagnosis["checks"].as_array().expect("it has checks");
    all.iter()
        .filter(|check| check["verdict"] == verdict)
        .map(|check| {
            let name = check["check"].as_str().unwrap_or_default().to_owned();
            (name, check["node"].as_u64())
        })
        .collect()
}

#[test]
fn a_node_that_is_killed_is_missed_by_status_events_and_doctor() {
    let mut cluster = Cluster::new(3);
    let status = data(&cluster, 1, &["status"]);
    for node in status["nodes"].as_array().expect("it has nodes") {
        assert_eq!(node["rtt_us"].is_u64(), node["id"] != 1, "{node}");
        assert!(
            node["clock_ahead_ms"].as_i64().is_some_and(|ahead| ahead.abs() < 1000),
            "{node}"
        );
        assert!(node["fsync_p99_us"].is_u64(), "{node}");
    }
    until("the disks were looked at", NOTICED_DEADLINE, || {
        let status = data(&cluster, 1, &["status"]);
        let nodes = status["nodes"].as_array()?.clone();
        nodes.iter().all(|node| node["disk_size_bytes"].is_u64()).then_some(())
    });
    let diagnosis = data(&cluster, 1, &["doctor"]);
    assert_eq!(checks(&diagnosis, "failed"), [], "{diagnosis}");
    assert_eq!(diagnosis["checks"][0]["check"], "quorum");

    let leader = cluster.leader();
    let dead = cluster
        .ids()
        .into_iter()
        .find(|id| *id != leader)
        .expect("there are three");
    let seer = cluster
        .ids()
        .into_iter()
        .find(|id| ![leader, dead].contains(id))
        .expect("there are three");
    cluster.kill(dead);
    let text = format!("n{dead} does not answer");
    until("the node is missed", NOTICED_DEADLINE, || {
        let events = data(&cluster, seer, &["events"]);
        let missed = |event: &Value| event["kind"] == "peer-down" && event["text"] == text.as_str();
        events.as_array()?.iter().any(missed).then_some(())
    });
    let warned = cluster.ctl(seer, &["status"]).success().stderr;
    assert!(
        warned.contains(&format!("! {text}")) && warned.contains("! one more failure"),
        "{warned}"
    );
    let told = cluster.ctl(seer, &["doctor"]).expect_code(5).stdout;
    assert!(
        told.contains(&format!("    systemctl status chatd    (on n{dead})")),
        "{told}"
    );
    let versions = data(&cluster, seer, &["version", "--cluster"]);
    let silent = versions["nodes"]
        .as_array()
        .and_then(|nodes| nodes.iter().find(|node| node["version"].is_null()).cloned());
    assert_eq!(silent.expect("one does not answer")["id"], dead);
}

#[test]
fn a_daemon_takes_another_log_level_and_other_limits_while_it_runs() {
    let cluster = Cluster::with(ClusterOptions {
        // By the file and nothing else, so that another file is another limit.
        env: [].into(),
        ..ClusterOptions::new(1)
    });
    let level = || data(&cluster, 1, &["log-level", "get"])["level"].clone();
    let set = data(&cluster, 1, &["log-level", "set", "debug", "--for", "1s"]);
    assert_eq!((&set["level"], &set["configured"]), (&"debug".into(), &"info".into()));
    until("the level is back", NOTICED_DEADLINE, || {
        (level() == "info").then_some(())
    });
    let refused = cluster
        .ctl(1, &["-o", "json", "log-level", "set", "loud"])
        .expect_code(1);
    assert_eq!(refused.error_code().as_deref(), Some("bad-request"));

    let file = cluster.node_dir(1).join("chatd.toml");
    let before = fs::read_to_string(&file).expect("it has a config");
    let config = |text: &str| fs::write(&file, text).expect("the config can be written");
    config(&format!(
        "{before}\n[limits]\nposts_per_second = 7\n[raft]\nhand_back = \"off\"\n"
    ));
    assert_eq!(
        cluster.ctl(1, &["config", "check", &file.display().to_string()]).code,
        Some(0)
    );
    let told = data(&cluster, 1, &["config", "reload"]);
    assert_eq!(
        told["changed"],
        serde_json::json!(["limits.posts_per_second"]),
        "{told}"
    );
    assert_eq!(told["needs_restart"], serde_json::json!(["raft.hand_back"]), "{told}");
    let shown = data(&cluster, 1, &["config", "show", "--effective"]);
    let value = |key: &str| {
        let all = shown.as_array().expect("it is a list");
        let setting = all.iter().find(|setting| setting["key"] == key).cloned();
        setting.expect("every key is there")
    };
    assert_eq!(
        (
            &value("limits.posts_per_second")["value"],
            &value("raft.hand_back")["value"]
        ),
        (&"7".into(), &"10s".into())
    );
    let place = value("limits.posts_per_second")["place"].as_str().map(str::to_owned);
    assert!(place.is_some_and(|place| place.contains("chatd.toml:")), "{shown}");

    config(&format!("{before}\n[limits]\npots_per_second = 7\n"));
    let refused = cluster.ctl(1, &["-o", "json", "config", "reload"]).expect_code(1);
    assert_eq!(refused.error_code().as_deref(), Some("not-reloaded"));
    let faults = cluster
        .ctl(1, &["config", "check", &file.display().to_string()])
        .expect_code(1)
        .stdout;
    assert!(faults.contains("unknown key limits.pots_per_second"), "{faults}");
}

#[test]
fn a_debug_bundle_of_a_cluster_in_use_holds_no_secret() {
    let cluster = Cluster::new(1);
    let password = "correct-horse-battery";
    let words = "nobody-else-reads-this";
    let server = cluster.client_addr(1);
    let chat = |args: &[&str], stdin: &str| cluster.chat("ada", args, stdin, CHAT_DEADLINE).success();
    let _ = chat(
        &["register", "--server", &server, "--user", "ada", "--password-stdin"],
        &format!("{password}\n"),
    );
    let _ = chat(&["create", "ops"], "");
    let _ = chat(&["send", "ops", words], "");
    let invite = data(&cluster, 1, &["invites", "create"])["link"]
        .as_str()
        .expect("it has a link")
        .to_owned();
    let invite = invite.rsplit('=').next().expect("it ends in its secret").to_owned();

    let file = cluster.home().join("bundle.tar");
    let made = data(&cluster, 1, &["debug", "bundle", &file.display().to_string()]);
    assert_eq!(made["missing"], serde_json::json!([]));
    assert_eq!(
        fs::metadata(&file).expect("it is there").permissions().mode() & 0o777,
        0o600
    );
    let bundle = fs::read(&file).expect("it can be read");
    let holds = |secret: &[u8]| bundle.windows(secret.len()).any(|window| window == secret);
    assert!(holds(b"chatd_raft_term") && holds(b"node.data_dir") && holds(b"\"kind\":\"leader\""));

    for secret in [password, words, invite.as_str()] {
        assert!(!holds(secret.as_bytes()), "{secret}");
    }
    // Every line of a key in PEM, and every run of bytes of the others.
    for name in ["node.key", "data/endpoint.key", "data/cluster.kek", "../ca/ca.key"] {
        let key = fs::read(cluster.node_dir(1).join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let pieces = key.split(|byte| *byte == b'\n').filter(|line| line.len() >= 16);
        for piece in pieces
            .flat_map(|line| line.chunks(16))
            .filter(|piece| piece.len() == 16)
        {
            assert!(!holds(piece), "a piece of {name}");
            assert!(!holds(hex(piece).as_bytes()), "a piece of {name}, in hex");
        }
    }
}

#[test]
fn a_cluster_in_use_tells_the_metrics_that_the_dashboard_and_the_alerts_name() {
    let cluster = Cluster::new(3);
    let server = cluster.servers_from(1);
    let chat = |args: &[&str], stdin: &str| cluster.chat("ada", args, stdin, CHAT_DEADLINE).success();
    let _ = chat(
        &["register", "--server", &server, "--user", "ada", "--password-stdin"],
        "a-long-password\n",
    );
    let _ = chat(&["create", "ops"], "");
    let _ = chat(&["send", "ops", "hello"], "");

    let named: BTreeSet<&str> = [
        include_str!("../../config/grafana/quorate.json"),
        include_str!("../../config/prometheus/alerts.yml"),
    ]
    .into_iter()
    .flat_map(|text| text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_'))
    .filter(|word| word.starts_with("chatd_") || word.starts_with("process_"))
    // A cluster that has just begun has none yet.
    .filter(|word| *word != "chatd_snapshot_last_success_timestamp_seconds")
    .collect();
    let missing = || {
        let told: Vec<String> = cluster
            .ids()
            .iter()
            .map(|id| cluster.ctl(*id, &["metrics"]).success().stdout)
            .collect();
        let samples: BTreeSet<&str> = told
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.split(['{', ' ']).next())
            .collect();
        named
            .iter()
            .filter(|name| !samples.contains(**name))
            .copied()
            .collect::<Vec<_>>()
    };
    until(
        "the nodes have looked at themselves and each other",
        NOTICED_DEADLINE,
        || {
            let first = cluster.ctl(1, &["metrics"]).success().stdout;
            let others_are_up = [2, 3].map(|peer| format!("chatd_peer_up{{peer=\"{peer}\"}} 1\n"));
            (others_are_up.iter().all(|line| first.contains(line)) && missing().is_empty()).then_some(())
        },
    );
    let number = |id: u64, name: &str| {
        let told = cluster.ctl(id, &["metrics"]).success().stdout;
        let line = told.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|number| number.parse::<f64>().ok())
    };
    let posts = cluster.ids().into_iter();
    let posts = posts.filter_map(|id| number(id, "chatd_post_commit_duration_seconds_count"));
    // On whichever node the client was, and once more where it had to ask again.
    assert!(posts.fold(0.0, |all, one| all + one) >= 1.0);
    assert_eq!(number(1, "chatd_raft_voters"), Some(3.0));
    let top = data(&cluster, 2, &["top"]);
    assert_eq!(top["nodes"].as_array().map(Vec::len), Some(3), "{top}");
}
