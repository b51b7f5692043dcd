//! Waits for what the cluster carries out, and says how far it is.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::cli::Global;
use crate::output::complain;

/// Between two looks.
const POLL: Duration = Duration::from_millis(200);
/// Without progress for so long, it is said what is waited for.
const STALLED_AFTER: Duration = Duration::from_secs(15);

/// What one look has found.
pub(crate) enum Look<T> {
    /// It is done.
    Done(T),
    /// It is not, and this is how far it is and what is waited for.
    Waiting(String),
}

/// Shows how far something is, on a terminal in one line that is written over, else only when it stalls.
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    shown: String,
    moved_at: Instant,
    told_stalled: bool,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            terminal: io::stderr().is_terminal(),
            shown: String::new(),
            moved_at: Instant::now(),
            told_stalled: false,
        }
    }

    /// Looks until it is done; `None` at the deadline, if there is one.
    pub(crate) async fn until<T>(
        &mut self,
        deadline: Option<Instant>,
        mut look: impl AsyncFnMut() -> Look<T>,
    ) -> Option<T> {
        loop {
            match look().await {
                Look::Done(done) => {
                    self.clear();
                    return Some(done);
                }
                Look::Waiting(how_far) => self.show(&how_far),
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.clear();
                return None;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    fn show(&mut self, how_far: &str) {
        let moved = self.shown != how_far;
        if moved {
            how_far.clone_into(&mut self.shown);
            self.moved_at = Instant::now();
            self.told_stalled = false;
        }
        if self.quiet {
            return;
        }
        if moved && self.terminal {
            // A stderr that is gone needs no progress.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{how_far}");
        }
        if !self.told_stalled && self.moved_at.elapsed() >= STALLED_AFTER {
            self.told_stalled = true;
            let line = format!("no progress for {} s: {how_far}", STALLED_AFTER.as_secs());
            complain(&if self.terminal { format!("\r\x1b[K{line}") } else { line });
        }
    }

    fn clear(&self) {
        if self.terminal && !self.quiet && !self.shown.is_empty() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
