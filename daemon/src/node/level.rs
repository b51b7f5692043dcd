//! Which traces are written: as the config says, or for a while as an operator wants.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use quorate_adminapi::{EventKind, LogLevel, UtcTime, format_duration};
use tokio::time::sleep;

use super::trace::Traces;
use crate::chronicle::Chronicle;
use crate::config::LogFilter;

/// The level at present.
pub(super) struct Level {
    apply: Box<dyn Fn(&LogFilter) + Send + Sync>,
    chronicle: Arc<Chronicle>,
    state: Mutex<State>,
}

struct State {
    configured: LogFilter,
    now: LogFilter,
    until: Option<UtcTime>,
    /// Counts changes, so that the end of one does not undo a later one.
    change: u64,
}

impl Level {
    /// As the config says.
    pub(super) fn new(traces: Traces, configured: LogFilter, chronicle: Arc<Chronicle>) -> Arc<Self> {
        Self::with(Box::new(move |level| traces.set(level)), configured, chronicle)
    }

    fn with(
        apply: Box<dyn Fn(&LogFilter) + Send + Sync>,
        configured: LogFilter,
        chronicle: Arc<Chronicle>,
    ) -> Arc<Self> {
        Arc::new(Self {
            apply,
            chronicle,
            state: Mutex::new(State {
                now: configured.clone(),
                configured,
                until: None,
                change: 0,
            }),
        })
    }

    pub(super) fn get(&self) -> LogLevel {
        let state = self.state();
        LogLevel {
            level: state.now.to_string(),
            configured: state.configured.to_string(),
            until: state.until,
        }
    }

    /// From now on, for so long; without a time, until the config is read again.
    pub(super) fn set(self: &Arc<Self>, level: LogFilter, lasting: Option<Duration>) -> LogLevel {
        let until = lasting.map(|lasting| UtcTime::from(SystemTime::now() + lasting));
        let change = self.change(&level, until);
        let for_how_long = lasting.map_or_else(String::new, |lasting| format!(" for {}", format_duration(lasting)));
        self.note(format!("the log level is {level}{for_how_long}"));
        if let Some(lasting) = lasting {
            let level = Arc::clone(self);
            tokio::spawn(async move {
                sleep(lasting).await;
                level.end(change);
            });
        }
        self.get()
    }

    /// The config was read again: what it says counts, and nothing else.
    pub(super) fn configure(&self, configured: LogFilter) {
        self.state().configured = configured.clone();
        self.change(&configured, None);
    }

    /// The time of this change is over.
    fn end(&self, change: u64) {
        let configured = {
            let state = self.state();
            if state.change != change {
                return;
            }
            state.configured.clone()
        };
        self.change(&configured, None);
        self.note(format!("the log level is {configured} again"));
    }

    fn change(&self, level: &LogFilter, until: Option<UtcTime>) -> u64 {
        let mut state = self.state();
        state.now = level.clone();
        state.until = until;
        state.change += 1;
        (self.apply)(level);
        state.change
    }

    fn note(&self, text: String) {
        tracing::info!("{text}");
        self.chronicle.note(EventKind::LogLevel, None, text);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(text: &str) -> LogFilter {
        text.parse().unwrap()
    }

    /// At "info" by the config, and what it has set since.
    fn scene() -> (Arc<Level>, Arc<Mutex<Vec<String>>>) {
        let applied = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&applied);
        let apply = Box::new(move |level: &LogFilter| to.lock().unwrap().push(level.to_string()));
        (Level::with(apply, level("info"), Arc::default()), applied)
    }

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn a_level_for_a_while_is_gone_after_it() {
        let (levels, applied) = scene();
        let told = levels.set(level("debug"), Some(MINUTE));
        assert_eq!((told.level.as_str(), told.configured.as_str()), ("debug", "info"));
        assert!(told.until.is_some());
        sleep(2 * MINUTE).await;
        assert_eq!((levels.get().level.as_str(), levels.get().until), ("info", None));
        assert_eq!(*applied.lock().unwrap(), ["debug", "info"]);
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_an_earlier_change_does_not_undo_a_later_one() {
        let (levels, _) = scene();
        levels.set(level("debug"), Some(MINUTE));
        levels.set(level("trace"), None);
        sleep(2 * MINUTE).await;
        assert_eq!(levels.get().level, "trace");
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_config_says_anew_counts_at_once() {
        let (levels, _) = scene();
        levels.set(level("debug"), Some(MINUTE));
        levels.configure(level("warn"));
        assert_eq!((levels.get().level.as_str(), levels.get().until), ("warn", None));
        sleep(2 * MINUTE).await;
        assert_eq!(levels.get().level, "warn");
    }
}
