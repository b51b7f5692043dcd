//! Who leads, and how that changes.

use std::time::Duration;

use quorate_core::NodeId;
use quorate_daemon::consensus::{Role, StepDownError, TransferError};

use crate::harness::{Cluster, soon};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_three_forms_a_cluster() {
    let cluster = Cluster::new(3).formed().await;
    cluster.write().await;
    for node in cluster.nodes.values() {
        let view = node
            .until("it knows all members", |view| {
                view.members.len() == 3 && view.membership_committed
            })
            .await;
        assert_eq!((view.quorum, view.joint), (2, false));
        assert_eq!(view.voters().collect::<Vec<_>>(), [NodeId(1), NodeId(2), NodeId(3)]);
        node.consensus.beat().await.unwrap();
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_one_forms_a_cluster() {
    let cluster = Cluster::new(1).formed().await;
    cluster.write().await;
    let deadline = soon();
    assert_eq!(
        cluster.node(1).consensus.step_down(deadline).await,
        Err(StepDownError::Alone)
    );
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_comes_back_with_what_it_had() {
    let mut cluster = Cluster::new(3).formed().await;
    cluster.write().await;
    let before = cluster.node(cluster.leader().await).view();
    for id in cluster.ids() {
        cluster.stop(id).await;
    }
    for id in cluster.ids() {
        cluster.start(id).await;
    }
    let after = cluster
        .node(cluster.leader().await)
        .until("it commits", |view| view.committed > before.committed)
        .await;
    assert!(after.term > before.term, "nobody leads by right of having led");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_leader_stops_the_highest_remaining_id_leads() {
    let mut cluster = Cluster::new(5)
        .with_hand_back(Duration::from_millis(500))
        .formed()
        .await;
    cluster.led_by(5).await;
    for (stopped, next) in [(5, 4), (4, 3)] {
        cluster.write().await;
        cluster.stop(stopped).await;
        // By election alone it is so on a quiet machine; on a busy one the controller mends what chance has decided.
        cluster.led_by(next).await;
        cluster.write().await;
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn leadership_comes_back_to_the_highest_id_after_the_hold_down() {
    let hold_down = Duration::from_secs(2);
    let mut cluster = Cluster::new(3).with_hand_back(hold_down).formed().await;
    cluster.led_by(3).await;
    cluster.stop(3).await;
    cluster.leader().await;
    cluster.start(3).await;
    let back = std::time::Instant::now();
    cluster.led_by(3).await;
    assert!(
        back.elapsed() >= hold_down,
        "not before it was healthy for {hold_down:?}"
    );
    cluster.write().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_can_have_a_lower_id_lead_until_it_is_taken_back() {
    let cluster = Cluster::new(3)
        .with_hand_back(Duration::from_millis(200))
        .formed()
        .await;
    cluster.led_by(3).await;
    let to_one = cluster.node(3).consensus.transfer_leader(Some(NodeId(1)), soon()).await;
    assert_eq!(to_one, Ok(NodeId(1)));
    cluster.led_by(1).await;
    // Ten hold-downs, in which the controller would have handed it back.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(cluster.leader().await, 1);
    assert_eq!(
        cluster.node(1).consensus.transfer_leader(None, soon()).await,
        Ok(NodeId(3))
    );
    cluster.led_by(3).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_leader_hands_leadership_on_and_only_to_voters() {
    let cluster = Cluster::new(3).formed().await;
    let leader = cluster.leader().await;
    let follower = cluster.ids().into_iter().find(|id| *id != leader).unwrap();
    cluster
        .node(follower)
        .until("it knows the leader", |view| view.leader == Some(NodeId(leader)))
        .await;
    let asked = cluster
        .node(follower)
        .consensus
        .transfer_leader(Some(NodeId(follower)), soon())
        .await;
    assert_eq!(
        asked,
        Err(TransferError::NotLeader {
            leader: Some(NodeId(leader))
        })
    );
    let asked = cluster
        .node(leader)
        .consensus
        .transfer_leader(Some(NodeId(9)), soon())
        .await;
    assert_eq!(asked, Err(TransferError::NotVoter(NodeId(9))));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_drains_is_followed_by_another_at_once() {
    let cluster = Cluster::new(3).formed().await;
    let leader = cluster.leader().await;
    let next = cluster.node(leader).consensus.step_down(soon()).await.unwrap().unwrap();
    assert_ne!(next, NodeId(leader));
    cluster
        .node(next.0)
        .until("it leads", |view| view.role == Role::Leader)
        .await;
    assert_eq!(cluster.node(leader).view().leader, Some(next));
    cluster.write().await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_node_learns_from_a_snapshot_and_becomes_a_voter() {
    let mut cluster = Cluster::new(3).formed().await;
    let leader = cluster.leader().await;
    assert_eq!(cluster.node(leader).view().purged, None);
    // More than a snapshot's worth, so that the log no longer goes back to its beginning.
    for _ in 0..8 {
        let outcomes = cluster.node(leader).propose(200).await;
        assert_eq!(outcomes.len(), 200);
    }
    cluster
        .node(leader)
        .until("the beginning of the log is gone", |view| view.purged.is_some())
        .await;
    cluster.add_member(4).await;
    let addrs = cluster.members[&NodeId(4)].clone();
    cluster
        .node(leader)
        .consensus
        .add_learner(NodeId(4), addrs, soon())
        .await
        .unwrap();
    let applied = cluster.node(leader).view().applied;
    let learner = cluster
        .node(4)
        .until("it has it all", |view| view.applied >= applied)
        .await;
    assert_eq!(learner.role, Role::Learner);
    cluster.node(leader).consensus.promote(NodeId(4), soon()).await.unwrap();
    cluster
        .node(4)
        .until("it votes", |view| view.voters().count() == 4 && !view.joint)
        .await;
    cluster
        .node(leader)
        .consensus
        .remove(NodeId(if leader == 1 { 2 } else { 1 }), soon())
        .await
        .unwrap();
    cluster
        .node(4)
        .until("one is removed", |view| view.members.len() == 3 && !view.joint)
        .await;
    cluster.end().await;
}
