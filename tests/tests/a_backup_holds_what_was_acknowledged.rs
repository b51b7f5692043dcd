//! A backup taken while authors post holds everything that was acknowledged before, and becomes a cluster in which nothing is
//! posted twice.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use quorate_tests::{Cluster, Conversation, Daemon, Finished, Rpc, free_udp_ports, programs, run, until};
use serde_json::json;

const ROOM: &str = "ops";
const WINDOW: usize = 8;
const DEADLINE: Duration = Duration::from_secs(60);

fn chatctl(args: &[&str]) -> Finished {
    run(Command::new(&programs().chatctl).args(args), "", DEADLINE)
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have plain names")
}

/// A daemon on a plain config that names the directory, and where clients and nodes reach it.
fn start_plain(dir: &Path, data: &Path, client: &str, peer: &str) -> Daemon {
    let socket = dir.join("admin.sock");
    let config = format!(
        "[node]\ndata_dir = \"{}\"\nadmin_socket = \"{}\"\n[listen]\nclient = \"{client}\"\npeer = \"{peer}\"\n",
        data.display(),
        socket.display(),
    );
    let path = dir.join("plain.toml");
    fs::write(&path, config).expect("the folder is writable");
    let mut command = Command::new(&programs().chatd);
    command.arg("--config").arg(&path);
    let daemon = Daemon::start(&mut command, &dir.join("plain.log"));
    until("the restored node is healthy", DEADLINE, || {
        let health = chatctl(&["--socket", text(&socket), "health"]);
        (health.code == Some(0)).then_some(())
    });
    daemon
}

#[test]
fn what_was_acknowledged_is_in_a_backup_and_is_not_posted_twice_after_its_restore() {
    let mut cluster = Cluster::new(3);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create("own");
    let first = alice.post("own", "once", "key").expect("acknowledged");
    // It runs on through all of this, and knows where the restored node will be.
    let ports = free_udp_ports(2);
    let (client, peer) = (format!("127.0.0.1:{}", ports[0]), format!("127.0.0.1:{}", ports[1]));
    let mut command = cluster.chat_command("carol");
    command.args(["rpc", "--server", &format!("{},{client}", cluster.client_addr(3))]);
    let carol = Rpc::start(&mut command, "carol");
    carol.register("carol");
    carol.create("hers");
    let talk = Conversation::start(&cluster, ROOM, &[1, 2, 3], &[1, 3], WINDOW);
    talk.wait_for_more(50);

    let last = alice.post("own", "just before", "last").expect("acknowledged");
    let dir = cluster.home().to_owned();
    let (file, data) = (dir.join("chat.qbk"), dir.join("restored"));
    // From a node that does not lead, while posts go on.
    let saved = cluster
        .ctl(1, &["-o", "json", "snapshot", "save", text(&file)])
        .success()
        .data();
    talk.wait_for_more(20);
    let verified = chatctl(&["-o", "json", "snapshot", "verify", text(&file)])
        .success()
        .data();
    for field in ["index", "bytes", "blake3", "messages", "state_hash"] {
        assert_eq!(saved[field], verified[field], "{field}");
    }
    assert_eq!(saved["members"].as_array().map(Vec::len), Some(3));
    assert!(!dir.join("chat.qbk.partial").exists());
    let list = cluster.ctl(1, &["-o", "json", "snapshot", "list"]).success().data();
    assert_eq!(list["saves"][0]["index"], saved["index"]);
    assert_eq!(list["saves"][0]["state"], "complete");
    let verify = cluster
        .ctl(2, &["-o", "json", "raft", "verify", "--all"])
        .success()
        .data();
    assert_eq!(verify["equal"], true, "{verify}");
    assert!(verify["compared"].as_u64() >= Some(1), "{verify}");
    carol
        .post("hers", "seen, and not in the backup", "lost")
        .expect("acknowledged");
    talk.finish(&cluster);
    drop(alice);

    // Another CA than the one that alice's device met first, as it is handed out.
    let ca = dir.join("ca-copy");
    let _ = cluster.ctl(3, &["ca", "rotate"]).success();
    let _ = cluster.ctl(3, &["certs", "export-ca", text(&ca)]).success();
    let restore = [
        "snapshot",
        "restore",
        text(&file),
        "--data-dir",
        text(&data),
        "--ca-dir",
        text(&ca),
        "-o",
        "json",
    ];
    let refused = chatctl(&restore).expect_code(7);
    assert_eq!(refused.error_code().as_deref(), Some("refused"));
    let again = [&restore[..], &["--new-cluster", "--node-id", "3"]].concat();
    let _ = chatctl(&again).expect_code(7);
    let planned = chatctl(&[&restore[..], &["--new-cluster", "--dry-run"]].concat())
        .success()
        .data();
    assert!(!data.exists(), "--dry-run makes nothing");
    let restored = chatctl(&[&restore[..], &["--new-cluster"]].concat()).success().data();
    assert_eq!((&planned["node"], &restored["node"]), (&json!(4), &json!(4)));
    assert_ne!(restored["cluster"], saved["cluster"]);
    let _ = chatctl(&[&restore[..], &["--new-cluster"]].concat()).expect_code(7);

    // The old cluster is gone for good; else clients would stay with it.
    for id in cluster.ids() {
        cluster.kill(id);
    }
    let daemon = start_plain(&dir, &data, &client, &peer);
    // The same device, which was never logged out, and trusts the CA.
    let mut command = cluster.chat_command("alice");
    command.args(["rpc", "--server", &client]);
    let alice = Rpc::start(&mut command, "alice after");
    until("alice is back", DEADLINE, || alice.call("whoami", &json!({})).ok());
    assert_eq!(alice.post("own", "once", "key").expect("acknowledged"), first);
    assert_eq!(alice.post("own", "just before", "last").expect("acknowledged"), last);
    let new = alice.post("own", "after", "new").expect("posts go on");
    assert_eq!(new.seq, last.seq + 1);
    let (events, _) = alice.history("own");
    assert_eq!(
        events.iter().filter(|event| event.is_message()).count(),
        3,
        "{events:#?}"
    );
    // She has seen more than there is now, and is served all the same.
    until("carol is back", DEADLINE, || {
        carol.post("hers", "here again", "back").ok()
    });
    let (events, _) = carol.history("hers");
    assert_eq!(
        events.iter().filter(|event| event.is_message()).count(),
        1,
        "{events:#?}"
    );
    let status = chatctl(&["--socket", text(&dir.join("admin.sock")), "-o", "json", "status"])
        .success()
        .data();
    assert_eq!(status["cluster"]["id"], restored["cluster"]);
    let told = until("its addrs are known", DEADLINE, || {
        let status = chatctl(&["--socket", text(&dir.join("admin.sock")), "-o", "json", "status"]).data();
        let addr = status["nodes"][0]["client_addr"].as_str()?.to_owned();
        (!addr.is_empty()).then_some(addr)
    });
    assert_eq!(told, client);
    // A daemon runs on it.
    let _ = chatctl(&["recover", "quorum", "--data-dir", text(&data)]).expect_code(7);
    drop(daemon);
}

#[test]
fn the_log_is_shown_without_what_opens_an_account() {
    let cluster = Cluster::new(1);
    let alice = cluster.rpc("alice", 1);
    alice.register("alice");
    alice.create(ROOM);
    alice.post(ROOM, "hello", "key").expect("acknowledged");
    let log = cluster
        .ctl(1, &["-o", "json", "raft", "log", "--from", "0", "--raw"])
        .success()
        .data();
    let entries = log["entries"].as_array().expect("a list");
    let of = |command: &str| {
        let found = entries.iter().find(|entry| entry["command"] == command);
        found.unwrap_or_else(|| panic!("no {command} in {log}"))
    };
    assert_eq!(entries[0]["kind"], "membership");
    assert_eq!(entries[0]["voters"], json!([1]));
    let register = of("register-user");
    assert_eq!((&register["redacted"], &register["raw"]), (&json!(true), &json!(null)));
    let post = of("post-message");
    let hex: String = b"hello".iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(post["raw"].as_str().is_some_and(|raw| raw.contains(&hex)), "{post}");
    let argon = b"argon2".iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(!log.to_string().contains(&argon));
    let one = cluster
        .ctl(1, &["raft", "log", "--from", "1", "--to", "1", "--no-headers"])
        .success();
    assert_eq!(one.stdout.lines().count(), 1, "{}", one.stdout);
}
