//! Traces to stderr, with a filter that can be changed while the daemon runs.
//!
//! Where systemd has connected stderr to the journal, each line begins with its priority (sd-daemon(3)), so that
//! `journalctl -p err` finds the errors. The journal takes it off.

use std::io::{self, Write};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
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
        let is_terminal = io::IsTerminal::is_terminal(&io::stderr());
        let lines = tracing_subscriber::fmt::layer().with_writer(Stderr {
            to_journal: goes_to_journal(),
        });
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

/// systemd says so in the environment of what it starts; a terminal in between is somebody who reads.
#[must_use]
pub fn goes_to_journal() -> bool {
    std::env::var_os("JOURNAL_STREAM").is_some() && !io::IsTerminal::is_terminal(&io::stderr())
}

/// The prefix of an error's line for the journal.
pub const ERROR_PREFIX: &str = "<3>";

/// As of syslog(3).
fn prefix(level: Level) -> &'static str {
    match level {
        Level::ERROR => ERROR_PREFIX,
        Level::WARN => "<4>",
        Level::INFO => "<6>",
        Level::DEBUG | Level::TRACE => "<7>",
    }
}

/// Where traces go.
struct Stderr {
    to_journal: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Lines<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        self.at(Level::INFO)
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Self::Writer {
        self.at(*metadata.level())
    }
}

impl Stderr {
    fn at(&self, level: Level) -> Lines<io::Stderr> {
        Lines {
            to: io::stderr(),
            prefix: self.to_journal.then(|| prefix(level)),
        }
    }
}

/// Takes one trace, whose lines begin with the prefix if there is one.
struct Lines<W> {
    to: W,
    prefix: Option<&'static str>,
}

impl<W: Write> Write for Lines<W> {
    /// A trace comes as a whole, and goes on as a whole: two threads' lines are never mixed.
    fn write(&mut self, trace: &[u8]) -> io::Result<usize> {
        let Some(prefix) = self.prefix else {
            return self.to.write(trace);
        };
        let lines = trace.split_inclusive(|byte| *byte == b'\n');
        let told: Vec<u8> = lines.flat_map(|line| [prefix.as_bytes(), line].concat()).collect();
        self.to.write_all(&told)?;
        Ok(trace.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(prefix: Option<&'static str>, trace: &str) -> String {
        let mut lines = Lines { to: Vec::new(), prefix };
        lines.write_all(trace.as_bytes()).unwrap();
        String::from_utf8(lines.to).unwrap()
    }

    #[test]
    fn every_line_of_a_trace_has_the_priority_for_the_journal_and_none_elsewhere() {
        let trace = "ERROR the node ends\n  cause: the disk\n";
        assert_eq!(written(None, trace), trace);
        assert_eq!(
            written(Some(prefix(Level::ERROR)), trace),
            "<3>ERROR the node ends\n<3>  cause: the disk\n"
        );
    }
}
