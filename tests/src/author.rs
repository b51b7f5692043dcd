//! Somebody who posts without a pause, several posts in flight, and tells the checker.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

use serde_json::json;

use crate::{Answer, AttemptNo, CALL_DEADLINE, Checker, Pending, Placed, Post, Rpc};

/// Posts of one author at the most: ends a test that never stops it.
pub const AUTHOR_POSTS_MAX: usize = 20_000;
/// How often a post of unknown outcome is sent again, under its id.
const AGAIN_MAX: u32 = 2;

/// A thread that posts. Stopped, it waits for what is in flight.
#[derive(Debug)]
pub struct Author {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    acked: Arc<AtomicUsize>,
}

struct Work {
    rpc: Arc<Rpc>,
    checker: Arc<Checker>,
    user: String,
    room: String,
    acked: Arc<AtomicUsize>,
}

struct Flight {
    attempt: AttemptNo,
    body: String,
    pending: Pending,
}

impl Author {
    /// Posts as this user (logged in, and in the room) until stopped, this many posts in flight.
    #[must_use]
    pub fn start(rpc: &Arc<Rpc>, checker: &Arc<Checker>, user: &str, room: &str, window: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acked = Arc::new(AtomicUsize::new(0));
        let work = Work {
            rpc: Arc::clone(rpc),
            checker: Arc::clone(checker),
            user: user.to_owned(),
            room: room.to_owned(),
            acked: Arc::clone(&acked),
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || work.post_until(&stopped, window));
        Self {
            thread: Some(thread),
            stop,
            acked,
        }
    }

    /// How many of its posts were acknowledged so far.
    #[must_use]
    pub fn acked(&self) -> usize {
        self.acked.load(Ordering::Relaxed)
    }

    /// Sends nothing more, and waits for the answers to what was sent.
    ///
    /// # Panics
    /// An answer is missing.
    pub fn stop(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the author had an answer to each of its posts");
        }
    }
}

impl Drop for Author {
    fn drop(&mut self) {
        // Of a test that fails: the thread ends when it sees this, or with its rpc.
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Work {
    fn post_until(&self, stop: &AtomicBool, window: usize) {
        let mut in_flight: VecDeque<Flight> = VecDeque::new();
        for number in 1..=AUTHOR_POSTS_MAX {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            in_flight.push_back(self.send(number));
            if in_flight.len() == window {
                self.land(in_flight.pop_front());
            }
        }
        while !in_flight.is_empty() {
            self.land(in_flight.pop_front());
        }
    }

    fn send(&self, number: usize) -> Flight {
        let body = format!("{} {number}", self.rpc.label());
        let pending = self.rpc.send_post(&self.room, &body, &body);
        let post = Post {
            session: self.rpc.label().to_owned(),
            user: self.user.clone(),
            room: self.room.clone(),
            body: body.clone(),
            id: Some(body.clone()),
        };
        Flight {
            attempt: self.checker.sent(post, pending.sent_at),
            body,
            pending,
        }
    }

    fn land(&self, flight: Option<Flight>) {
        let Some(Flight { attempt, body, pending }) = flight else {
            return;
        };
        let mut answer = pending.wait(CALL_DEADLINE);
        for _ in 0..AGAIN_MAX {
            let unknown = answer.result.as_ref().is_err_and(|error| error.outcome == "unknown");
            if !unknown {
                break;
            }
            self.checker.sent_again(attempt);
            let params = json!({"room": self.room, "body": body, "id": body});
            answer = self.rpc.send("post", &params).wait(CALL_DEADLINE);
        }
        self.tell(attempt, &answer);
    }

    fn tell(&self, attempt: AttemptNo, answer: &Answer) {
        match &answer.result {
            Ok(result) => {
                let placed = Placed::read(result);
                self.checker.acked(attempt, placed.seq, &placed.id, answer.at);
                self.acked.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) if error.outcome == "refused" => {
                eprintln!("{}: refused: {error:?}", self.rpc.label());
                self.checker.refused(attempt);
            }
            Err(error) => {
                eprintln!("{}: unknown: {error:?}", self.rpc.label());
                self.checker.unknown(attempt);
            }
        }
    }
}
