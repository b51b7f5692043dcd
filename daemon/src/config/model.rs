//! The config as the rest of the daemon sees it, with the defaults. What exists is in range: faults end in reading.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use quorate_core::NodeId;
use quorate_formation::NodeAddr;

/// Everything that can be set from outside. Paths are absolute, or relative to the working directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `[node]`
    pub node: Node,
    /// `[listen]`
    pub listen: Listen,
    /// `[raft]`
    pub raft: Raft,
    /// `[metrics]`
    pub metrics: Metrics,
    /// `[accounts]`
    pub accounts: Accounts,
    /// `[limits]`
    pub limits: Limits,
    /// `[search]`
    pub search: Search,
    /// `[presence]`
    pub presence: Presence,
    /// `[cluster]`
    pub cluster: Cluster,
    /// `[tls]`
    pub tls: Tls,
    /// `[log]`
    pub log: Log,
}

/// Who this node is, and where it keeps things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its id; `None` where the cluster gives it one when it joins.
    pub id: Option<NodeId>,
    /// Where the log and the state are kept.
    pub data_dir: PathBuf,
    /// The Unix socket of the admin API.
    pub admin_socket: PathBuf,
}

/// The UDP sockets, and what others are told of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// For clients.
    pub client: SocketAddr,
    /// For the other nodes.
    pub peer: SocketAddr,
    /// Where clients reach this node; `None` where the cluster file or the first contact tells.
    pub advertise_client: Option<NodeAddr>,
    /// Where other nodes reach this node.
    pub advertise_peer: Option<NodeAddr>,
}

/// Consensus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raft {
    /// How often a leader says that it is there.
    pub heartbeat_interval: Duration,
    /// After how long without a leader the node with the highest id stands for election; the others wait longer. At least
    /// four heartbeat intervals.
    pub election_timeout: Duration,
    /// A snapshot is made after so many entries.
    pub snapshot_entries: u64,
    /// So many entries are kept in the log behind a snapshot.
    pub keep_entries: u64,
    /// How long a higher id must have been healthy before it is given leadership; `None` for "off".
    pub hand_back: Option<Duration>,
}

/// Metrics, besides those on the admin socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// The TCP address of a listener that serves `/metrics` and nothing else.
    pub listen: Option<SocketAddr>,
}

/// Accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Who may make one.
    pub registration: Registration,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registration {
    /// Anybody.
    Open,
    /// Whoever has an invite link.
    Invite,
    /// Nobody but an operator.
    Closed,
}

/// So many in the time that the key names, with a burst of twice as many; `None` for no limit.
pub type Limit = Option<NonZeroU32>;

/// Limits on what one user or one address may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Posts a second, a user.
    pub posts_per_second: Limit,
    /// Registrations a minute, a source address.
    pub registrations_per_minute: Limit,
    /// Failed logins a minute, an account.
    pub failed_logins_per_minute: Limit,
    /// Sessions at once, a source address.
    pub sessions_per_address: Limit,
}

/// Searching in messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether this node keeps an index of all texts, beside the data.
    pub enabled: bool,
}

/// Who is there and who is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whether this node tells and shows it.
    pub enabled: bool,
}

/// How the cluster is formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The `cluster.toml` that lists the nodes; `None` for a cluster that grows by `init` and `join`.
    pub file: Option<PathBuf>,
}

/// Where the certificates are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The CA certificates that this node trusts.
    pub ca: PathBuf,
    /// The certificate chain of this node.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

/// Traces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Which are written.
    pub level: LogFilter,
    /// How.
    pub format: LogFormat,
}

/// How traces are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Config {
    /// The defaults. Certificates are looked for in `base`: the directory of the config file.
    #[must_use]
    pub fn defaults(base: &Path) -> Self {
        let any = |port| SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port);
        Self {
            node: Node {
                id: None,
                data_dir: "/var/lib/chatd".into(),
                admin_socket: "/run/chatd/admin.sock".into(),
            },
            listen: Listen {
                client: any(7400),
                peer: any(7401),
                advertise_client: None,
                advertise_peer: None,
            },
            raft: Raft {
                heartbeat_interval: Duration::from_millis(100),
                election_timeout: Duration::from_millis(400),
                snapshot_entries: 50_000,
                keep_entries: 50_000,
                hand_back: Some(Duration::from_secs(10)),
            },
            metrics: Metrics { listen: None },
            accounts: Accounts {
                registration: Registration::Open,
            },
            limits: Limits {
                posts_per_second: NonZeroU32::new(200),
                registrations_per_minute: NonZeroU32::new(60),
                failed_logins_per_minute: NonZeroU32::new(10),
                sessions_per_address: NonZeroU32::new(4096),
            },
            search: Search { enabled: true },
            presence: Presence { enabled: true },
            cluster: Cluster { file: None },
            tls: Tls {
                ca: base.join(quorate_certs::CA_CERT_FILE),
                cert: base.join(quorate_certs::NODE_CERT_FILE),
                key: base.join(quorate_certs::NODE_KEY_FILE),
            },
            log: Log {
                level: LogFilter("info".to_owned()),
                format: LogFormat::Text,
            },
        }
    }
}

/// The levels, quietest first.
pub(super) const LOG_LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Which traces are written: a level, or a level and others for parts of the program, `info,quorate_daemon::relay=debug`.
/// Always what `tracing_subscriber::EnvFilter` reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter(String);

/// A text that is no log filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a log level is one of off, error, warn, info, debug, trace, and \"{part}\" is none")]
pub struct LogFilterError {
    /// The part of the text that should be a level.
    pub part: String,
}

impl LogFilter {
    /// The filter as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LogFilter {
    type Err = LogFilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        for part in text.split(',') {
            let (target, level) = part
                .split_once('=')
                .map_or((None, part), |(target, level)| (Some(target), level));
            let is_target = |name: &str| {
                !name.is_empty()
                    && name
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b':'))
            };
            if !LOG_LEVELS.contains(&level) {
                return Err(LogFilterError { part: level.to_owned() });
            }
            if target.is_some_and(|target| !is_target(target)) {
                return Err(LogFilterError { part: part.to_owned() });
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
