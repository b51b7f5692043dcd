//! A node whose data are gone never votes again.

use quorate_core::NodeId;
use quorate_daemon::consensus::{Role, StopCause};
use quorate_daemon::peer::Enrolment;
use tokio::time::timeout;

use crate::harness::{Cluster, Node, PATIENCE};

async fn refusal(node: &Node) -> String {
    let cause = timeout(PATIENCE, node.consensus.stopped())
        .await
        .expect("it is refused");
    assert!(matches!(cause, StopCause::Refused(_)), "{cause:?}");
    assert!(!node.consensus.is_running());
    assert_eq!(node.view().role, Role::Outside);
    node.consensus
        .beat()
        .await
        .expect_err("it does not go on as if nothing were");
    cause.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voter_that_lost_its_data_is_refused_with_a_message() {
    let mut cluster = Cluster::new(3).formed().await;
    cluster.write().await;
    cluster.stop(2).await;
    cluster.wipe(2);
    cluster.start(2).await;
    let message = refusal(cluster.node(2)).await;
    assert!(
        message.starts_with("node 2's data directory is not the one this cluster knows"),
        "{message}"
    );
    assert!(message.ends_with("replace the node under a new id"), "{message}");
    cluster.stop(2).await;
    cluster.write().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_refused_also_when_two_other_nodes_are_down() {
    let mut cluster = Cluster::new(5).formed().await;
    cluster.write().await;
    for down in [1, 2, 4] {
        cluster.stop(down).await;
    }
    cluster.wipe(4);
    cluster.start(4).await;
    refusal(cluster.node(4)).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_not_enrolled_with_one_peer_that_forgot_it_too() {
    let mut cluster = Cluster::new(3).formed().await;
    for id in cluster.ids() {
        cluster.stop(id).await;
    }
    cluster.wipe(1);
    cluster.wipe(2);
    cluster.start(1).await;
    cluster.start(2).await;
    let waiting = Enrolment::Waiting { for_: vec![NodeId(3)] };
    for id in [1, 2] {
        cluster
            .node(id)
            .until_enrolment(|enrolment| *enrolment == waiting)
            .await;
        assert!(!cluster.node(id).consensus.is_running());
    }
    // Who still knows them speaks up.
    cluster.start(3).await;
    for id in [1, 2] {
        refusal(cluster.node(id)).await;
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_waits_and_says_for_whom_and_goes_on_when_enough_are_there() {
    let mut cluster = Cluster::new(5);
    cluster.start(2).await;
    let all = Enrolment::Waiting {
        for_: [1, 3, 4, 5].map(NodeId).to_vec(),
    };
    cluster.node(2).until_enrolment(|enrolment| *enrolment == all).await;
    cluster.start(4).await;
    let fewer = Enrolment::Waiting {
        for_: [1, 3, 5].map(NodeId).to_vec(),
    };
    cluster.node(2).until_enrolment(|enrolment| *enrolment == fewer).await;
    cluster.start(5).await;
    cluster.node(2).until_enrolment(|enrolment| *enrolment != fewer).await;
    assert!(
        cluster.nodes.values().all(|node| !node.consensus.is_running()),
        "three of five are not enough yet"
    );
    cluster
        .node(2)
        .consensus
        .beat()
        .await
        .expect("a node that waits is alive");
    // With a fourth, each has three others.
    cluster.start(1).await;
    for node in cluster.nodes.values() {
        node.until_enrolment(|enrolment| *enrolment == Enrolment::Enrolled)
            .await;
    }
    cluster.write().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_enrolled_node_comes_back_without_asking_anybody() {
    let mut cluster = Cluster::new(3).formed().await;
    for id in cluster.ids() {
        cluster.stop(id).await;
    }
    cluster.start(1).await;
    assert_eq!(*cluster.node(1).local.enrolment().borrow(), Enrolment::Enrolled);
    cluster
        .node(1)
        .until("it takes part", |view| view.role != Role::Outside)
        .await;
    cluster.end().await;
}
