//! `ca rotate` under load: every node gets a certificate of the new CA, no session ends for it, a node that was away comes back,
//! and clients, links and tokens from before go on to work.

use std::path::Path;
use std::time::Duration;

use quorate_certs::NodeIdentity;
use quorate_tests::{Cluster, ClusterOptions, Conversation, until};
use serde_json::Value;

const ROTATED_DEADLINE: Duration = Duration::from_secs(60);
const CHAT_DEADLINE: Duration = Duration::from_secs(40);

fn ca(cluster: &Cluster, at: u64) -> Value {
    cluster.ctl(at, &["-o", "json", "ca", "show"]).success().data()
}

fn identity(cluster: &Cluster, id: u64) -> NodeIdentity {
    NodeIdentity::load(&cluster.node_dir(id).join("data/cert")).expect("a rotated node has its certificate there")
}

fn register(cluster: &Cluster, profile: &str, link: &str) {
    let args = ["register", link, "--user", profile, "--password-stdin"];
    let _ = cluster.chat(profile, &args, "a password\n", CHAT_DEADLINE).success();
}

fn pinned(cluster: &Cluster, profile: &str) -> String {
    let path = cluster.home().join("chat").join(profile).join("profile.json");
    let text = std::fs::read_to_string(path).expect("the profile is there");
    let settings: Value = serde_json::from_str(&text).expect("it is JSON");
    settings["ca"].as_str().expect("the CA is pinned").to_owned()
}

#[test]
fn a_rotation_interrupts_nobody_and_waits_for_who_is_away() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1));
    for through in 1..3 {
        let _ = cluster.join(through, &[]);
    }
    let old = ca(&cluster, 1)["fingerprint"]
        .as_str()
        .expect("there is one")
        .to_owned();
    let link = |at| {
        let made = cluster
            .ctl(at, &["-o", "json", "invites", "create", "--uses", "5"])
            .success();
        made.data()["link"].as_str().expect("a link is text").to_owned()
    };
    let link = link(1);
    let (token, _) = cluster.token(1, &["--uses", "2"]);
    register(&cluster, "early", &link);
    assert_eq!(pinned(&cluster, "early"), old);

    let talk = Conversation::start(&cluster, "ops", &[1, 3], &[3, 1], 4);
    talk.wait_for_more(20);
    // It has never led, so nobody waits for a leader meanwhile.
    cluster.kill(2);
    let begun = cluster
        .ctl(3, &["-o", "json", "--no-wait", "ca", "rotate"])
        .success()
        .data();
    let new = begun["fingerprint"].as_str().expect("there is one").to_owned();
    assert_ne!(new, old);
    assert_eq!(begun["retiring"], old.as_str());
    until(
        "the nodes that are up have certificates of the new CA",
        ROTATED_DEADLINE,
        || {
            let nodes = ca(&cluster, 1)["nodes"].as_array()?.clone();
            (nodes.iter().filter(|node| node["is_present"] == true).count() == 2).then_some(())
        },
    );
    let again = cluster.ctl(1, &["-o", "json", "ca", "rotate"]);
    assert_eq!(
        again.error_code().as_deref(),
        Some("ca-rotating"),
        "node 2 is still waited for"
    );
    talk.wait_for_more(20);

    // It knows the CA before only, and comes to the new one by what the others show.
    cluster.start(2);
    until("the CA before is retired", ROTATED_DEADLINE, || {
        ca(&cluster, 1)["retiring"].is_null().then_some(())
    });
    cluster.wait_healthy();
    for id in 1..=3 {
        until("no node believes the CA before any more", ROTATED_DEADLINE, || {
            let identity = identity(&cluster, id);
            (identity.ca_fingerprint().to_string() == new && identity.roots().len() == 1).then_some(())
        });
    }
    talk.wait_for_more(20);
    talk.assert_nobody_was_without_a_session();

    // A profile, a link and a token from before; and the profile has moved on to the new CA.
    let _ = cluster.chat("early", &["accounts"], "", CHAT_DEADLINE).success();
    assert_eq!(pinned(&cluster, "early"), new);
    register(&cluster, "late", &link);
    assert_eq!(pinned(&cluster, "late"), new);
    let joiner = cluster.begin_empty();
    let _ = cluster.try_join(joiner, 2, &token).success();
    assert_eq!(identity(&cluster, joiner).ca_fingerprint().to_string(), new);
    // All of them at once, knowing only what is on their disks.
    cluster.kill_all_and_start();
    talk.wait_for_more(20);
    talk.finish(&cluster);
}

#[test]
fn a_rotation_and_a_copy_of_the_ca_stand_in_the_audit_log_and_the_copy_is_its_owners() {
    let cluster = Cluster::new(3);
    let _ = cluster.ctl(1, &["certs", "ca", "rotate"]).success();
    let dir = cluster.home().join("ca-copy");
    let dir_text = dir.to_str().expect("the path is text");
    let exported = cluster
        .ctl(2, &["-o", "json", "certs", "export-ca", dir_text])
        .success()
        .data();
    assert_eq!(exported["fingerprint"], ca(&cluster, 1)["fingerprint"]);
    let mode =
        |path: &Path| std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("it is there").permissions());
    assert_eq!(mode(&dir) & 0o777, 0o700);
    assert_eq!(mode(&dir.join("ca.key")) & 0o777, 0o600);
    let audit = cluster.ctl(1, &["-o", "json", "audit", "tail"]).success().data();
    let actions: Vec<_> = audit
        .as_array()
        .expect("a list")
        .iter()
        .map(|entry| entry["action"].clone())
        .collect();
    for action in ["ca.rotate", "ca.retire", "ca.export"] {
        assert!(actions.iter().any(|known| known == action), "{action} in {actions:?}");
    }
}
