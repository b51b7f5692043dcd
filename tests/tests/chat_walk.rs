//! What a user does at the command line, and what the exit codes say.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use quorate_tests::{Cluster, Finished, Signal, signal, until};

const CLI_DEADLINE: Duration = Duration::from_secs(35);
const ROOM: &str = "ops";

fn register(cluster: &Cluster, user: &str) {
    let servers = cluster.servers_from(1);
    let args = ["register", "--server", &servers, "--user", user, "--password-stdin"];
    let _ = cluster
        .chat(user, &args, &format!("pw-{user}\n"), CLI_DEADLINE)
        .success();
}

fn chat(cluster: &Cluster, profile: &str, args: &[&str]) -> Finished {
    cluster.chat(profile, args, "", CLI_DEADLINE)
}

#[test]
fn a_user_registers_creates_sends_and_reads() {
    let cluster = Cluster::new(3);
    register(&cluster, "alice");
    let whoami = chat(&cluster, "alice", &["whoami", "--json"]).success();
    assert!(whoami.stdout.contains("alice"), "{whoami:?}");
    let _ = chat(&cluster, "alice", &["create", ROOM, "--topic", "what is on fire"]).success();
    // The creator's join has the first seq.
    let sent = chat(&cluster, "alice", &["send", ROOM, "hello"]).success();
    let first: u64 = sent.stdout.trim().parse().expect("send prints the seq");
    assert!(first >= 2, "{sent:?}");
    let sent = cluster
        .chat("alice", &["send", ROOM, "-"], "from stdin", CLI_DEADLINE)
        .success();
    assert_eq!(sent.stdout.trim().parse(), Ok(first + 1));
    let keyed = ["send", ROOM, "once", "--id", "key"];
    let one = chat(&cluster, "alice", &keyed).success().stdout;
    assert_eq!(chat(&cluster, "alice", &keyed).success().stdout, one, "one id, one seq");

    register(&cluster, "bob");
    let _ = chat(&cluster, "bob", &["join", ROOM]).success();
    let history = chat(&cluster, "bob", &["--json", "history", ROOM, "--linearizable"]).success();
    let events = history.json_lines();
    let seqs: Vec<u64> = events.iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>(), "{events:?}");
    let bodies: Vec<&str> = events.iter().filter_map(|event| event["body"].as_str()).collect();
    assert!(bodies.ends_with(&["hello", "from stdin", "once"]), "{bodies:?}");
    let after = first.to_string();
    let later = chat(&cluster, "bob", &["--json", "history", ROOM, "--after", &after])
        .success()
        .json_lines();
    assert!(
        later.iter().all(|event| event["seq"].as_u64() > Some(first)),
        "bounds are exclusive: {later:?}"
    );
    assert!(
        chat(&cluster, "bob", &["--json", "rooms"])
            .success()
            .stdout
            .contains(ROOM)
    );
    let _ = chat(&cluster, "bob", &["leave", ROOM]).success();
    let _ = chat(&cluster, "bob", &["send", ROOM, "gone"]).expect_code(4);
    let _ = chat(&cluster, "bob", &["logout"]).success();
    let _ = chat(&cluster, "bob", &["send", ROOM, "nobody"]).expect_code(4);
}

#[test]
fn exit_codes_say_what_went_wrong() {
    let cluster = Cluster::new(1);
    register(&cluster, "alice");
    let _ = chat(&cluster, "alice", &["send", "nowhere", "hi"]).expect_code(3);
    let unknown = chat(&cluster, "alice", &["--json", "history", "nowhere"]).expect_code(3);
    assert_eq!(unknown.error_code().as_deref(), Some("unknown-room"), "{unknown:?}");
    let _ = chat(&cluster, "alice", &["send", "@nobody", "hi"]).expect_code(3);
    let _ = chat(&cluster, "alice", &["no-such-command"]).expect_code(2);
    let servers = cluster.servers_from(1);
    let login = [
        "--json",
        "login",
        "--server",
        &servers,
        "--user",
        "alice",
        "--password-stdin",
    ];
    let wrong = cluster.chat("other", &login, "not hers\n", CLI_DEADLINE).expect_code(4);
    assert_eq!(wrong.error_code().as_deref(), Some("wrong-password"), "{wrong:?}");
    for help in [["--help"], ["--version"]] {
        assert!(!chat(&cluster, "alice", &help).success().stdout.is_empty());
    }
}

#[test]
fn tail_follows_and_ends_on_ctrl_c_with_130() {
    let cluster = Cluster::new(1);
    register(&cluster, "alice");
    let _ = chat(&cluster, "alice", &["create", ROOM]).success();
    let _ = chat(&cluster, "alice", &["send", ROOM, "before"]).success();
    let mut command = cluster.chat_command("alice");
    let mut tail = command
        .args(["--json", "tail", ROOM, "-f"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("chat can be run");
    let stdout = tail.stdout.take().expect("stdout is piped");
    let (lines, arrived) = std::sync::mpsc::sync_channel(100);
    std::thread::spawn(move || {
        BufReader::new(stdout)
            .lines()
            .map_while(Result::ok)
            .all(|line| lines.send(line).is_ok())
    });
    let wait_for = |body: &str| {
        let next = || arrived.recv_timeout(CLI_DEADLINE).expect("tail goes on");
        std::iter::repeat_with(next)
            .find(|line| line.contains(body))
            .expect("an endless iterator finds or panics")
    };
    wait_for("before");
    let _ = chat(&cluster, "alice", &["send", ROOM, "while it follows"]).success();
    wait_for("while it follows");
    signal(tail.id(), Signal::Interrupt);
    let status = until("tail ends", CLI_DEADLINE, || {
        tail.try_wait().expect("an own child can be waited for")
    });
    assert_eq!(status.code(), Some(130), "{status}");
}
