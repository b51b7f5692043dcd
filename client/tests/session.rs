//! The library against nodes that misbehave.

#![allow(
    clippy::unwrap_used,
    reason = "clippy's exemption for tests does not reach what tests call"
)]

mod fake;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fake::setup::{WAIT, numbered, ops, post, post_all, setup, until};
use fake::{Cluster, Deed};
use quorate_client::{
    Body, Client, ConnectionState, Emoji, NodeId, Options, OutboxKind, Profile, Range, RequestError, RoomEventKind,
    Seq, Subscription, Update,
};

async fn next_event(subscription: &mut Subscription) -> (Seq, RoomEventKind) {
    match tokio::time::timeout(WAIT, subscription.next()).await.unwrap() {
        Some(Ok(Update::Event(event))) => (event.seq, event.kind),
        other => panic!("no event but {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_posted_is_in_the_history_in_order() {
    let setup = setup(1, OutboxKind::Durable).await;
    let texts = numbered(300);
    let seqs: Vec<_> = post_all(&setup.client, &texts)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(seqs, (2..302).map(Seq).collect::<Vec<_>>());
    assert_eq!(setup.cluster.bodies("ops"), texts);
    let history = setup.client.history(&ops(), Range::Newest, 1000, false).await.unwrap();
    assert_eq!(history.events.len(), 301);
    assert_eq!((history.first, history.last), (Seq(1), Seq(301)));
    let before = setup
        .client
        .history(&ops(), Range::Before(Seq(5)), 2, true)
        .await
        .unwrap();
    let seqs: Vec<_> = before.events.iter().map(|event| event.seq.0).collect();
    assert_eq!(seqs, [3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_doubled_or_reordered_whatever_the_node_does_with_requests() {
    let setup = setup(2, OutboxKind::Memory).await;
    let deeds = [
        Deed::Do,
        Deed::Refuse,
        Deed::Do,
        Deed::DoAndForget,
        Deed::Do,
        Deed::Do,
        Deed::DoAndBreak,
        Deed::Refuse,
        Deed::DoAndForget,
        Deed::Do,
    ];
    for node in &setup.nodes {
        node.will(deeds.into_iter().cycle().take(60));
    }
    let texts = numbered(200);
    for result in post_all(&setup.client, &texts).await {
        result.unwrap();
    }
    assert_eq!(setup.cluster.bodies("ops"), texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_before_the_log_does_not_hold_up_those_behind_it() {
    let setup = setup(1, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::Do, Deed::RefuseAtTheEdge]);
    let texts = numbered(5);
    let results = post_all(&setup.client, &texts).await;
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 1);
    assert_eq!(results[1].as_ref().unwrap_err().code(), "rate-limited");
    assert_eq!(setup.cluster.bodies("ops"), ["m0", "m2", "m3", "m4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_registration_finds_its_own_success() {
    let setup = setup(2, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::DoAndBreak]);
    setup.client.register("bob", "secret", None).await.unwrap();
    assert_eq!(setup.client.whoami().await.unwrap().user.as_str(), "bob");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_past_its_deadline_that_was_never_sent_is_refused_and_never_appears() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(5000));
    let mut late = post("late");
    late.deadline = Duration::from_millis(300);
    let error = setup.client.post(late).await.unwrap_err();
    assert!(
        matches!(&error, RequestError::Unavailable { code, .. } if code == "no-quorum"),
        "{error:?}"
    );
    setup.nodes[0].knobs().deeds.lock().unwrap().clear();
    setup.client.post(post("after")).await.unwrap();
    assert_eq!(setup.cluster.bodies("ops"), ["after"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_outcome_is_unknown_is_found_by_its_id() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.nodes[0].will([Deed::DoAndForget]);
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(5000));
    let mut lost = post("once").with_id("key").unwrap();
    lost.deadline = Duration::from_millis(300);
    assert!(matches!(
        setup.client.post(lost.clone()).await,
        Err(RequestError::Unknown)
    ));
    setup.nodes[0].knobs().deeds.lock().unwrap().clear();
    lost.deadline = WAIT;
    assert_eq!(setup.client.post(lost).await.unwrap().seq, Seq(2));
    assert_eq!(setup.cluster.bodies("ops"), ["once"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_node_is_left_within_seconds_and_a_feed_goes_on_without_gap_or_repeat() {
    let setup = setup(2, OutboxKind::Durable).await;
    let mut subscription = setup.client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    assert_eq!(next_event(&mut subscription).await.0, Seq(1));
    let first = setup.client.connected(WAIT).await.unwrap().node;
    post_all(&setup.client, &numbered(10)).await;
    let index = usize::try_from(first.0 - 1).unwrap();
    setup.nodes[index].knobs().mute.store(true, Ordering::SeqCst);
    let began = Instant::now();
    for result in post_all(&setup.client, &numbered(10)).await {
        result.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(5), "took {:?}", began.elapsed());
    for seq in 2..=21 {
        assert_eq!(next_event(&mut subscription).await.0, Seq(seq));
    }
    assert_ne!(setup.client.connected(WAIT).await.unwrap().node, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_is_told_that_it_lags_and_misses_nothing() {
    let setup = setup(1, OutboxKind::Memory).await;
    let mut subscription = setup.client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    const POSTS: usize = 1500;
    for result in post_all(&setup.client, &numbered(POSTS)).await {
        result.unwrap();
    }
    let (mut expected, mut lagged) = (Seq(1), 0);
    while expected.0 <= POSTS as u64 + 1 {
        match tokio::time::timeout(WAIT, subscription.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
        {
            Update::Event(event) => {
                assert_eq!(event.seq, expected);
                expected = expected.next();
            }
            Update::Lagged { from } => {
                assert_eq!(from, expected);
                lagged += 1;
            }
            Update::Truncated { .. } => panic!("nothing was cut off"),
        }
    }
    assert!(lagged > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_says_goodbye_is_left_without_a_break() {
    let setup = setup(2, OutboxKind::Memory).await;
    let first = setup.client.connected(WAIT).await.unwrap().node;
    let mut notices = setup.client.notices();
    let index = usize::try_from(first.0 - 1).unwrap();
    setup.nodes[index].knobs().goodbye.send_replace(true);
    let client = setup.client.clone();
    until("the client has moved", || {
        client.connection().node.is_some_and(|node| node != first)
    })
    .await;
    setup.client.post(post("a")).await.unwrap();
    let notice = tokio::time::timeout(WAIT, notices.next()).await.unwrap().unwrap();
    match notice {
        quorate_client::Notice::Connection(connection) => {
            assert_eq!(
                connection.state,
                ConnectionState::Connected,
                "no reconnecting in between"
            );
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_without_a_quorum_is_left_for_one_with() {
    let setup = setup(2, OutboxKind::Memory).await;
    let first = setup.client.connected(WAIT).await.unwrap().node;
    let index = usize::try_from(first.0 - 1).unwrap();
    setup.nodes[index].knobs().leader.send_replace(None);
    setup.nodes[index].will([Deed::Refuse].into_iter().cycle().take(10_000));
    setup.client.post(post("a")).await.unwrap();
    assert_ne!(setup.client.connection().node, Some(first));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_node_is_never_left() {
    let setup = setup(3, OutboxKind::Memory).await;
    assert_eq!(setup.client.connected(WAIT).await.unwrap().node, NodeId(1));
    for result in post_all(&setup.client, &numbered(50)).await {
        result.unwrap();
    }
    assert_eq!(setup.client.connected(WAIT).await.unwrap().node, NodeId(1));
    assert_eq!(setup.nodes[1].sessions() + setup.nodes[2].sessions(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dial_that_hangs_does_not_hold_up_the_next() {
    let setup = setup(1, OutboxKind::Memory).await;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(dir.path()).unwrap();
    let silent_addr = silent.local_addr().unwrap().to_string();
    profile
        .set_servers(vec![silent_addr, setup.nodes[0].addr.clone()])
        .unwrap();
    let began = Instant::now();
    let client = Client::open(&profile, Options::default()).unwrap();
    client.connected(WAIT).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2), "took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_finished_by_the_next() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(100_000));
    let posting: Vec<_> = numbered(20).iter().map(|text| setup.client.post(post(text))).collect();
    until("they are in the outbox", || setup.client.unsent() == 20).await;
    drop(posting);
    setup.client.close().await;
    setup.nodes[0].knobs().deeds.lock().unwrap().clear();
    let next = Client::open(&setup.profile, Options::default()).unwrap();
    next.post(post("last")).await.unwrap();
    let mut expected = numbered(20);
    expected.push("last".into());
    assert_eq!(setup.cluster.bodies("ops"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_queued_is_posted_by_whoever_comes_next() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.nodes[0].stop().await;
    until("there is no session", || {
        setup.client.connection().state == ConnectionState::Reconnecting
    })
    .await;
    let queued = setup.client.queue(post("kept")).await.unwrap();
    let id = queued.id().clone();
    drop(queued);
    // A process that is killed says goodbye to nobody; its lock goes with it, as with the last clone here.
    setup.client.close().await;
    let node = setup.cluster.node(2);
    setup.profile.set_servers(vec![node.addr.clone()]).unwrap();
    let next = Client::open(&setup.profile, Options::default()).unwrap();
    let again = post("kept").with_id(id.as_str()).unwrap();
    let posted = next.queue(again).await.unwrap().posted().await.unwrap();
    assert_eq!(posted.id, id);
    assert_eq!(setup.cluster.bodies("ops"), ["kept"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_process_asks_for_all_that_the_last_one_has_seen() {
    let setup = setup(1, OutboxKind::Durable).await;
    setup.client.post(post("a")).await.unwrap();
    setup.client.close().await;
    let next = Client::open(&setup.profile, Options::default()).unwrap();
    next.connected(WAIT).await.unwrap();
    let hellos = setup.nodes[0].knobs().hellos.lock().unwrap().clone();
    assert_eq!(hellos.first().unwrap(), &(None, quorate_core::LogIndex(0)));
    let (cluster, seen) = hellos.last().unwrap();
    assert_eq!(cluster.as_deref(), Some(setup.cluster.id.to_string().as_str()));
    assert_eq!(*seen, setup.cluster.seen());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_unsent_in_a_client_for_one_task_does_not_happen_later() {
    let setup = setup(1, OutboxKind::Durable).await;
    // What is under way may happen: nothing must be.
    setup.nodes[0].stop().await;
    until("there is no session", || {
        setup.client.connection().state == ConnectionState::Reconnecting
    })
    .await;
    let task = setup.client.within(WAIT);
    let dropped = [task.post(post("dropped")), task.post(post("too"))];
    let kept = setup.client.post(post("kept"));
    until("they are in the outbox", || setup.client.unsent() == 3).await;
    drop((dropped, kept));
    drop(task);
    setup.client.close().await;
    let node = setup.cluster.node(2);
    setup.profile.set_servers(vec![node.addr.clone()]).unwrap();
    let next = Client::open(&setup.profile, Options::default()).unwrap();
    next.post(post("last")).await.unwrap();
    assert_eq!(setup.cluster.bodies("ops"), ["kept", "last"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_requests_of_one_task_end_with_it_and_tell_what_they_know() {
    let setup = setup(1, OutboxKind::Memory).await;
    setup.nodes[0].will([Deed::Forget]);
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(100_000));
    let began = Instant::now();
    let task = setup.client.within(Duration::from_millis(500));
    let begun = task.change_password("secret", "other").await;
    assert!(matches!(begun, Err(RequestError::Unknown)), "{begun:?}");
    let late = task.change_password("secret", "other").await;
    assert!(matches!(late, Err(RequestError::Unavailable { .. })), "{late:?}");
    assert!(began.elapsed() < WAIT / 2, "took {:?}", began.elapsed());
    assert!(setup.client.whoami().await.is_ok(), "the client itself goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_ca_is_an_error_at_once() {
    let setup = setup(1, OutboxKind::Memory).await;
    let impostor = Cluster::new().node(1);
    setup.client.close().await;
    setup.profile.set_servers(vec![impostor.addr.clone()]).unwrap();
    let client = Client::open(&setup.profile, Options::default()).unwrap();
    let began = Instant::now();
    assert!(matches!(client.whoami().await, Err(RequestError::Untrusted(_))));
    assert!(matches!(client.post(post("a")).await, Err(RequestError::Untrusted(_))));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clients_on_one_profile_post_side_by_side() {
    let setup = setup(1, OutboxKind::Durable).await;
    let other = Client::open(&setup.profile, Options::default()).unwrap();
    let texts = numbered(50);
    let (one, two) = tokio::join!(post_all(&setup.client, &texts), post_all(&other, &texts));
    assert!(one.into_iter().chain(two).all(|result| result.is_ok()));
    assert_eq!(setup.cluster.bodies("ops").len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_applied_after_the_post_that_was_called_before_it_whatever_the_node_does() {
    let setup = setup(2, OutboxKind::Durable).await;
    let client = &setup.client;
    post_all(client, &numbered(1)).await;
    for node in &setup.nodes {
        let deeds = [
            Deed::Refuse,
            Deed::DoAndForget,
            Deed::DoAndBreak,
            Deed::Do,
            Deed::Refuse,
        ];
        node.will(deeds.into_iter().cycle().take(20));
    }
    let text = |text: &str| Body::parse(text).unwrap();
    let emoji = Emoji::parse("+1").unwrap();
    let posted = client.post(post("m1"));
    let edited = client.edit(&ops(), Seq(2), text("first"));
    let reacted = client.react(&ops(), Seq(3), emoji, false);
    let again = client.edit(&ops(), Seq(2), text("second"));
    let redacted = client.redact(&ops(), Seq(2), None);
    let last = client.post(post("m2"));
    // Waited for in another order than called.
    assert_eq!(last.await.unwrap().seq, Seq(8));
    assert_eq!(redacted.await.unwrap(), Some(Seq(7)));
    assert_eq!(again.await.unwrap(), Seq(6));
    assert_eq!(reacted.await.unwrap(), Some(Seq(5)));
    assert_eq!(edited.await.unwrap(), Seq(4));
    assert_eq!(posted.await.unwrap().seq, Seq(3));
    let expected = ["m0", "m1", "2: first", "3: ++1", "2: second", "2: gone", "m2"];
    assert_eq!(setup.cluster.said("ops"), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_a_dead_process_left_is_finished_by_the_next_once() {
    let setup = setup(1, OutboxKind::Durable).await;
    post_all(&setup.client, &numbered(1)).await;
    setup.nodes[0].will([Deed::DoAndForget]);
    setup.nodes[0].will([Deed::Refuse].into_iter().cycle().take(100_000));
    let body = Body::parse("better").unwrap();
    drop(setup.client.edit(&ops(), Seq(2), body));
    drop(setup.client.post(post("m1")));
    until("the edit was applied and not answered", || {
        setup.cluster.said("ops").len() == 2
    })
    .await;
    setup.client.close().await;
    setup.nodes[0].knobs().deeds.lock().unwrap().clear();
    let next = Client::open(&setup.profile, Options::default()).unwrap();
    next.post(post("m2")).await.unwrap();
    assert_eq!(setup.cluster.said("ops"), ["m0", "2: better", "m1", "m2"]);
}
