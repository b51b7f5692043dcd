//! What `chatd.toml`, the environment and the flags say, as one typed [`Config`].
//!
//! A flag goes before `CHATD_SECTION__KEY`, that before the file, and the file before the default. Reading does not stop at
//! the first fault: [`ConfigError`] has all of them, each with its place and, where one can be guessed, what was meant.
//!
//! Knows no socket and no consensus; nothing here starts anything.

mod check;
mod fault;
mod flags;
mod key;
mod layer;
mod load;
mod model;
mod rule;
mod show;
mod suggest;
mod value;

pub use check::{EXIT_CONFIG, check};
pub use fault::{ConfigError, Fault, Place};
pub use flags::Flags;
pub use load::environment;
pub use model::{
    Accounts, Cluster, Config, Limit, Limits, Listen, Log, LogFilter, LogFilterError, LogFormat, Metrics, Node,
    Presence, Raft, Registration, Search, Tls,
};
pub use show::settings;
