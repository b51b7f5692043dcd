//! Waits for what the cluster carries out, and says how far it is.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use quorate_adminapi::format_duration;

use crate::cli::Global;
use crate::failure::{Exit, Failure};
use crate::output::complain;

/// Between two looks.
const POLL: Duration = Duration::from_millis(200);
/// Without progress for so long, it is said what is waited for.
const STALLED_AFTER: Duration = Duration::from_secs(15);
/// And again after so long, if there is still none.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A change is waited for at least so long: elections and a log to catch up with take longer than an answer.
const CHANGE_WAIT_MIN: Duration = Duration::from_secs(30);

/// How long a change is waited for that is in the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    deadline: Instant,
    lasts: Duration,
}

impl Patience {
    /// Of who waits so long for an answer.
    pub(crate) fn new(now: Instant, timeout: Duration) -> Self {
        let lasts = timeout.max(CHANGE_WAIT_MIN);
        Self {
            deadline: now + lasts,
            lasts,
        }
    }

    /// What is said at its end: nothing was taken back.
    fn not_finished(self, how_far: &str) -> Failure {
        let message = format!("not done within {}: {how_far}", format_duration(self.lasts));
        Failure::new(Exit::Unknown, "not-finished", message)
            .hint("it is in the log, and the leader goes on with it; chatctl status shows how far it is")
    }
}

/// What one look has found.
pub(crate) enum Look<T> {
    /// It is done.
    Done(T),
    /// It is not.
    Waiting(HowFar),
}

impl<T> Look<T> {
    /// It is not done, and nothing that could be counted has come of it.
    pub(crate) fn waiting(text: impl Into<String>) -> Self {
        Self::Waiting(HowFar {
            progress: 0,
            text: text.into(),
        })
    }
}

/// How far it is, and what is waited for.
pub(crate) struct HowFar {
    /// More than ever before is progress. Whatever goes on by itself, as the log does, is not in it.
    pub(crate) progress: u64,
    /// For people.
    pub(crate) text: String,
}

/// Shows how far something is, on a terminal in one line that is written over, else only when it stalls.
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    shown: String,
    stall: Stall,
}

impl Progress {
    pub(crate) fn new(global: &Global) -> Self {
        Self {
            quiet: global.quiet,
            terminal: io::stderr().is_terminal(),
            shown: String::new(),
            stall: Stall::new(Instant::now()),
        }
    }

    /// Looks until it is done; `None` at the deadline, if there is one.
    pub(crate) async fn until<T>(
        &mut self,
        deadline: Option<Instant>,
        mut look: impl AsyncFnMut() -> Look<T>,
    ) -> Option<T> {
        loop {
            let found = look().await;
            let now = Instant::now();
            match found {
                Look::Done(done) => {
                    self.clear();
                    return Some(done);
                }
                Look::Waiting(how_far) => self.show(now, how_far),
            }
            if deadline.is_some_and(|deadline| now >= deadline) {
                self.clear();
                return None;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Looks until a change is carried out.
    ///
    /// # Errors
    /// It was not before the patience ended; it may still be.
    pub(crate) async fn carried_out<T>(
        &mut self,
        patience: Patience,
        look: impl AsyncFnMut() -> Look<T>,
    ) -> Result<T, Failure> {
        let done = self.until(Some(patience.deadline), look).await;
        done.ok_or_else(|| patience.not_finished(&self.shown))
    }

    fn show(&mut self, now: Instant, how_far: HowFar) {
        let stalled = self.stall.seen(now, &how_far);
        let is_news = self.shown != how_far.text;
        self.shown = how_far.text;
        if self.quiet {
            return;
        }
        if is_news && self.terminal {
            // A stderr that is gone needs no progress.
            let _ = write!(io::stderr().lock(), "\r\x1b[K{}", self.shown);
        }
        if let Some(line) = stalled {
            complain(&if self.terminal { format!("\r\x1b[K{line}") } else { line });
        }
    }

    fn clear(&self) {
        if self.terminal && !self.quiet && !self.shown.is_empty() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}

/// Notices that there is no progress, whatever the text says meanwhile.
struct Stall {
    most: u64,
    moved_at: Instant,
    tell_at: Instant,
}

impl Stall {
    fn new(now: Instant) -> Self {
        Self {
            most: 0,
            moved_at: now,
            tell_at: now + STALLED_AFTER,
        }
    }

    /// What is to be said about it now, if anything.
    fn seen(&mut self, now: Instant, how_far: &HowFar) -> Option<String> {
        if how_far.progress > self.most {
            *self = Self {
                most: how_far.progress,
                ..Self::new(now)
            };
        }
        if now < self.tell_at {
            return None;
        }
        self.tell_at = now + TOLD_AGAIN_AFTER;
        let still = now.duration_since(self.moved_at).as_secs();
        Some(format!("no progress for {still} s: {}", how_far.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is told in the seconds from the beginning on, one look a second.
    fn told(seconds: u64, look: impl Fn(u64) -> (u64, String)) -> Vec<String> {
        let start = Instant::now();
        let mut stall = Stall::new(start);
        (0..=seconds)
            .filter_map(|second| {
                let (progress, text) = look(second);
                stall.seen(start + Duration::from_secs(second), &HowFar { progress, text })
            })
            .collect()
    }

    #[test]
    fn a_change_is_waited_for_30_s_or_as_long_as_the_caller_would_wait_for_an_answer() {
        let now = Instant::now();
        for (timeout, lasts) in [(1, 30), (10, 30), (30, 30), (60, 60)] {
            let patience = Patience::new(now, Duration::from_secs(timeout));
            assert_eq!(patience.deadline - now, Duration::from_secs(lasts), "{timeout}");
        }
    }

    #[test]
    fn what_is_waited_for_is_told_once_after_15_s_without_progress_and_again_after_a_minute() {
        let look = |_| (7, "waiting for n3".to_owned());
        assert!(told(14, look).is_empty());
        assert_eq!(told(74, look), ["no progress for 15 s: waiting for n3"]);
        assert_eq!(told(75, look)[1..], ["no progress for 75 s: waiting for n3"]);
    }

    /// Under load the end of the log, which the text names, never stands still.
    #[test]
    fn another_text_is_no_progress() {
        let lines = told(20, |second| (7, format!("7 of {} entries", 100 + second)));
        assert_eq!(lines, ["no progress for 15 s: 7 of 115 entries"]);
    }

    #[test]
    fn a_number_that_falls_back_and_comes_up_again_is_no_progress() {
        assert_eq!(told(20, |second| (7 - second % 2, String::new())).len(), 1);
    }

    #[test]
    fn progress_is_silent() {
        assert!(told(200, |second| (second / 14, "14 s for each".to_owned())).is_empty());
    }

    #[test]
    fn after_progress_the_time_without_begins_anew() {
        let lines = told(40, |second| (u64::from(second >= 20), format!("at {second}")));
        assert_eq!(lines, ["no progress for 15 s: at 15", "no progress for 15 s: at 35"]);
    }
}
