//! Asks the other machine's system whether a port is open. QUIC ignores the answer, since anybody on the way can forge it; for
//! somebody who doubts already that a node is there, it is a hint that comes in a round trip instead of a timeout.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Until the system's answer (ICMP port unreachable, RFC 792 and RFC 4443) is not waited for any longer. An open port gives none.
const ANSWER_DEADLINE: Duration = Duration::from_millis(50);
/// A datagram that no QUIC endpoint takes for a packet.
const NOTHING: [u8; 1] = [0];

/// Whether the system at this address says that nothing listens on the port. `false` says nothing: the answer may be lost, late or
/// filtered.
pub async fn is_refused(addr: SocketAddr) -> bool {
    let any: SocketAddr = match addr {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let asked = async {
        let socket = UdpSocket::bind(any).await?;
        // Connected, the system hands its answer on.
        socket.connect(addr).await?;
        socket.send(&NOTHING).await?;
        socket.recv(&mut [0; 1]).await
    };
    matches!(timeout(ANSWER_DEADLINE, asked).await, Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_closed_port_is_refused_and_an_open_one_is_not() {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addr = socket.local_addr().unwrap();
        assert!(!is_refused(addr).await);
        drop(socket);
        assert!(is_refused(addr).await);
    }
}
