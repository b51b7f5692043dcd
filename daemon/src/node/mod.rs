//! The node: where the parts meet. Nothing else sees all of them.
//!
//! Left out on purpose: logic. What is decided here is only who is given what, in which order things
//! begin, and in which they end.

mod audit;
mod build;
mod drain;
mod error;
mod facts;
mod identity;
mod inspect;
mod level;
mod measure;
mod notify;
mod operate;
mod own_addrs;
mod pulse;
mod reload;
mod run;
mod source;
mod telemetry;
mod trace;
mod udp;
mod view;
mod witness;

pub use error::NodeError;
pub use run::run;
pub use trace::Traces;
