//! The node: where the parts meet. Nothing else sees all of them.
//!
//! Left out on purpose: logic. What is decided here is only who is given what, in which order things
//! begin, and in which they end.

mod build;
mod change;
mod drain;
mod error;
mod facts;
mod farewell;
mod notify;
mod operate;
mod place;
mod reload;
mod renew;
mod run;
mod safety;
mod source;
mod trace;
mod view;
mod waiting;

pub use error::NodeError;
pub use run::run;
pub use trace::Traces;
