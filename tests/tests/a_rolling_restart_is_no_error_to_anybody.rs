//! All five nodes get SIGTERM one after the other and are started again, as an upgrade does it, while people talk: clients move
//! before their node goes, leadership is handed over, and nobody is told of an error.

use std::time::Duration;

use quorate_tests::{Cluster, Conversation};

const ROOM: &str = "ops";
const WINDOW: usize = 8;
/// By the contract.
const DRAIN_DEADLINE: Duration = Duration::from_secs(10);

#[test]
fn a_rolling_restart_under_load_is_no_error_to_any_caller() {
    let mut cluster = Cluster::new(5);
    let talk = Conversation::start(&cluster, ROOM, &[1, 2, 4, 5], &[1, 3, 5], WINDOW);
    talk.wait_for_more(20);
    for node in cluster.ids() {
        let status = cluster.stop(node, DRAIN_DEADLINE);
        assert_eq!(status.code(), Some(0), "node {node}: {status}");
        cluster.start(node);
        cluster.wait_healthy();
        talk.wait_for_more(20);
    }
    talk.assert_nobody_was_without_a_session();
    let checker = std::sync::Arc::clone(talk.checker());
    talk.finish(&cluster);
    let counts = checker.report().counts;
    assert_eq!(
        (counts.refused, counts.unknown, counts.acked),
        (0, 0, counts.attempted),
        "{counts}"
    );
}
