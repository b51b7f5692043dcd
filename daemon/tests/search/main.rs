//! The search of a node, over a real store.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod node;

use std::fs;
use std::time::Duration;

use quorate_core::EventNo;
use quorate_daemon::search::{Ask, FindError};
use tokio::time::Instant;

use crate::node::{Node, ask};

#[tokio::test]
async fn a_message_is_found_by_its_present_text() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let kept = node.post(&mut alice, "lobby", "the disk is full").await;
    let edited = node.post(&mut alice, "lobby", "the disk is empty").await;
    let redacted = node.post(&mut alice, "lobby", "the disk is gone").await;
    node.indexed().await;
    let all = [(lobby, redacted), (lobby, edited), (lobby, kept)];
    assert_eq!(node.places("disk").await.unwrap(), all);
    node.edit(&mut alice, "lobby", edited, "the tape is empty").await;
    node.redact(&mut alice, "lobby", redacted).await;
    node.indexed().await;
    assert_eq!(node.places("disk").await.unwrap(), [(lobby, kept)]);
    assert_eq!(node.places("tape").await.unwrap(), [(lobby, edited)]);
    assert_eq!(node.places("gone").await.unwrap(), []);
    node.end_search().await;
}

#[tokio::test]
async fn a_late_index_takes_in_what_is_there_now() {
    let mut node = Node::create();
    let mut alice = node.register("alice").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let edited = node.post(&mut alice, "lobby", "one disk").await;
    let redacted = node.post(&mut alice, "lobby", "two disks").await;
    node.edit(&mut alice, "lobby", edited, "one tape").await;
    node.edit(&mut alice, "lobby", redacted, "two tapes").await;
    node.redact(&mut alice, "lobby", redacted).await;
    node.begin_search();
    node.indexed().await;
    assert_eq!(node.places("disk").await.unwrap(), []);
    assert_eq!(node.places("one").await.unwrap(), [(lobby, edited)]);
    assert_eq!(node.places("two").await.unwrap(), []);
    node.end_search().await;
}

#[tokio::test]
async fn pages_follow_one_another_in_the_named_rooms_only() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let mut bob = node.register("bob").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let attic = node.create_room(&mut alice, "attic").await;
    node.join(&mut bob, "lobby").await;
    for _ in 0..3 {
        node.post(&mut alice, "lobby", "hello").await;
        node.post(&mut alice, "attic", "hello").await;
        node.post(&mut bob, "lobby", "hello").await;
    }
    node.indexed().await;
    let first = Ask {
        limit: 4,
        ..ask("hello", [lobby])
    };
    let page = node.find(first.clone()).await.unwrap();
    assert!(page.hits.iter().all(|hit| hit.room == lobby));
    assert_eq!(page.hits.len(), 4);
    let second = Ask {
        before: page.next,
        ..first.clone()
    };
    let rest = node.find(second).await.unwrap();
    assert_eq!((rest.hits.len(), rest.next), (2, None));
    assert!(rest.hits[0].no < page.hits[3].no);
    let of_bob = Ask {
        author: Some(bob.id),
        ..ask("hello", [lobby, attic])
    };
    assert_eq!(node.find(of_bob).await.unwrap().hits.len(), 3);
    assert_eq!(node.find(ask("hello", [])).await.unwrap().hits, []);
    node.end_search().await;
}

#[tokio::test]
async fn what_goes_without_a_line_is_found_no_more() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let mut bob = node.register("bob").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let attic = node.create_room(&mut alice, "attic").await;
    node.join(&mut bob, "lobby").await;
    node.post(&mut alice, "attic", "hello attic").await;
    node.post(&mut bob, "lobby", "hello bob").await;
    node.post(&mut alice, "lobby", "hello first").await;
    let last = node.post(&mut alice, "lobby", "hello last").await;
    node.indexed().await;
    assert_eq!(node.places("hello").await.unwrap().len(), 4);
    node.purge(&bob).await;
    node.eventually("bob", &[]).await;
    node.delete_room(&mut alice, (attic, "attic")).await;
    node.eventually("attic", &[]).await;
    node.cut(&mut alice, (lobby, "lobby"), 1).await;
    node.eventually("hello", &[(lobby, last)]).await;
    node.end_search().await;
}

#[tokio::test]
async fn what_went_while_the_index_was_not_kept_is_found_no_more() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let mut bob = node.register("bob").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let attic = node.create_room(&mut alice, "attic").await;
    node.join(&mut bob, "lobby").await;
    node.post(&mut alice, "attic", "hello attic").await;
    node.post(&mut alice, "lobby", "hello first").await;
    let last = node.post(&mut alice, "lobby", "hello last").await;
    node.post(&mut bob, "lobby", "hello bob").await;
    node.indexed().await;
    node.end_search().await;
    node.purge(&bob).await;
    node.delete_room(&mut alice, (attic, "attic")).await;
    node.cut(&mut alice, (lobby, "lobby"), 1).await;
    node.begin_search();
    node.eventually("hello", &[(lobby, last)]).await;
    node.end_search().await;
}

/// Once, the index learnt of a snapshot in the middle of a step, took in what was new, and waited for more before it looked for
/// what was gone.
#[tokio::test]
async fn a_snapshot_in_the_place_of_the_state_is_caught_up_with() {
    let (mut node, mut other) = (Node::create(), Node::create());
    let mut people = Vec::new();
    for node in [&mut node, &mut other] {
        let mut alice = node.register("alice").await;
        let mut bob = node.register("bob").await;
        let lobby = node.create_room(&mut alice, "lobby").await;
        node.join(&mut bob, "lobby").await;
        node.post(&mut bob, "lobby", "hello bob").await;
        let seq = node.post(&mut alice, "lobby", "hello alice").await;
        people.push((alice, bob, (lobby, seq)));
    }
    node.begin_search();
    node.indexed().await;
    assert_eq!(node.places("hello").await.unwrap().len(), 2);
    let (mut alice, bob, edited) = people.pop().unwrap();
    let attic = other.create_room(&mut alice, "attic").await;
    let new = other.post(&mut alice, "attic", "hello attic").await;
    other.edit(&mut alice, "lobby", edited.1, "good evening alice").await;
    other.purge(&bob).await;
    node.install_snapshot_of(&other).await;
    node.indexed().await;
    node.eventually("hello", &[(attic, new)]).await;
    assert_eq!(node.places("evening").await.unwrap(), [edited]);
    node.end_search().await;
}

#[tokio::test]
async fn an_index_goes_on_where_it_was_left() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let first = node.post(&mut alice, "lobby", "hello").await;
    node.indexed().await;
    node.end_search().await;
    let left_at = node.next_event();
    node.begin_search();
    // Before anything new: the last commit is searched at once.
    assert!(node.search.wait(EventNo(0), Instant::now()).await);
    node.eventually("hello", &[(lobby, first)]).await;
    assert!(node.search.position() >= left_at);
    let second = node.post(&mut alice, "lobby", "hello").await;
    node.indexed().await;
    assert_eq!(node.places("hello").await.unwrap(), [(lobby, second), (lobby, first)]);
    node.end_search().await;
}

#[tokio::test]
async fn a_damaged_index_is_made_anew() {
    let mut node = Node::create();
    node.begin_search();
    let mut alice = node.register("alice").await;
    let lobby = node.create_room(&mut alice, "lobby").await;
    let seq = node.post(&mut alice, "lobby", "hello").await;
    node.indexed().await;
    node.end_search().await;
    for entry in fs::read_dir(node.index_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "idx") {
            let mut bytes = fs::read(&path).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 0xff);
            fs::write(&path, bytes).unwrap();
        }
    }
    node.begin_search();
    node.eventually("hello", &[(lobby, seq)]).await;
    node.end_search().await;
}

#[tokio::test]
async fn without_room_for_an_index_everything_else_goes_on() {
    let mut node = Node::create();
    fs::write(node.index_dir(), b"in the way").unwrap();
    node.begin_search();
    let mut alice = node.register("alice").await;
    node.create_room(&mut alice, "lobby").await;
    node.post(&mut alice, "lobby", "hello").await;
    assert_eq!(node.places("hello").await, Err(FindError::Unavailable));
    let soon = Instant::now() + Duration::from_millis(10);
    assert!(!node.search.wait(node.next_event(), soon).await);
    node.end_search().await;
}

#[tokio::test]
async fn a_query_without_a_word_or_with_too_many_is_refused() {
    let node = Node::create();
    assert_eq!(node.places("...").await, Err(FindError::NoWords));
    let long = "word ".repeat(100);
    assert!(matches!(node.places(&long).await, Err(FindError::BadQuery(_))));
    // Switched off, but for that.
    assert_eq!(node.places("hello").await, Err(FindError::Unavailable));
}
