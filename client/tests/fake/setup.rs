//! A cluster, a profile, and a client that is logged in as alice, who is in the room `ops`.

#![allow(dead_code, reason = "each test file uses some")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use quorate_client::{Client, Options, OutboxKind, Post, Profile, RequestError, RoomName, RoomRef, Seq, Topic};

use super::{Cluster, Node};

pub(crate) const WAIT: Duration = Duration::from_secs(20);

pub(crate) struct Setup {
    _dir: tempfile::TempDir,
    pub(crate) cluster: Arc<Cluster>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) profile: Profile,
    pub(crate) client: Client,
}

pub(crate) async fn setup(nodes: u64, outbox: OutboxKind) -> Setup {
    let cluster = Cluster::new();
    let nodes: Vec<_> = (1..=nodes).map(|id| cluster.node(id)).collect();
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(dir.path()).unwrap();
    profile
        .set_servers(nodes.iter().map(|node| node.addr.clone()).collect())
        .unwrap();
    let client = Client::open(&profile, Options { outbox }).unwrap();
    client.register("alice", "secret", None).await.unwrap();
    client.create_room(&name("ops"), false, Topic::default()).await.unwrap();
    Setup {
        _dir: dir,
        cluster,
        nodes,
        profile,
        client,
    }
}

pub(crate) fn name(text: &str) -> RoomName {
    RoomName::parse(text).unwrap()
}

pub(crate) fn ops() -> RoomRef {
    RoomRef::Name(name("ops"))
}

pub(crate) fn post(text: &str) -> Post {
    Post::new(ops(), text).unwrap()
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < WAIT, "waited too long until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("m{index}")).collect()
}

pub(crate) async fn post_all(client: &Client, texts: &[String]) -> Vec<Result<Seq, RequestError>> {
    let posting: Vec<_> = texts.iter().map(|text| client.post(post(text))).collect();
    let mut results = Vec::new();
    for posted in posting {
        results.push(posted.await.map(|posted| posted.seq));
    }
    results
}

/// A client of its own on the same cluster, not logged in.
pub(crate) fn stranger(setup: &Setup) -> (tempfile::TempDir, Client) {
    let dir = tempfile::tempdir().unwrap();
    let profile = Profile::open(dir.path()).unwrap();
    profile.set_servers(setup.profile.servers()).unwrap();
    let client = Client::open(&profile, Options::default()).unwrap();
    (dir, client)
}
