//! A voter that has lost its data has forgotten its votes and its log. Counted as a voter it could undo what a majority has
//! acknowledged, so it must never be one again by itself.

use std::time::Duration;

use quorate_tests::{Cluster, Conversation, poll, until};

const ROOM: &str = "ops";
const WINDOW: usize = 4;
/// What a post is given that no true majority can acknowledge.
const LONELY_DEADLINE: Duration = Duration::from_secs(5);
/// In this time a healthy node would long be up.
const SETTLED_DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn a_wiped_voter_is_never_up_and_never_makes_a_majority() {
    let mut cluster = Cluster::new(3);
    let talk = Conversation::start(&cluster, ROOM, &[2], &[3], WINDOW);
    talk.wait_for_more(20);
    let wiped = 1;
    cluster.kill(wiped);
    // The wiped node misses these: with it as a majority they would be gone.
    talk.wait_for_more(20);
    std::fs::remove_dir_all(cluster.node_dir(wiped).join("data")).expect("a killed daemon holds no files");
    cluster.start(wiped);

    let counts_as_up = |cluster: &Cluster| {
        let status = cluster.status(2)?;
        let node = status.nodes.get(&wiped)?;
        (node.role == "voter" && node.state == "up").then_some(())
    };
    let ended = poll(SETTLED_DEADLINE, || {
        assert!(counts_as_up(&cluster).is_none(), "a wiped voter is up");
        cluster.daemon(wiped).ended()
    });
    if let Some(status) = ended {
        assert_ne!(status.code(), Some(0), "it ends with a fault");
    }
    let own_words = cluster.daemon(wiped).trace_text();
    println!(
        "the wiped node: ended {ended:?}\n{}",
        cluster.daemon(wiped).trace_tail()
    );
    let warnings = until("a status", SETTLED_DEADLINE, || cluster.status(2)).warnings;
    let peers_words: String = [2, 3].map(|id| cluster.daemon(id).trace_text()).concat();
    let named = |text: &str| text.contains("data directory") || text.contains("incarnation") || text.contains("voted");
    assert!(
        warnings.iter().any(|warning| named(warning)) || named(&peers_words) || named(&own_words),
        "nobody says what is wrong with node {wiped}: {warnings:?}"
    );

    // The other holder of what was acknowledged dies: one true voter is left, and the wiped one.
    talk.wait_for_more(20);
    let bystander = cluster.rpc("bystander", 2);
    bystander.login("owner");
    cluster.kill(3);
    let answer = talk.post_through(&bystander, "owner", "lonely", LONELY_DEADLINE);
    let error = answer.expect_err("a wiped voter made a majority");
    assert!(["refused", "unknown"].contains(&error.outcome.as_str()), "{error:?}");
    assert!(counts_as_up(&cluster).is_none(), "a wiped voter is up");

    // It is taken away, so that what is left can be compared.
    cluster.kill(wiped);
    cluster.start(3);
    cluster.wait_healthy();
    talk.wait_for_more(20);
    talk.finish(&cluster);
}
