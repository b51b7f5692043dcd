//! Free UDP ports on loopback.

use std::net::UdpSocket;

use rand::seq::SliceRandom;

/// Below the ports that Linux gives to sockets that ask for any (`ip_local_port_range`, 32768 to 60999): a daemon that was killed
/// comes back to its port, and no client's socket has taken it meanwhile.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// So many different ports that nobody has bound now.
///
/// # Panics
/// Loopback has no port left.
#[must_use]
pub fn free_udp_ports(count: usize) -> Vec<u16> {
    let mut ports: Vec<u16> = PORTS.collect();
    ports.shuffle(&mut rand::rng());
    let is_free = |port: &u16| UdpSocket::bind(("127.0.0.1", *port)).is_ok();
    let free: Vec<u16> = ports.into_iter().filter(is_free).take(count).collect();
    assert_eq!(free.len(), count, "loopback has free ports");
    free
}
