//! Running a program to its end, within a deadline.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// A program that has ended.
#[derive(Clone, Debug)]
pub struct Finished {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote to stdout.
    pub stdout: String,
    /// What it wrote to stderr.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Finished {
    /// Itself, when the exit code is 0.
    ///
    /// # Panics
    /// It is another one.
    #[must_use]
    #[track_caller]
    pub fn success(self) -> Self {
        self.expect_code(0)
    }

    /// Itself, when the exit code is this one.
    ///
    /// # Panics
    /// It is another one.
    #[must_use]
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "stdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// What stdout says, as one JSON value.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}\nstderr: {}", self.stdout, self.stderr))
    }

    /// What stdout says, as one JSON value a line.
    ///
    /// # Panics
    /// A line is none.
    #[must_use]
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}")))
            .collect()
    }

    /// `data` of the envelope of `chatctl -o json`.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    #[track_caller]
    pub fn data(&self) -> Value {
        let envelope = self.json();
        assert_eq!(envelope["schema"], "chatctl/1", "{envelope}");
        envelope["data"].clone()
    }

    /// `error.code` of the last line of stderr that is a JSON error, if any is.
    #[must_use]
    pub fn error_code(&self) -> Option<String> {
        let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
        let error = parse(&self.stderr).or_else(|| self.stderr.lines().rev().find_map(parse))?;
        error["error"]["code"].as_str().map(str::to_owned)
    }
}

/// Runs a program with this on its stdin, and waits for its end.
///
/// # Panics
/// It cannot be started, or has not ended by the deadline (it is killed then).
#[track_caller]
pub fn run(command: &mut Command, stdin: &str, deadline: Duration) -> Finished {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    let mut input = child.stdin.take().expect("stdin is piped");
    // A program that does not read its stdin to the end is free not to.
    let _ = input.write_all(stdin.as_bytes());
    drop(input);
    let stdout = collect(child.stdout.take().expect("stdout is piped"));
    let stderr = collect(child.stderr.take().expect("stderr is piped"));
    let status = crate::poll(deadline, || child.try_wait().expect("an own child can be waited for"));
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let finished = Finished {
        code: status.and_then(|status| status.code()),
        stdout: stdout.join().expect("the reader does not panic"),
        stderr: stderr.join().expect("the reader does not panic"),
        took: started.elapsed(),
    };
    assert!(
        status.is_some(),
        "{command:?} has not ended within {deadline:?}: {finished:?}"
    );
    finished
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What came before an error is worth showing.
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
