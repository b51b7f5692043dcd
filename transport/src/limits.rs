//! How much a listener takes on.

use std::time::Duration;

use crate::authorise::Port;

/// What a listener allows. A limit of 0 on sessions per address means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all, half-open ones included. The next is refused at once, so that its dialler goes elsewhere.
    pub sessions_max: usize,
    /// Connections from one address, half-open ones included; 0 = no limit. An IPv6 address counts as its /64, which is
    /// what one customer gets.
    pub sessions_per_address: usize,
    /// Handshakes under way. Each may cost half a millisecond of CPU and 16 KiB.
    pub half_open_max: usize,
    /// How long a connection may be silent before it counts as dead. The client's keep-alive is a quarter of the default.
    pub idle_timeout: Duration,
}

impl Limits {
    /// What suits a port when nobody has said otherwise.
    #[must_use]
    pub const fn of(port: Port) -> Self {
        match port {
            Port::Client => Self {
                // At about 45 kB each, 900 MB.
                sessions_max: 20_000,
                sessions_per_address: 4096,
                half_open_max: 1024,
                idle_timeout: Duration::from_secs(20),
            },
            // Each peer has a link or two; joiners come one by one. Many nodes may share an address on one machine.
            Port::Peer => Self {
                sessions_max: 1024,
                sessions_per_address: 512,
                half_open_max: 128,
                idle_timeout: Duration::from_secs(5),
            },
        }
    }
}
