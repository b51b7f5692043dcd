//! An operator makes an account, gives it another password, disables it, bans it and its network, and locks the cluster
//! down: each is felt on every node at once, is told with a code of its own, and stands in the audit log.

use std::fs;
use std::time::Duration;

use quorate_tests::{CALL_DEADLINE, Cluster, Finished, Notice, Rpc, until};
use serde_json::{Value, json};

/// Until `chat` has found out that no node lets it in, or that one does again.
const CLI_DEADLINE: Duration = Duration::from_secs(35);
const ROOM: &str = "ops";

fn login(cluster: &Cluster, profile: &str, user: &str, password: &str) -> Finished {
    let servers = cluster.servers_from(1);
    let args = [
        "--json",
        "login",
        "--server",
        &servers,
        "--user",
        user,
        "--password-stdin",
    ];
    cluster.chat(profile, &args, &format!("{password}\n"), CLI_DEADLINE)
}

fn register(cluster: &Cluster, user: &str) -> Finished {
    let servers = cluster.servers_from(1);
    let args = [
        "--json",
        "register",
        "--server",
        &servers,
        "--user",
        user,
        "--password-stdin",
    ];
    cluster.chat(user, &args, "pw\n", CLI_DEADLINE)
}

fn chat(cluster: &Cluster, profile: &str, args: &[&str]) -> Finished {
    let args: Vec<_> = ["--json"].iter().chain(args).copied().collect();
    cluster.chat(profile, &args, "", CLI_DEADLINE)
}

#[track_caller]
fn refused(finished: Finished, code: &str) {
    let finished = finished.expect_code(4);
    assert_eq!(finished.error_code().as_deref(), Some(code), "{finished:?}");
}

/// Both programs lose their sessions, and are told why; what they ask is refused with that code.
#[track_caller]
fn shut_out(programs: &[&Rpc], code: &str) {
    for program in programs {
        until("the session ends", CLI_DEADLINE, || {
            let refused = program.call("whoami", &json!({})).err()?;
            (refused.code == code).then_some(())
        });
        let is_told = |notice: &Notice| notice.method == "connection" && notice.params.to_string().contains(code);
        assert!(program.notices().iter().any(is_told), "{:?}", program.notices());
        let refused = program.post(ROOM, "let me in", code).expect_err("no node lets it in");
        assert_eq!((refused.code.as_str(), refused.outcome.as_str()), (code, "refused"));
    }
}

fn let_in(programs: &[&Rpc]) {
    for program in programs {
        until("a node lets it in again", CLI_DEADLINE, || {
            program.call("whoami", &json!({})).ok()
        });
    }
}

#[test]
fn what_an_operator_does_to_a_user_is_felt_on_every_node() {
    let cluster = Cluster::new(3);
    let ctl = |id, args: &[&str]| cluster.ctl(id, args);
    let _ = cluster
        .ctl_with(
            1,
            &["users", "create", "carol", "--role", "moderator", "--password-stdin"],
            "one\n",
        )
        .success();
    let _ = cluster
        .ctl_with(2, &["users", "create", "carol"], "two\n")
        .expect_code(1);
    let _ = ctl(1, &["users", "create", "dave", "--password-stdin"]).expect_code(2);
    let _ = login(&cluster, "carol", "carol", "one").success();
    let _ = chat(&cluster, "carol", &["create", ROOM]).success();
    let _ = chat(&cluster, "carol", &["send", ROOM, "hello"]).success();
    let (here, there) = (cluster.rpc("carol", 2), cluster.rpc("carol", 3));
    assert_eq!((here.node(), there.node()), (2, 3));
    let programs = [&here, &there];
    let sessions = ctl(1, &["users", "sessions", "carol", "-o", "json"]).success().data();
    assert_eq!(sessions["devices"].as_array().map(Vec::len), Some(1), "{sessions}");
    // One device with a session on each of two nodes.
    assert_eq!(sessions["devices"][0]["nodes"], serde_json::json!([2, 3]), "{sessions}");
    assert_eq!(sessions["online_at"], serde_json::json!([2, 3]), "{sessions}");

    // Disabled: shut out everywhere, and in again as it was.
    let _ = ctl(3, &["users", "disable", "carol"]).success();
    shut_out(&programs, "disabled");
    refused(chat(&cluster, "carol", &["history", ROOM]), "disabled");
    refused(login(&cluster, "else", "carol", "one"), "disabled");
    refused(login(&cluster, "else", "carol", "wrong"), "wrong-password");
    let _ = ctl(1, &["users", "enable", "carol"]).success();
    let_in(&programs);

    // Banned, itself and then all of this machine.
    let ban = ctl(
        2,
        &["bans", "add", "carol", "--ttl", "1h", "--reason", "noise", "-o", "json"],
    )
    .success()
    .data();
    shut_out(&programs, "banned");
    refused(login(&cluster, "else", "carol", "one"), "banned");
    let _ = ctl(3, &["bans", "remove", &ban["id"].to_string()]).success();
    let _ = ctl(3, &["bans", "remove", &ban["id"].to_string()]).expect_code(3);
    let_in(&programs);
    let net = ctl(1, &["bans", "add", "127.0.0.0/8", "-o", "json"]).success().data();
    shut_out(&programs, "banned");
    let _ = ctl(1, &["bans", "remove", &net["id"].to_string()]).success();
    let_in(&programs);
    // A good part of the world is not kept out by mistake.
    let _ = ctl(1, &["bans", "add", "0.0.0.0/0"]).expect_code(7);

    // Another password: logged out everywhere.
    let _ = cluster.ctl_with(1, &["users", "passwd", "carol"], "two\n").success();
    for program in programs {
        program.wait_for("the session ends", CALL_DEADLINE, |notice| {
            notice.method == "connection" && notice.params.to_string().contains("logged")
        });
    }
    refused(chat(&cluster, "carol", &["whoami"]), "not-logged-in");
    refused(login(&cluster, "carol", "carol", "one"), "wrong-password");
    let _ = login(&cluster, "carol", "carol", "two").success();

    // Ended: only if the operator is sure.
    let _ = ctl(1, &["users", "delete", "carol"]).expect_code(7);
    let _ = ctl(1, &["users", "delete", "carol", "-y"]).success();
    let _ = ctl(1, &["users", "show", "carol"]).expect_code(3);
    audited(&cluster);
}

/// Everything that was done above, in order, on each node; and a chain that leads there.
fn audited(cluster: &Cluster) {
    let expected = [
        ("cluster.found", "chat of 3 nodes", "done"),
        ("users.create", "carol", "done"),
        ("users.create", "carol", "name-taken"),
        ("users.disable", "carol", "done"),
        ("users.enable", "carol", "done"),
        ("bans.add", "carol", "done"),
        ("bans.remove", "", "done"),
        ("bans.remove", "", "unknown-ban"),
        ("bans.add", "127.0.0.0/8", "done"),
        ("bans.remove", "", "done"),
        ("users.passwd", "carol", "done"),
        ("users.delete", "carol", "done"),
    ];
    let _ = cluster.wait_equal_hashes();
    for id in cluster.ids() {
        let rows = cluster
            .ctl(id, &["audit", "tail", "-n", "100", "-o", "json"])
            .success()
            .data();
        let rows = rows.as_array().expect("rows");
        let found = rows.iter().map(|row| {
            let text = |name: &str| row[name].as_str().expect("a text");
            let target = if text("action") == "bans.remove" {
                ""
            } else {
                text("target")
            };
            (text("action"), target, text("outcome"))
        });
        assert_eq!(found.collect::<Vec<_>>(), expected, "node {id}");
        for row in rows {
            assert!(
                row["at"].is_string() && row["uid"].is_u64() && row["hash"].is_string(),
                "{row}"
            );
            assert_ne!(row["actor"], json!(""), "{row}");
        }
        let report = cluster.ctl(id, &["audit", "verify", "-o", "json"]).success().data();
        assert_eq!(
            (&report["ok"], &report["entries"]),
            (&json!(true), &json!(expected.len())),
            "{report}"
        );
        let states = report["nodes"].as_array().expect("the other nodes").iter();
        assert!(
            states.map(|node| &node["state"]).all(|state| state == "same"),
            "{report}"
        );
    }
}

#[test]
fn a_lockdown_is_told_with_its_code_and_shown_in_the_status() {
    let cluster = Cluster::new(1);
    let _ = register(&cluster, "alice").success();
    let _ = chat(&cluster, "alice", &["create", ROOM]).success();
    let lock_down = |mode: &str| drop(cluster.ctl(1, &["lockdown", mode]).success());
    lock_down("no-register");
    refused(register(&cluster, "bob"), "lockdown");
    let _ = login(&cluster, "phone", "alice", "pw").success();
    lock_down("auth-only");
    refused(login(&cluster, "laptop", "alice", "pw"), "lockdown");
    let _ = chat(&cluster, "phone", &["send", ROOM, "one"]).success();
    lock_down("read-only");
    refused(chat(&cluster, "phone", &["send", ROOM, "two"]), "lockdown");
    let _ = chat(&cluster, "alice", &["history", ROOM]).success();
    let is_told = |warning: &str| {
        let status = cluster.status(1).expect("it has a quorum");
        status.warnings.iter().any(|told| told == warning)
    };
    assert!(is_told("lockdown: read-only"));
    lock_down("off");
    let _ = chat(&cluster, "phone", &["send", ROOM, "three"]).success();
    let _ = register(&cluster, "bob").success();
    assert_eq!(
        cluster.status(1).expect("it has a quorum").warnings,
        Vec::<String>::new()
    );
    let _ = cluster.ctl(1, &["lockdown", "shut"]).expect_code(2);
}

#[test]
fn an_operator_takes_along_the_same_lines_as_the_user() {
    let cluster = Cluster::new(1);
    let _ = register(&cluster, "alice").success();
    let _ = register(&cluster, "bob").success();
    let say = |who: &str, args: &[&str]| drop(chat(&cluster, who, args).success());
    say("alice", &["create", ROOM]);
    say("bob", &["join", ROOM]);
    for text in ["one", "two", "three"] {
        say("alice", &["send", ROOM, text]);
    }
    say("alice", &["edit", ROOM, "3", "first"]);
    say("alice", &["delete", ROOM, "4"]);
    say("bob", &["react", ROOM, "5", "+1"]);
    say("alice", &["send", "@bob", "between us"]);

    let file = |name: &str| cluster.home().join(name).display().to_string();
    let lines = |name: &str| -> Vec<Value> {
        let text = fs::read_to_string(file(name)).expect("the export is there");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    };
    say("alice", &["export", ROOM, &file("room-of-alice")]);
    let told = cluster
        .ctl(1, &["rooms", "export", ROOM, &file("room"), "-o", "json"])
        .success()
        .data();
    assert_eq!(lines("room"), lines("room-of-alice"));
    assert_eq!(told["lines"], json!(lines("room").len()));
    let stdout = cluster.ctl(1, &["rooms", "export", ROOM, "-"]).success();
    assert_eq!(stdout.json_lines(), lines("room"));

    say("alice", &["export", "--mine", &file("alice-of-alice")]);
    let _ = cluster.ctl(1, &["users", "export", "alice", &file("alice")]).success();
    let (mut own, operators) = (lines("alice-of-alice"), lines("alice"));
    // Nobody's device asks for an operator.
    own[0]["account"].as_object_mut().expect("an account").remove("device");
    for device in own[0]["devices"].as_array_mut().expect("devices") {
        device.as_object_mut().expect("a device").remove("current");
    }
    assert_eq!(operators, own);

    let _ = cluster
        .ctl(1, &["users", "export", "nobody", &file("nobody")])
        .expect_code(3);
    let _ = cluster
        .ctl(1, &["rooms", "export", "@alice+bob", &file("nobody")])
        .expect_code(3);
    assert!(!cluster.home().join("nobody").exists());
}
