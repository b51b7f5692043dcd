//! Proposals and linearizable reads.

use std::time::Duration;

use futures_util::future::join_all;
use quorate_core::NodeId;
use quorate_daemon::consensus::{ProposeOutcome, ReadIndexError};
use tokio::task::unconstrained;
use tokio::time::Instant;

use crate::harness::{Cluster, command, soon};

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_batch_are_applied_next_to_each_other_and_batches_in_order() {
    let cluster = Cluster::new(3).formed().await;
    // The claim is about one leader's batches: on a machine that starves it, it may be one no more
    // before it has taken them all, and the next one is asked.
    let until = soon();
    let indexes = loop {
        assert!(Instant::now() < until, "a leader takes 20 batches");
        if let Some(indexes) = indexes_of_batches(&cluster).await {
            break indexes;
        }
    };
    assert_eq!(indexes.len(), 200);
    assert!(indexes.windows(2).all(|pair| pair[1] == pair[0] + 1), "{indexes:?}");
    cluster.end().await;
}

/// Where 20 batches of 10 commands were applied; nothing, if whoever led does not any more.
async fn indexes_of_batches(cluster: &Cluster) -> Option<Vec<u64>> {
    let leader = &cluster.node(cluster.leader().await).consensus;
    let mut batches = Vec::new();
    for _ in 0..20 {
        batches.push(leader.begin((0..10).map(command).collect(), soon()).await);
    }
    let outcomes = join_all(batches.into_iter().map(|batch| batch.outcomes(soon()))).await;
    let index = |outcome| match outcome {
        ProposeOutcome::Applied { index, answer } => {
            assert!(answer.0.is_some(), "a command has an outcome");
            Some(index.0)
        }
        _ => None,
    };
    outcomes.into_iter().flatten().map(index).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_takes_no_proposal_and_says_who_leads() {
    let cluster = Cluster::new(3).formed().await;
    let leader = NodeId(cluster.leader().await);
    let follower = cluster
        .nodes
        .values()
        .find(|node| node.consensus.node_id() != leader)
        .unwrap();
    follower
        .until("it knows the leader", |view| view.leader == Some(leader))
        .await;
    let not_leader = ProposeOutcome::NotLeader { leader: Some(leader) };
    assert_eq!(follower.propose(2).await, [not_leader.clone(), not_leader]);
    let read = follower.consensus.read_index(soon()).await;
    assert_eq!(read, Err(ReadIndexError::NotLeader { leader: Some(leader) }));
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proposal_that_loses_its_quorum_on_the_way_is_unknown_and_never_refused() {
    let mut cluster = Cluster::new(3).formed().await;
    let leader = cluster.leader().await;
    let others: Vec<u64> = cluster.ids().into_iter().filter(|id| *id != leader).collect();
    let consensus = cluster.node(leader).consensus.clone();
    // The others fall silent, and the leader does not know it yet: what it appends now is not committed.
    for other in &others {
        cluster.node(*other).consensus.shutdown().await;
    }
    let before = cluster.node(leader).view().last_log;
    let batch = consensus.begin(vec![command(1), command(2)], soon()).await;
    cluster
        .node(leader)
        .until("it was appended", |view| view.last_log > before)
        .await;
    let outcomes = batch.outcomes(Instant::now() + Duration::from_secs(3)).await;
    assert_eq!(outcomes, [ProposeOutcome::Unknown, ProposeOutcome::Unknown]);
    // Without its quorum, a leader takes no more; that is certain, and is told so.
    let later = consensus.propose(vec![command(3)], soon()).await;
    assert!(matches!(later[..], [ProposeOutcome::NotLeader { .. }]), "{later:?}");
    for other in others {
        cluster.stop(other).await;
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_appended_by_a_leader_that_stops_is_unknown() {
    let cluster = Cluster::new(3).formed().await;
    let leader = &cluster.node(cluster.leader().await).consensus;
    let batch = leader.begin(vec![command(1); 500], soon()).await;
    leader.shutdown().await;
    let outcomes = batch.outcomes(soon()).await;
    let refused = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, ProposeOutcome::NotLeader { .. }));
    assert_eq!(refused.count(), 0);
    cluster.end().await;
}

/// On one thread and without yielding in between, all readers have asked before the first round begins: how many rounds
/// they take does not depend on what else the machine does.
#[tokio::test]
async fn readers_share_rounds() {
    let cluster = Cluster::new(3).formed().await;
    let node = cluster.node(cluster.leader().await);
    let outcomes = node.propose(1).await;
    let [ProposeOutcome::Applied { index: written, .. }] = outcomes[..] else {
        panic!("{outcomes:?}")
    };
    let before = node.consensus.read_rounds();
    let readers = (0..500).map(|_| node.consensus.read_index(soon()));
    for index in unconstrained(join_all(readers)).await {
        assert!(index.unwrap() >= written);
    }
    let rounds = node.consensus.read_rounds() - before;
    // The first of them begins a round, and all that come while it runs share the next.
    assert!((1..=3).contains(&rounds), "500 readers took {rounds} rounds");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_index_covers_every_write_that_was_answered_before() {
    let cluster = Cluster::new(3).formed().await;
    let node = cluster.node(cluster.leader().await);
    for _ in 0..20 {
        let outcomes = node.propose(1).await;
        let [ProposeOutcome::Applied { index, .. }] = outcomes[..] else {
            panic!("{outcomes:?}")
        };
        assert!(node.consensus.read_index(soon()).await.unwrap() >= index);
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_its_quorum_gives_no_read_index() {
    let mut cluster = Cluster::new(3).formed().await;
    let leader = cluster.leader().await;
    for other in cluster.ids().into_iter().filter(|id| *id != leader) {
        cluster.stop(other).await;
    }
    let read = cluster.node(leader).consensus.read_index(soon()).await;
    assert!(
        matches!(read, Err(ReadIndexError::NoQuorum | ReadIndexError::NotLeader { .. })),
        "{read:?}"
    );
    cluster.end().await;
}
