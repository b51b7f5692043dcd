//! People who talk in one room while things go wrong around them, and what must hold afterwards.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::{Author, CALL_DEADLINE, Checker, Cluster, Placed, Post, Rpc, RpcError, until};

/// Until so many more posts are acknowledged: an election or two, and a slow machine.
const POSTS_DEADLINE: Duration = Duration::from_secs(60);
/// Until a subscription has brought what is there already.
const FEED_DEADLINE: Duration = Duration::from_secs(30);
/// The first user, who makes the room and reads it everywhere in the end.
const OWNER: &str = "owner";

/// A room with authors who post all the time and readers who follow it from its first event on, each with a profile and a
/// node of its own to begin with.
#[derive(Debug)]
pub struct Conversation {
    room: String,
    checker: Arc<Checker>,
    owner: Rpc,
    authors: Vec<Author>,
    readers: Vec<Rpc>,
}

impl Conversation {
    /// Registers everybody, makes the room, and begins: an author for each of `author_nodes`, connected there first, and a
    /// reader for each of `reader_nodes`.
    ///
    /// # Panics
    /// The cluster does not let them.
    #[must_use]
    pub fn start(cluster: &Cluster, room: &str, author_nodes: &[u64], reader_nodes: &[u64], window: usize) -> Self {
        let checker = Arc::new(Checker::new());
        let owner = cluster.rpc(OWNER, author_nodes[0]);
        owner.register(OWNER);
        owner.create(room);
        let mut readers = Vec::new();
        for (number, node) in (1..).zip(reader_nodes) {
            let reader = cluster.rpc(&format!("reader{number}"), *node);
            reader.register(reader.label());
            reader.join(room);
            reader.subscribe(room, Some(1));
            readers.push(reader);
        }
        let mut authors = Vec::new();
        for (number, node) in (1..).zip(author_nodes) {
            let author = cluster.rpc(&format!("author{number}"), *node);
            let user = author.label().to_owned();
            author.register(&user);
            author.join(room);
            authors.push(Author::start(&Arc::new(author), &checker, &user, room, window));
        }
        Self {
            room: room.to_owned(),
            checker,
            owner,
            authors,
            readers,
        }
    }

    /// The first user's connection.
    #[must_use]
    pub fn owner(&self) -> &Rpc {
        &self.owner
    }

    /// The readers, in the order of their nodes.
    #[must_use]
    pub fn readers(&self) -> &[Rpc] {
        &self.readers
    }

    /// The record.
    #[must_use]
    pub fn checker(&self) -> &Arc<Checker> {
        &self.checker
    }

    /// Posts something else through a connection of this user, and puts it into the record.
    ///
    /// # Errors
    /// It was not acknowledged.
    ///
    /// # Panics
    /// There is no answer in time.
    pub fn post_through(&self, rpc: &Rpc, user: &str, body: &str, deadline: Duration) -> Result<Placed, RpcError> {
        let params = json!({"room": self.room, "body": body, "deadline_ms": deadline.as_millis()});
        let pending = rpc.send("post", &params);
        let post = Post {
            session: rpc.label().to_owned(),
            user: user.to_owned(),
            room: self.room.clone(),
            body: body.to_owned(),
            id: None,
        };
        let attempt = self.checker.sent(post, pending.sent_at);
        let answer = pending.wait(CALL_DEADLINE);
        match &answer.result {
            Ok(result) => {
                let placed = Placed::read(result);
                self.checker.acked(attempt, placed.seq, &placed.id, answer.at);
                Ok(placed)
            }
            Err(error) => {
                match error.outcome.as_str() {
                    "refused" => self.checker.refused(attempt),
                    _ => self.checker.unknown(attempt),
                }
                Err(error.clone())
            }
        }
    }

    /// Waits until every author has had so many more posts acknowledged than now.
    ///
    /// # Panics
    /// One has not within a minute.
    pub fn wait_for_more(&self, posts: usize) {
        for (author, wanted) in self
            .authors
            .iter()
            .zip(self.authors.iter().map(|author| author.acked() + posts))
        {
            let look = || (author.acked() >= wanted).then_some(());
            until(&format!("{posts} more posts of each author"), POSTS_DEADLINE, look);
        }
    }

    /// Ends it: the authors stop, all running nodes agree, every one's history is read through a connection to it, the
    /// readers have caught up, and the record is clean.
    ///
    /// # Panics
    /// Any of this is not so.
    pub fn finish(self, cluster: &Cluster) {
        for author in self.authors {
            author.stop();
        }
        cluster.wait_healthy();
        cluster.wait_equal_hashes();
        let mut last = 0;
        for node in cluster.running() {
            let auditor = cluster.rpc(&format!("auditor{node}"), node);
            auditor.login(OWNER);
            assert_eq!(auditor.node(), node, "a profile begins at its first server");
            last = auditor.check_history(&self.checker, &self.room).last_seq;
        }
        for reader in &self.readers {
            reader.wait_for_seq(&self.room, last, FEED_DEADLINE);
            self.checker
                .saw_feed(reader.label(), &self.room, 1, reader.events(&self.room));
        }
        self.checker.assert_clean();
    }
}
