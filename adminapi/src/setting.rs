//! The config of a daemon as it is in effect, and its log level.

use serde::{Deserialize, Serialize};

use crate::rule::Lasting;
use crate::time::UtcTime;

/// A row of `GET /v1/config`. There are no secrets among them: keys and certificates are files, and only their paths are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// As in `raft.hand_back`.
    pub key: String,
    /// The value in effect, as it would be written; `null` where there is none.
    pub value: Option<String>,
    /// Where the value comes from.
    pub source: SettingSource,
    /// The place: `FILE:LINE`, the variable, or the flag; `null` for a default.
    pub place: Option<String>,
    /// Whether another value takes effect without a restart.
    pub reloads: bool,
}

/// Where a value comes from, the weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SettingSource {
    /// Nobody has set it.
    Default,
    /// The config file.
    File,
    /// `CHATD_SECTION__KEY`.
    Environment,
    /// A flag of `chatd run`.
    Flag,
}

impl std::fmt::Display for SettingSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// What `POST /v1/config/reload` answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// The keys whose new values are in effect now.
    pub changed: Vec<String>,
    /// The keys whose new values wait for a restart.
    pub needs_restart: Vec<String>,
    /// When the node's certificate expires, which was read again too.
    pub cert_expires: Option<UtcTime>,
}

/// What `GET` and `PUT /v1/log-level` answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLevel {
    /// Which traces are written now.
    pub level: String,
    /// Which the config says.
    pub configured: String,
    /// When the config's is in effect again by itself; `null` where nothing is planned.
    pub until: Option<UtcTime>,
}

/// What `PUT /v1/log-level` asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLogLevel {
    /// A level, or levels for parts of the program, as in `log.level`.
    pub level: String,
    /// For how long; `null` until the next reload or restart.
    #[serde(default, rename = "for")]
    pub lasting: Option<Lasting>,
}
