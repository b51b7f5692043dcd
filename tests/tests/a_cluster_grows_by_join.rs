//! One node founds a cluster, others join it with tokens: each becomes a voter by itself, and what was posted meanwhile is on
//! all of them. A token lets in as many as it says, for as long as it says, and only to its own cluster.

use quorate_certs::{CaFingerprint, JoinToken};
use quorate_tests::{Cluster, ClusterOptions, Conversation};

const ROOM: &str = "ops";
const WINDOW: usize = 4;

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
}
