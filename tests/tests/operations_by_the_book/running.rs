//! A command while it runs.

use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use quorate_tests::{Signal, poll, signal};

/// Until a process that was told to end has.
const ENDED_DEADLINE: Duration = Duration::from_secs(10);

/// A shell that leads a process group of its own. Dropped, all that is left of it is killed.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("an own child can be waited for")
    }

    /// Ends what follows: with Ctrl-C, or with another signal where whoever began the test may have had Ctrl-C ignored.
    pub(crate) fn cut(&mut self, knows_interrupt: bool) -> Option<ExitStatus> {
        let sent = if knows_interrupt {
            Signal::Interrupt
        } else {
            Signal::Terminate
        };
        // Not waited for yet, so the number is still this child's.
        signal(self.0.id(), sent);
        poll(ENDED_DEADLINE, || self.ended())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.ended().is_none() {
            let group = self.0.id().to_string();
            let _ = Command::new("sh")
                .args(["-c", "kill -s KILL -- \"-$0\"", &group])
                .status();
            let _ = self.0.wait();
        }
    }
}
