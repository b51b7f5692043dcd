//! One node founds a cluster, others join it with tokens: each becomes a voter by itself, and what was posted meanwhile is on
//! all of them. A token lets in as many as it says, for as long as it says, and only to its own cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use quorate_certs::{CaFingerprint, JoinToken};
use quorate_tests::{Cluster, ClusterOptions, Conversation, until};

const ROOM: &str = "ops";
const WINDOW: usize = 4;
/// Until who has joined votes.
const JOINED_DEADLINE: Duration = Duration::from_secs(60);

#[test]
fn one_node_grows_to_three_while_people_talk() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1));
    let talk = Conversation::start(&cluster, ROOM, &[1], &[1], WINDOW);
    talk.wait_for_more(20);
    for expected in [2, 3] {
        // Through whoever came last, too: any node lets others in.
        let joined = cluster.join(expected - 1, &[]);
        assert_eq!(joined, expected);
        talk.wait_for_more(20);
    }
    let status = cluster.status(2).expect("it has a quorum");
    assert_eq!((status.voters, status.voters_up), (3, 3));
    let again = cluster.ctl(3, &["-o", "json", "cluster", "init"]);
    assert_eq!(
        (again.code, again.error_code().as_deref()),
        (Some(7), Some("already-formed"))
    );

    // A voter counts: two of three go on.
    cluster.kill(1);
    talk.wait_for_more(20);
    cluster.start(1);
    talk.finish(&cluster);
}

#[test]
fn a_token_lets_in_whom_it_should_and_nobody_else() {
    let mut cluster = Cluster::founded(ClusterOptions::new(1));
    let stranger = cluster.begin_empty();
    let refused = |token: &std::path::Path, code: &str| {
        let told = cluster.try_join(stranger, 1, token);
        assert_eq!((told.code, told.error_code().as_deref()), (Some(4), Some(code)));
    };

    let (expired, _) = cluster.token(1, &["--ttl", "1ms"]);
    refused(&expired, "token-expired");
    let (revoked, id) = cluster.token(1, &[]);
    let _ = cluster.ctl(1, &["cluster", "token", "revoke", &id]).success();
    refused(&revoked, "unknown-token");
    let (good, _) = cluster.token(1, &[]);
    let text = std::fs::read_to_string(&good).expect("it was written");
    let token: JoinToken = text.parse().expect("what is printed is a token");
    let elsewhere = JoinToken {
        ca: CaFingerprint([7; 32]),
        ..token
    };
    let path = cluster.home().join("elsewhere");
    std::fs::write(&path, elsewhere.to_text()).expect("the temp dir is writable");
    refused(&path, "wrong-ca");
    std::fs::write(&path, &text[..text.len() - 1]).expect("the temp dir is writable");
    refused(&path, "bad-token");

    let _ = cluster.try_join(stranger, 1, &good).success();
    let late = cluster.begin_empty();
    let told = cluster.try_join(late, 1, &good);
    assert_eq!((told.code, told.error_code().as_deref()), (Some(4), Some("token-used")));

    // All at once: what was good until now is so no more.
    let (old, old_id) = cluster.token(1, &["--uses", "3"]);
    let states = || {
        let tokens = cluster
            .ctl(stranger, &["-o", "json", "cluster", "token", "list"])
            .success()
            .data();
        let tokens = tokens.as_array().expect("it is a list").clone();
        tokens
            .into_iter()
            .map(|token| (token["id"].to_string(), token["state"].clone()))
            .collect::<BTreeMap<_, _>>()
    };
    let state = |id: &String| states().get(id).cloned();
    assert_eq!(state(&old_id), Some("open".into()));
    let rotate = |yes: &[&str]| {
        let args = [&["-o", "json"], yes, &["cluster", "token", "rotate"]].concat();
        cluster.ctl(stranger, &args)
    };
    let _ = rotate(&[]).expect_code(7);
    assert_eq!(state(&old_id), Some("open".into()), "nobody has said yes");
    let made = rotate(&["-y"]).success().data();
    let told = cluster.try_join(late, 1, &old);
    assert_eq!(
        (told.code, told.error_code().as_deref()),
        (Some(4), Some("unknown-token"))
    );
    assert_ne!(state(&old_id), Some("open".into()));
    assert_eq!(state(&made["id"].to_string()), Some("open".into()));

    // Whoever does not wait is told the id, and finds the voter later.
    std::fs::write(&path, made["token"].as_str().expect("a token is text")).expect("the temp dir is writable");
    let joined = cluster.try_join_with(late, 1, &path, &["--no-wait"]).success();
    let id = joined.data()["node"].as_u64().expect("it is a node now");
    until("the node votes", JOINED_DEADLINE, || {
        let status = cluster.status(1)?;
        (status.nodes.get(&id)?.role == "voter" && status.voters == 3).then_some(())
    });
}
