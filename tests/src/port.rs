//! Free UDP ports on loopback.

use std::net::UdpSocket;

/// So many different ports that nobody has bound now. They are released on return, so another program may take one before a
/// daemon does; the system hands them out in turn, which makes that rare, and the daemon then says so.
///
/// # Panics
/// Loopback has no port left.
#[must_use]
pub fn free_udp_ports(count: usize) -> Vec<u16> {
    // All are held until the last is found: otherwise one could be handed out twice.
    let held: Vec<UdpSocket> = (0..count)
        .map(|_| UdpSocket::bind(("127.0.0.1", 0)).expect("loopback has a free port"))
        .collect();
    held.iter()
        .map(|socket| socket.local_addr().expect("a bound socket has an address").port())
        .collect()
}
