//! `chat rpc` as a child process: requests out, answers and notifications in.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Event, Moment, Signal, signal};

/// How long an answer may take: `deadline_ms`' default of 30 s, and some for the machine.
pub const CALL_DEADLINE: Duration = Duration::from_secs(45);
/// Notifications that one rpc keeps. A test that gets more has a fault.
const NOTICES_MAX: usize = 200_000;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What it says.
    pub result: Result<Value, RpcError>,
    /// When it was read.
    pub at: Moment,
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcError {
    /// JSON-RPC's number.
    pub number: i64,
    /// For people.
    pub message: String,
    /// `data.code`, or empty.
    pub code: String,
    /// `data.outcome`, or empty: `refused` or `unknown`.
    pub outcome: String,
}

/// A notification.
#[derive(Clone, Debug)]
pub struct Notice {
    /// `event`, `connection`, `leader`, ...
    pub method: String,
    /// What it says.
    pub params: Value,
    /// When it was read.
    pub at: Moment,
}

/// A request on its way.
#[derive(Debug)]
pub struct Pending {
    method: String,
    label: String,
    answer: Receiver<Answer>,
    /// When it was written.
    pub sent_at: Moment,
}

/// A running `chat rpc`. Cheap to share behind an `Arc`. Dropped, it is killed.
#[derive(Debug)]
pub struct Rpc {
    label: String,
    child: Mutex<Child>,
    stdin: Mutex<ChildStdin>,
    next_id: AtomicU64,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Inbox {
    waiting: HashMap<u64, SyncSender<Answer>>,
    notices: Vec<Notice>,
    ended: bool,
}

impl Rpc {
    /// Starts this command, which ends in `rpc` and its flags. The label is for failures.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, label: &str) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let stderr = child.stderr.take().expect("stderr is piped");
        let shared = Arc::new(Shared::default());
        let reader = Arc::clone(&shared);
        let name = label.to_owned();
        std::thread::spawn(move || read_answers(&reader, stdout, &name));
        let name = label.to_owned();
        std::thread::spawn(move || show_trace(stderr, &name));
        Self {
            label: label.to_owned(),
            child: Mutex::new(child),
            stdin: Mutex::new(stdin),
            next_id: AtomicU64::new(1),
            shared,
        }
    }

    /// Its name in failures; also its profile.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Sends a request. Requests of several threads go out in the order of their moments.
    ///
    /// # Panics
    /// The program has ended.
    pub fn send(&self, method: &str, params: &Value) -> Pending {
        self.try_send(method, params)
            .unwrap_or_else(|| panic!("{}: chat rpc takes no more requests", self.label))
    }

    /// As [`Rpc::send`], for a program that may have been killed; `None` then.
    pub fn try_send(&self, method: &str, params: &Value) -> Option<Pending> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let line = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string() + "\n";
        let (sender, answer) = sync_channel(1);
        self.shared.lock().waiting.insert(id, sender);
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let sent_at = Moment::now();
        stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush()).ok()?;
        Some(Pending {
            method: method.to_owned(),
            label: self.label.clone(),
            answer,
            sent_at,
        })
    }

    /// Sends its program a signal.
    pub fn signal(&self, sent: Signal) {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        signal(child.id(), sent);
    }

    /// SIGKILL. What it was asked has no answer then.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // Fails only when it has ended.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Sends a line as it is.
    ///
    /// # Panics
    /// The program has ended.
    pub fn send_raw(&self, line: &str) {
        let mut stdin = self.stdin.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = stdin.write_all(line.as_bytes()).and_then(|()| stdin.flush());
        sent.unwrap_or_else(|error| panic!("{}: chat rpc takes no more requests: {error}", self.label));
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// The answer is an error.
    ///
    /// # Panics
    /// There is no answer in time.
    pub fn call(&self, method: &str, params: &Value) -> Result<Value, RpcError> {
        self.send(method, params).wait(CALL_DEADLINE).result
    }

    /// Sends a request and answers its result.
    ///
    /// # Panics
    /// The answer is an error, or not there in time.
    #[track_caller]
    pub fn ask(&self, method: &str, params: &Value) -> Value {
        match self.call(method, params) {
            Ok(result) => result,
            Err(error) => panic!("{}: {method} {params}: {error:?}", self.label),
        }
    }

    /// All notifications so far.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        self.shared.lock().notices.clone()
    }

    /// All events of a room that came as notifications so far, in the order in which they came.
    ///
    /// # Panics
    /// One does not parse.
    #[must_use]
    pub fn events(&self, room: &str) -> Vec<Event> {
        let inbox = self.shared.lock();
        let events = inbox.notices.iter().filter(|notice| is_event_of(notice, room));
        events
            .map(|notice| serde_json::from_value(notice.params.clone()).expect("an event has the contract's shape"))
            .collect()
    }

    /// The same for a program that was killed, when all that it had written is read.
    ///
    /// # Panics
    /// One does not parse, or the pipe stays open.
    #[must_use]
    pub fn events_to_the_end(&self, room: &str) -> Vec<Event> {
        let until = Instant::now() + CALL_DEADLINE;
        let mut inbox = self.shared.lock();
        while !inbox.ended {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{}: the end of its output does not come", self.label);
            inbox = self.shared.wait(inbox, left);
        }
        drop(inbox);
        self.events(room)
    }

    /// Waits until the room's event with this seq has come as a notification.
    ///
    /// # Panics
    /// It has not by the deadline.
    pub fn wait_for_seq(&self, room: &str, seq: u64, deadline: Duration) {
        let wanted = |notice: &Notice| is_event_of(notice, room) && notice.params["seq"].as_u64() >= Some(seq);
        self.wait_for(&format!("event {seq} of {room}"), deadline, wanted);
    }

    /// Waits for a notification that is as wanted, among those that have come too, and answers it.
    ///
    /// # Panics
    /// None is there by the deadline.
    pub fn wait_for(&self, what: &str, deadline: Duration, wanted: impl Fn(&Notice) -> bool) -> Notice {
        let until = Instant::now() + deadline;
        let mut inbox = self.shared.lock();
        let mut looked_at = 0;
        loop {
            if let Some(found) = inbox.notices[looked_at..].iter().find(|notice| wanted(notice)) {
                return found.clone();
            }
            looked_at = inbox.notices.len();
            let left = until.saturating_duration_since(Instant::now());
            let in_vain = left.is_zero() || inbox.ended;
            assert!(
                !in_vain,
                "{}: waited in vain for {what}; the last: {:?}",
                self.label,
                inbox.notices.last()
            );
            inbox = self.shared.wait(inbox, left);
        }
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Pending {
    /// Waits for the answer.
    ///
    /// # Panics
    /// There is none by the deadline, or the program has ended.
    #[must_use]
    #[track_caller]
    pub fn wait(self, deadline: Duration) -> Answer {
        let (label, method) = (self.label.clone(), self.method.clone());
        self.wait_or_end(deadline)
            .unwrap_or_else(|| panic!("{label}: chat rpc ended during {method}"))
    }

    /// Waits for the answer, or for the end of the program: `None`.
    ///
    /// # Panics
    /// There is neither by the deadline.
    #[must_use]
    #[track_caller]
    pub fn wait_or_end(self, deadline: Duration) -> Option<Answer> {
        match self.answer.recv_timeout(deadline) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => panic!("{}: no answer to {} in {deadline:?}", self.label, self.method),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until something arrives, or for `left`.
    fn wait<'a>(&self, inbox: MutexGuard<'a, Inbox>, left: Duration) -> MutexGuard<'a, Inbox> {
        let waited = self.arrived.wait_timeout(inbox, left);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

fn is_event_of(notice: &Notice, room: &str) -> bool {
    notice.method == "event" && notice.params["room"] == room
}

fn read_answers(shared: &Shared, stdout: ChildStdout, label: &str) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { break };
        let at = Moment::now();
        let Ok(mut said) = serde_json::from_str::<Value>(&line) else {
            eprintln!("{label}: no JSON on stdout: {line}");
            continue;
        };
        let mut inbox = shared.lock();
        if let Some(method) = said["method"].as_str().map(str::to_owned) {
            assert!(inbox.notices.len() < NOTICES_MAX, "{label}: too many notifications");
            let params = said["params"].take();
            inbox.notices.push(Notice { method, params, at });
            shared.arrived.notify_all();
        } else {
            answer(&mut inbox, said, at, label);
        }
    }
    let mut inbox = shared.lock();
    // Those that wait are told by their channel.
    inbox.waiting.clear();
    inbox.ended = true;
    shared.arrived.notify_all();
}

fn answer(inbox: &mut Inbox, mut said: Value, at: Moment, label: &str) {
    let Some(waiting) = said["id"].as_u64().and_then(|id| inbox.waiting.remove(&id)) else {
        // Among others the answer to a line that could not be read: its id is null.
        let (method, params) = (String::from("unmatched"), said);
        inbox.notices.push(Notice { method, params, at });
        return;
    };
    let result = match said.get("error") {
        Some(error) => Err(RpcError::read(error)),
        None => Ok(said["result"].take()),
    };
    if waiting.try_send(Answer { result, at }).is_err() {
        eprintln!("{label}: an answer that nobody waits for");
    }
}

impl RpcError {
    fn read(error: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            number: error["code"].as_i64().unwrap_or_default(),
            message: text(&error["message"]),
            code: text(&error["data"]["code"]),
            outcome: text(&error["data"]["outcome"]),
        }
    }
}

fn show_trace(stderr: impl Read, label: &str) {
    for line in BufReader::new(stderr).lines() {
        let Ok(line) = line else { break };
        eprintln!("{label}: {line}");
    }
}
