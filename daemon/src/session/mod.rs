//! A client's session: one authenticated connection, from hello to goodbye.
//!
//! A session reads requests, hands writes to the relay and reads to the store's reader, and pulls
//! feeds from the fan-out when its socket has room. Who the device speaks for is asked of the
//! replicated state for each request, so a revocation counts from the moment it is applied here.
//!
//! Left out on purpose: who leads (the relay knows), what a command means (the core decides), and
//! any state that would have to outlive the connection.

mod account;
mod attendance;
mod fault;
mod feed;
mod limit;
mod line;
mod listen;
mod login;
mod open;
mod password;
mod present;
mod proof;
mod query;
mod reply;
mod request;
#[cfg(test)]
mod scene;
mod serve;
mod services;
mod stream;
mod write;

pub use limit::{Limits, Rates};
pub use listen::listen;
pub use login::invite_key;
pub use password::{PasswordError, Passwords};
pub use query::{ExportError, Exports, Pages};
pub use services::{Cluster, Counters, Registration, Services, SettledCa};
