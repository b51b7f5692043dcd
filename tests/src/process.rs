//! One daemon as a child process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// Lines of a trace that are shown when a test fails.
const SHOWN_LINES: usize = 25;

/// What a process can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ends at once, and the process cannot do anything about it.
    Kill,
    /// Please end.
    Terminate,
    /// Ctrl-C.
    Interrupt,
    /// Read the config again.
    HangUp,
    /// Stand still.
    Stop,
    /// Go on.
    Continue,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Kill => "KILL",
            Self::Terminate => "TERM",
            Self::Interrupt => "INT",
            Self::HangUp => "HUP",
            Self::Stop => "STOP",
            Self::Continue => "CONT",
        }
    }
}

/// Sends a signal to a process that this one has started.
///
/// # Panics
/// There is no such process any more.
pub fn signal(pid: u32, signal: Signal) {
    // The shell has `kill` built in everywhere; sending a signal without a program takes unsafe code.
    let sent = Command::new("sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", signal.name(), &pid.to_string()])
        .status()
        .expect("there is a shell");
    assert!(sent.success(), "{signal:?} could not be sent to process {pid}");
}

/// A daemon. Dropped, it is killed and waited for.
#[derive(Debug)]
pub struct Daemon {
    child: Child,
    trace: PathBuf,
}

impl Daemon {
    /// Starts it, with its stderr appended to `trace`.
    ///
    /// # Panics
    /// It cannot be started.
    #[must_use]
    pub fn start(command: &mut Command, trace: &Path) -> Self {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(trace)
            .expect("the trace can be written");
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        Self {
            child,
            trace: trace.to_owned(),
        }
    }

    /// Sends it a signal. Nothing happens when it has ended already.
    ///
    /// # Panics
    /// The signal could not be sent.
    pub fn signal(&mut self, sent: Signal) {
        if self.ended().is_none() {
            // Not waited for yet, so the number is still this child's.
            signal(self.child.id(), sent);
        }
    }

    /// How it has ended, if it has.
    ///
    /// # Panics
    /// Never: it is a child that nobody else waits for.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("an own child can be waited for")
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It has not ended by the deadline.
    pub fn wait(&mut self, deadline: Duration) -> ExitStatus {
        let found = crate::poll(deadline, || self.ended());
        found.unwrap_or_else(|| panic!("the daemon has not ended within {deadline:?}:\n{}", self.trace_tail()))
    }

    /// The last lines that it has written to stderr.
    #[must_use]
    pub fn trace_tail(&self) -> String {
        let text = self.trace_text();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }

    /// All that it has written to stderr.
    #[must_use]
    pub fn trace_text(&self) -> String {
        std::fs::read(&self.trace)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Fails only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
