//! A cluster that slept until its certificates had expired starts all the same, since each node renews its own; and an operator
//! has them renewed whenever they like, without a dropped connection.

use std::time::{Duration, SystemTime};

use quorate_certs::{ClusterCa, NodeIdentity, Validity};
use quorate_core::NodeId;
use quorate_tests::{Cluster, ClusterOptions, Conversation};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn expiry(cluster: &Cluster, id: usize) -> String {
    let nodes = cluster.ctl(1, &["-o", "json", "certs", "show"]).success().data();
    nodes[id - 1]["cert_expires"]
        .as_str()
        .expect("the node answers")
        .to_owned()
}

#[test]
fn expired_certificates_are_renewed_at_the_start_and_on_a_wish() {
    let mut cluster = Cluster::formed(ClusterOptions::new(3));
    let read = |name: &str| std::fs::read_to_string(cluster.path().join("ca").join(name)).expect("the CA is there");
    let ca = ClusterCa::from_pem(&read("ca.crt"), &read("ca.key")).expect("it is one");
    let now = SystemTime::now();
    for id in cluster.ids() {
        let over = Validity {
            from: now - 31 * DAY,
            until: now - DAY,
        };
        let identity: NodeIdentity = ca.issue_node_for(ca.cluster(), NodeId(id), over).expect("the CA signs");
        identity.save(&cluster.node_dir(id)).expect("the folder is writable");
    }
    for id in cluster.ids() {
        cluster.start(id);
    }
    cluster.wait_healthy();

    let talk = Conversation::start(&cluster, "ops", &[1], &[2], 4);
    talk.wait_for_more(20);
    let before = [1, 2, 3].map(|id| expiry(&cluster, id));
    // Certificates tell seconds apart, and nobody renews for nothing.
    let _ = cluster.ctl(2, &["certs", "renew", "--node", "2"]).success();
    assert_ne!(expiry(&cluster, 2), before[1]);
    assert_eq!(expiry(&cluster, 3), before[2]);
    let _ = cluster.ctl(2, &["certs", "renew", "--all"]).success();
    assert_ne!(expiry(&cluster, 3), before[2]);
    talk.wait_for_more(20);
    talk.assert_nobody_was_without_a_session();
    talk.finish(&cluster);
}
