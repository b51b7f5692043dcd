//! Traces to stderr, with a filter that can be changed while the daemon runs.

use std::io;

use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

use crate::config::{Log, LogFilter, LogFormat};

/// The handle on the filter.
#[derive(Clone, Debug)]
pub struct Traces(reload::Handle<EnvFilter, Registry>);

impl Traces {
    /// Begins to write traces, as the config says. Once in a process.
    #[must_use]
    pub fn begin(log: &Log) -> Self {
        let (filter, handle) = reload::Layer::new(filter(&log.level));
        let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
        let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
        let lines = match log.format {
            LogFormat::Text => lines.with_ansi(is_terminal).boxed(),
            LogFormat::Json => lines.json().boxed(),
        };
        tracing_subscriber::registry().with(filter).with(lines).init();
        Self(handle)
    }

    /// Writes what this filter lets through from now on.
    pub(super) fn set(&self, level: &LogFilter) {
        if let Err(error) = self.0.reload(filter(level)) {
            tracing::warn!(%error, "the log level is not changed");
        }
    }
}

/// openraft tells each message that it sees, and warns of each heartbeat that a dead peer does not
/// answer; of it only errors are written, unless the filter names it.
fn filter(level: &LogFilter) -> EnvFilter {
    EnvFilter::new(format!("openraft=error,{level}"))
}
