//! A laptop changes its network, a router forgets its table: the nodes see a client at another address, and the session goes on
//! over it (RFC 9000, section 9), without a new login and without a new session.

use std::time::Duration;

use quorate_tests::{Cluster, ClusterOptions, Conversation, Seed, poll};

const ROOM: &str = "ops";
const WINDOW: usize = 8;
const CHANGES: usize = 5;
/// Long enough for a session to be given up, had one been: a client that hears nothing does so after 1.5 s.
const QUIET: Duration = Duration::from_secs(2);

#[test]
fn a_session_goes_on_over_changes_of_the_clients_address() {
    let seed = Seed::announce("a_session_goes_on_over_changes_of_the_clients_address");
    let cluster = Cluster::with(ClusterOptions::new(3).through_net(seed));
    let talk = Conversation::start(&cluster, ROOM, &[1, 2], &[2, 3], WINDOW);
    talk.wait_for_more(20);
    let reconnecting = || {
        let notices = talk.readers().iter().flat_map(quorate_tests::Rpc::notices);
        let mut notices = notices.chain(talk.owner().notices());
        notices.find(|notice| notice.method == "connection" && notice.params["state"] != "connected")
    };
    for _ in 0..CHANGES {
        cluster.net().move_clients();
        talk.wait_for_more(20);
        let lost = poll(QUIET / CHANGES as u32, reconnecting);
        assert!(lost.is_none(), "{lost:?}");
    }
    talk.wait_for_more(20);
    let lost = poll(QUIET, reconnecting);
    assert!(lost.is_none(), "{lost:?}");
    talk.finish(&cluster);
}
