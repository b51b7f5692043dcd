//! People who talk in one room while things go wrong around them, and what must hold afterwards.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::{Author, CALL_DEADLINE, Checker, Cluster, Event, Placed, Post, Rpc, RpcError, Signal, until};

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
    /// What each reader's programs got before they were killed.
    read_before: Vec<Vec<Event>>,
}

impl Conversation {
    /// Registers everybody, makes the room, and begins: an author for each of `author_nodes`, connected there first, and a
    /// reader for each of `reader_nodes`.
    ///
    /// # Panics
    /// The cluster does not let them.
    #[must_use]
    pub fn start(cluster: &Cluster, room: &str, author_nodes: &[u64], reader_nodes: &[u64], window: usize) -> Self {
        Self::start_at_pace(cluster, room, author_nodes, reader_nodes, (window, Duration::ZERO))
    }

    /// The same, with so many posts in flight and this pause before each. Those who are registered already go on with their
    /// profiles.
    ///
    /// # Panics
    /// The cluster does not let them.
    #[must_use]
    pub fn start_at_pace(
        cluster: &Cluster,
        room: &str,
        author_nodes: &[u64],
        reader_nodes: &[u64],
        pace: (usize, Duration),
    ) -> Self {
        let checker = Arc::new(Checker::new());
        let owner = cluster.rpc(OWNER, author_nodes[0]);
        owner.enter(OWNER);
        owner.create(room);
        let mut readers = Vec::new();
        for (number, node) in (1..).zip(reader_nodes) {
            let reader = cluster.rpc(&format!("reader{number}"), *node);
            reader.enter(reader.label());
            reader.join(room);
            reader.subscribe(room, Some(1));
            readers.push(reader);
        }
        let mut authors = Vec::new();
        for (number, node) in (1..).zip(author_nodes) {
            let author = cluster.rpc(&format!("author{number}"), *node);
            let user = author.label().to_owned();
            author.enter(&user);
            author.join(room);
            authors.push(Author::start(Arc::new(author), &checker, &user, room, pace));
        }
        Self {
            room: room.to_owned(),
            checker,
            owner,
            authors,
            read_before: vec![Vec::new(); readers.len()],
            readers,
        }
    }

    /// The node that an author's program is connected to.
    ///
    /// # Panics
    /// It is connected to none for too long.
    #[must_use]
    pub fn author_node(&self, author: usize) -> u64 {
        self.authors[author].rpc().node()
    }

    /// SIGKILL for an author's program, with posts in flight; the author goes on through a new one.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn kill_author(&self, cluster: &Cluster, author: usize) {
        let author = &self.authors[author];
        let old = author.rpc();
        old.kill();
        author.go_on_through(Arc::new(cluster.rpc_again(old.label())));
    }

    /// SIGKILL for a reader's program; a new one goes on after the last event that it got.
    ///
    /// # Panics
    /// It cannot be started, or does not get the room.
    pub fn kill_reader(&mut self, cluster: &Cluster, reader: usize) {
        self.readers[reader].kill();
        let before = &mut self.read_before[reader];
        before.extend(self.readers[reader].events_to_the_end(&self.room));
        let next = before.last().map_or(1, |event| event.seq + 1);
        let again = cluster.rpc_again(self.readers[reader].label());
        again.subscribe(&self.room, Some(next));
        self.readers[reader] = again;
    }

    /// No reader was told of a session that is gone.
    ///
    /// # Panics
    /// One was.
    pub fn assert_nobody_was_without_a_session(&self) {
        for reader in &self.readers {
            let notices = reader.notices();
            let lost = notices
                .iter()
                .find(|notice| notice.method == "connection" && notice.params["state"] != "connected");
            assert!(lost.is_none(), "{} was without a session: {lost:?}", reader.label());
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

    /// SIGSTOP for an author's program.
    pub fn pause_author(&self, author: usize) {
        self.authors[author].rpc().signal(Signal::Stop);
    }

    /// SIGCONT for it.
    pub fn resume_author(&self, author: usize) {
        self.authors[author].rpc().signal(Signal::Continue);
    }

    /// Waits until every author has had so many more posts acknowledged than now.
    ///
    /// # Panics
    /// One has not within a minute.
    pub fn wait_for_more(&self, posts: usize) {
        wait_for_more(self.authors.iter(), posts);
    }

    /// The same, without one who cannot post now.
    ///
    /// # Panics
    /// One has not within a minute.
    pub fn wait_for_more_of_others(&self, silent: usize, posts: usize) {
        let others = self.authors.iter().enumerate().filter(|(author, _)| *author != silent);
        wait_for_more(others.map(|(_, author)| author), posts);
    }

    /// The longest time that one of the authors was without an acknowledgement, over those times that ended after `from`.
    #[must_use]
    pub fn longest_gap(&self, from: Instant) -> Duration {
        let gaps = self.authors.iter().map(|author| author.longest_gap(from));
        gaps.max().unwrap_or_default()
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
            auditor.come_back(OWNER);
            assert_eq!(auditor.node(), node, "a profile begins at its first server");
            last = auditor.check_history(&self.checker, &self.room).last_seq;
        }
        for (reader, mut events) in self.readers.iter().zip(self.read_before) {
            reader.wait_for_seq(&self.room, last, FEED_DEADLINE);
            events.extend(reader.events(&self.room));
            self.checker.saw_feed(reader.label(), &self.room, 1, events);
        }
        self.checker.assert_clean();
    }
}

fn wait_for_more<'a>(authors: impl Iterator<Item = &'a Author>, posts: usize) {
    let wanted: Vec<_> = authors.map(|author| (author, author.acked() + posts)).collect();
    for (author, wanted) in wanted {
        let look = || (author.acked() >= wanted).then_some(());
        until(&format!("{posts} more posts of each author"), POSTS_DEADLINE, look);
    }
}
