//! Registration is open, for those invited, or closed; where it is not open nobody learns whether a name exists.

use quorate_tests::{Cluster, ClusterOptions, Rpc};
use serde_json::json;

fn code(rpc: &Rpc, params: &serde_json::Value) -> String {
    rpc.call("register", params)
        .map_or_else(|error| error.code, |_| "registered".to_owned())
}

#[test]
fn an_invite_lets_in_as_many_as_it_says_and_its_end_is_told_on_every_node() {
    let cluster = Cluster::with(ClusterOptions::new(3).set("accounts", "registration", "invite"));
    let stranger = cluster.rpc("stranger", 1);
    assert_eq!(
        code(&stranger, &json!({"user": "alice", "password": "pw"})),
        "invite-required"
    );
    assert_eq!(
        code(
            &stranger,
            &json!({"user": "alice", "password": "pw", "invite": "guess"})
        ),
        "unknown-invite"
    );

    let made = cluster
        .ctl(2, &["invites", "create", "--uses", "2", "-o", "json"])
        .success()
        .data();
    let link = made["link"].as_str().expect("a link");
    let secret = link
        .split("i=")
        .nth(1)
        .expect("a secret")
        .split('&')
        .next()
        .expect("a first part");
    let servers = cluster.servers_from(3);
    let alice = cluster
        .chat(
            "alice",
            &["register", link, "--user", "alice", "--password-stdin"],
            "pw\n",
            std::time::Duration::from_secs(35),
        )
        .success();
    assert!(alice.stderr.is_empty() || !alice.stderr.contains("error"), "{alice:?}");
    // A name that is taken costs no use, and is told to whoever may register.
    let taken = cluster.rpc("taken", 3);
    assert_eq!(
        code(&taken, &json!({"user": "alice", "password": "pw", "invite": secret})),
        "name-taken",
        "{servers}"
    );
    assert_eq!(
        code(&taken, &json!({"user": "bob", "password": "pw", "invite": secret})),
        "registered"
    );
    for id in cluster.ids() {
        let late = cluster.rpc(&format!("late{id}"), id);
        for name in ["alice", "nobody"] {
            assert_eq!(
                code(&late, &json!({"user": name, "password": "pw", "invite": secret})),
                "unknown-invite"
            );
        }
    }

    let made = cluster.ctl(1, &["invites", "create", "-o", "json"]).success().data();
    let id = made["id"].to_string();
    let _ = cluster.ctl(3, &["invites", "revoke", &id]).success();
    let _ = cluster.ctl(3, &["invites", "revoke", &id]).expect_code(3);
    assert_eq!(
        cluster.ctl(1, &["invites", "list", "-o", "json"]).success().data(),
        json!([])
    );
}

#[test]
fn where_registration_is_closed_nobody_learns_whether_a_name_exists() {
    let cluster = Cluster::with(ClusterOptions::new(1).set("accounts", "registration", "closed"));
    let stranger = cluster.rpc("stranger", 1);
    for name in ["alice", "x", "deleted"] {
        assert_eq!(
            code(&stranger, &json!({"user": name, "password": "pw"})),
            "registration-closed",
            "{name:?}"
        );
    }
}
