//! Feeds over a past that is cut, asks on streams of their own, and what is told in passing.

#![allow(
    clippy::unwrap_used,
    reason = "clippy's exemption for tests does not reach what tests call"
)]

mod fake;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fake::setup::{WAIT, numbered, ops, post_all, setup, until};
use quorate_client::{
    Body, Event, IsTyping, OutboxKind, Range, RequestError, RoomEventKind, RoomName, SearchAsk, Seq, Subscription,
    Update, UserName,
};
use quorate_protocol::client::kind;

/// What comes next: an event's seq, or what was cut off before.
async fn next(subscription: &mut Subscription) -> Result<Seq, Seq> {
    match tokio::time::timeout(WAIT, subscription.next()).await.unwrap() {
        Some(Ok(Update::Event(event))) => Ok(event.seq),
        Some(Ok(Update::Truncated { first })) => Err(first),
        other => panic!("neither an event nor a cut but {other:?}"),
    }
}

/// The texts of these, which are all messages.
fn bodies(events: &[Event]) -> Vec<&str> {
    let mut bodies = Vec::new();
    for event in events {
        match &event.kind {
            RoomEventKind::Message { body, .. } => bodies.push(body.as_str()),
            other => panic!("{other:?} is no message"),
        }
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_from_before_what_is_kept_says_so_first() {
    let setup = setup(1, OutboxKind::Memory).await;
    post_all(&setup.client, &numbered(5)).await;
    setup.cluster.cut("ops", Seq(4));
    let mut subscription = setup.client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    assert_eq!((subscription.first(), subscription.last()), (Seq(4), Seq(6)));
    let got = [next(&mut subscription).await, next(&mut subscription).await];
    assert_eq!(got, [Err(Seq(4)), Ok(Seq(4))]);
    let mut kept = setup.client.subscribe(&ops(), Some(Seq(4))).await.unwrap();
    assert_eq!(next(&mut kept).await, Ok(Seq(4)), "all that was asked for is there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_no_node_can_do_now_ends_soon_and_says_why() {
    let setup = setup(1, OutboxKind::Memory).await;
    *setup.nodes[0].knobs().finds_nothing.lock().unwrap() = Some("search-unavailable");
    let began = Instant::now();
    let failed = setup.client.mentions(false, None, 5).await.unwrap_err();
    assert!(matches!(&failed, RequestError::Unavailable { .. }), "{failed:?}");
    assert_eq!(failed.code(), "search-unavailable");
    assert!(began.elapsed() < Duration::from_secs(10), "took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_cut_off_under_a_feed_are_told_and_the_rest_goes_on() {
    let setup = setup(1, OutboxKind::Memory).await;
    let mut subscription = setup.client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    assert_eq!(next(&mut subscription).await, Ok(Seq(1)));
    // The lines 2 and 3 are gone before the feed comes to them.
    setup.cluster.cut("ops", Seq(4));
    post_all(&setup.client, &numbered(4)).await;
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(next(&mut subscription).await);
    }
    assert_eq!(got, [Err(Seq(4)), Ok(Seq(4)), Ok(Seq(5))]);
    assert_eq!(setup.nodes[0].sessions(), 1, "it is no fault of the node");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_cut_off_while_away_are_told_when_the_feed_is_taken_up_again() {
    let setup = setup(2, OutboxKind::Memory).await;
    let mut subscription = setup.client.subscribe(&ops(), Some(Seq(1))).await.unwrap();
    assert_eq!(next(&mut subscription).await, Ok(Seq(1)));
    let first = setup.client.connected(WAIT).await.unwrap().node;
    let index = usize::try_from(first.0 - 1).unwrap();
    setup.nodes[index].knobs().mute.store(true, Ordering::SeqCst);
    setup.cluster.cut("ops", Seq(3));
    post_all(&setup.client, &numbered(3)).await;
    let got = [next(&mut subscription).await, next(&mut subscription).await];
    assert_eq!(got, [Err(Seq(3)), Ok(Seq(3))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_a_cut_room_begins_with_what_is_kept() {
    let setup = setup(1, OutboxKind::Memory).await;
    post_all(&setup.client, &numbered(5)).await;
    setup.cluster.cut("ops", Seq(4));
    let history = setup
        .client
        .history(&ops(), Range::After(Seq(0)), 100, false)
        .await
        .unwrap();
    assert_eq!(history.first, Seq(4));
    assert_eq!(bodies(&history.events), ["m2", "m3", "m4"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_whose_link_breaks_in_the_midst_is_asked_again_and_gives_each_line_once() {
    let setup = setup(2, OutboxKind::Memory).await;
    post_all(&setup.client, &numbered(120)).await;
    for node in &setup.nodes {
        node.knobs().bulk_breaks.store(1, Ordering::SeqCst);
    }
    let ask = SearchAsk {
        words: "m".into(),
        limit: 500,
        ..SearchAsk::default()
    };
    let found = setup.client.search(ask).await.unwrap();
    let mut expected = numbered(120);
    expected.reverse();
    assert_eq!(bodies(&found.events), expected);
    assert_eq!(found.next, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ask_that_no_frame_holds_is_refused_here_and_the_session_lives() {
    let setup = setup(1, OutboxKind::Memory).await;
    let ask = SearchAsk {
        words: "m".repeat(100 * 1024),
        limit: 1,
        ..SearchAsk::default()
    };
    assert_eq!(setup.client.search(ask).await.unwrap_err().code(), "too-large");
    setup.client.whoami().await.unwrap();
    assert_eq!(setup.nodes[0].sessions(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_what_was_found_are_joined_by_their_cursor() {
    let setup = setup(1, OutboxKind::Memory).await;
    let texts: Vec<_> = numbered(7).iter().map(|text| format!("{text} @alice")).collect();
    post_all(&setup.client, &texts).await;
    let (mut all, mut before) = (Vec::new(), None);
    loop {
        let page = setup.client.mentions(false, before.as_deref(), 3).await.unwrap();
        all.extend(page.events);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    let mut expected = texts.clone();
    expected.reverse();
    assert_eq!(bodies(&all), expected);
    let own = setup.client.own_messages(None, 500).await.unwrap();
    assert_eq!(bodies(&own.events), texts);
}

#[tokio::test(flavor = "multi_thread")]
async fn revisions_are_the_message_and_its_edits() {
    let setup = setup(1, OutboxKind::Memory).await;
    post_all(&setup.client, &numbered(2)).await;
    let body = Body::parse("better").unwrap();
    let edit = setup.client.edit(&ops(), Seq(2), body).await.unwrap();
    let revisions = setup.client.revisions(&ops(), Seq(2)).await.unwrap();
    let seqs: Vec<_> = revisions.iter().map(|event| event.seq).collect();
    assert_eq!(seqs, [Seq(2), edit]);
}

fn notice(index: usize) -> IsTyping {
    IsTyping {
        room: RoomName::parse("ops").unwrap(),
        user: UserName::parse(&format!("u{index}")).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn typing_notices_that_nobody_reads_are_bounded_and_the_oldest_go() {
    const SENT: usize = 500;
    let setup = setup(1, OutboxKind::Memory).await;
    let mut slow = setup.client.typing_notices();
    let mut quick = setup.client.typing_notices();
    for index in 0..SENT {
        setup.nodes[0].knobs().typing.send(notice(index)).unwrap();
        // Read one at a time by this one, so that nothing is lost on the way.
        assert_eq!(quick.next().await.unwrap(), notice(index));
    }
    let first = slow.next().await.unwrap();
    let kept = (0..SENT).find(|index| notice(*index) == first).unwrap();
    assert!((SENT - 100..SENT).contains(&kept), "begins with notice {kept}");
    for index in kept + 1..SENT {
        assert_eq!(slow.next().await.unwrap(), notice(index));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_is_away_is_away_in_the_next_session_too() {
    let setup = setup(2, OutboxKind::Memory).await;
    setup.client.typing(&ops());
    setup.client.set_away(true);
    let told = |index: usize| setup.nodes[index].knobs().unanswered.lock().unwrap().clone();
    until("the node was told", || told(0) == [kind::TYPING, kind::SET_AWAY]).await;
    setup.nodes[0].knobs().goodbye.send_replace(true);
    until("the next node was told", || told(1) == [kind::SET_AWAY]).await;
    tokio::time::timeout(Duration::from_secs(5), setup.client.whoami())
        .await
        .unwrap()
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_a_node_cannot_do_is_done_by_the_node_after_it() {
    let setup = setup(2, OutboxKind::Memory).await;
    let first = setup.client.connected(WAIT).await.unwrap().node;
    let index = usize::try_from(first.0 - 1).unwrap();
    *setup.nodes[index].knobs().finds_nothing.lock().unwrap() = Some("node-behind");
    let asked = {
        let client = setup.client.clone();
        tokio::spawn(async move { client.mentions(false, None, 5).await })
    };
    setup.nodes[index].knobs().goodbye.send_replace(true);
    assert!(tokio::time::timeout(WAIT, asked).await.unwrap().unwrap().is_ok());
}
