//! The node: where the parts meet. Nothing else sees all of them.
//!
//! Left out on purpose: logic. What is decided here is only who is given what, in which order things
//! begin, and in which they end.

mod audit;
mod build;
mod ca;
mod change;
mod drain;
mod error;
mod facts;
mod farewell;
mod inspect;
mod level;
mod measure;
mod notify;
mod operate;
mod own_addrs;
mod place;
mod pulse;
mod reload;
mod renew;
mod run;
mod safety;
mod source;
mod telemetry;
mod trace;
mod udp;
mod view;
mod waiting;
mod witness;

pub use error::NodeError;
pub use run::run;
pub use trace::{ERROR_PREFIX, Traces, goes_to_journal};
