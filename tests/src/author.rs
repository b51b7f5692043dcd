//! Somebody who posts without a pause, several posts in flight, and tells the checker. The program through which they post may be
//! killed: they go on through the next one, and send again what has no answer, under its id.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Answer, AttemptNo, CALL_DEADLINE, Checker, Moment, Pending, Placed, Post, Rpc};

/// Posts of one author at the most: ends a test that never stops it.
pub const AUTHOR_POSTS_MAX: usize = 20_000;
/// How often a post of unknown outcome is sent again, under its id.
const AGAIN_MAX: u32 = 2;
/// Until a test gives the author another program in place of one that it has killed.
const PROGRAM_DEADLINE: Duration = Duration::from_secs(30);

/// A thread that posts. Stopped, it waits for what is in flight.
#[derive(Debug)]
pub struct Author {
    thread: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    acked: Acked,
    seat: Arc<Seat>,
}

/// When an author's posts were acknowledged.
#[derive(Clone, Debug, Default)]
struct Acked(Arc<Mutex<Vec<Instant>>>);

/// The program through which an author posts.
#[derive(Debug)]
struct Seat {
    program: Mutex<Arc<Rpc>>,
    changed: Condvar,
}

struct Work {
    /// In use. One that was killed is left only together with all that was sent through it.
    rpc: Arc<Rpc>,
    seat: Arc<Seat>,
    checker: Arc<Checker>,
    user: String,
    room: String,
    acked: Acked,
    window: usize,
    pace: Duration,
}

struct Flight {
    attempt: AttemptNo,
    body: String,
    /// Nothing, where the program took no more.
    pending: Option<Pending>,
}

impl Author {
    /// Posts as this user (logged in, and in the room) until stopped, this many posts in flight, with this pause before each.
    #[must_use]
    pub fn start(
        rpc: Arc<Rpc>,
        checker: &Arc<Checker>,
        user: &str,
        room: &str,
        (window, pace): (usize, Duration),
    ) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acked = Acked::default();
        let seat = Arc::new(Seat {
            program: Mutex::new(Arc::clone(&rpc)),
            changed: Condvar::new(),
        });
        let mut work = Work {
            rpc,
            seat: Arc::clone(&seat),
            checker: Arc::clone(checker),
            user: user.to_owned(),
            room: room.to_owned(),
            acked: acked.clone(),
            window,
            pace,
        };
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || work.post_until(&stopped));
        Self {
            thread: Some(thread),
            stop,
            acked,
            seat,
        }
    }

    /// The program through which it posts.
    #[must_use]
    pub fn rpc(&self) -> Arc<Rpc> {
        self.seat.program()
    }

    /// Goes on through this program of the same profile, when the one before it has ended.
    pub fn go_on_through(&self, rpc: Arc<Rpc>) {
        *self.seat.program.lock().unwrap_or_else(PoisonError::into_inner) = rpc;
        self.seat.changed.notify_all();
    }

    /// How many of its posts were acknowledged so far.
    #[must_use]
    pub fn acked(&self) -> usize {
        self.acked.times().len()
    }

    /// The longest time between two acknowledgements that follow each other, the second of them after `from`.
    #[must_use]
    pub fn longest_gap(&self, from: Instant) -> Duration {
        let times = self.acked.times();
        let gaps = times.windows(2).filter(|pair| pair[1] >= from);
        gaps.map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
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

impl Acked {
    fn times(&self) -> MutexGuard<'_, Vec<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    fn program(&self) -> Arc<Rpc> {
        Arc::clone(&self.program.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The program after one that has ended.
    fn after(&self, ended: &Arc<Rpc>) -> Arc<Rpc> {
        let program = self.program.lock().unwrap_or_else(PoisonError::into_inner);
        let (program, waited) = self
            .changed
            .wait_timeout_while(program, PROGRAM_DEADLINE, |program| Arc::ptr_eq(program, ended))
            .unwrap_or_else(PoisonError::into_inner);
        assert!(
            !waited.timed_out(),
            "{}: chat rpc ended and nobody began it again",
            ended.label()
        );
        Arc::clone(&program)
    }
}

impl Work {
    fn post_until(&mut self, stop: &AtomicBool) {
        let mut in_flight: VecDeque<Flight> = VecDeque::new();
        for number in 1..=AUTHOR_POSTS_MAX {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(self.pace);
            in_flight.push_back(self.send(number));
            while in_flight.len() >= self.window {
                self.land_first(&mut in_flight);
            }
        }
        while !in_flight.is_empty() {
            self.land_first(&mut in_flight);
        }
    }

    fn request(&self, body: &str) -> Value {
        json!({"room": self.room, "body": body, "id": body})
    }

    fn send(&self, number: usize) -> Flight {
        // Also the id, which is one of its user's in all rooms.
        let body = format!("{} {} {number}", self.room, self.rpc.label());
        let before = Moment::now();
        let pending = self.rpc.try_send("post", &self.request(&body));
        let post = Post {
            session: self.rpc.label().to_owned(),
            user: self.user.clone(),
            room: self.room.clone(),
            body: body.clone(),
            id: Some(body.clone()),
        };
        let sent_at = pending.as_ref().map_or(before, |pending| pending.sent_at);
        Flight {
            attempt: self.checker.sent(post, sent_at),
            body,
            pending,
        }
    }

    /// Waits for the oldest answer. Where the program has ended instead, all are sent again through the next one, in their
    /// order and before anything new.
    fn land_first(&mut self, in_flight: &mut VecDeque<Flight>) {
        let Some(mut first) = in_flight.pop_front() else {
            return;
        };
        let pending = first.pending.take();
        match pending.and_then(|pending| pending.wait_or_end(CALL_DEADLINE)) {
            Some(answer) => self.land(&first, answer),
            None => {
                in_flight.push_front(first);
                self.rpc = self.seat.after(&self.rpc);
                for flight in in_flight {
                    self.checker.sent_again(flight.attempt);
                    flight.pending = self.rpc.try_send("post", &self.request(&flight.body));
                }
            }
        }
    }

    fn land(&self, flight: &Flight, mut answer: Answer) {
        for _ in 0..AGAIN_MAX {
            let unknown = answer.result.as_ref().is_err_and(|error| error.outcome == "unknown");
            if !unknown {
                break;
            }
            self.checker.sent_again(flight.attempt);
            answer = self.rpc.send("post", &self.request(&flight.body)).wait(CALL_DEADLINE);
        }
        self.tell(flight.attempt, &answer);
    }

    fn tell(&self, attempt: AttemptNo, answer: &Answer) {
        match &answer.result {
            Ok(result) => {
                let placed = Placed::read(result);
                self.checker.acked(attempt, placed.seq, &placed.id, answer.at);
                self.acked.times().push(Instant::now());
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
