//! The UDP socket under an endpoint.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Once;

use socket2::{Domain, Protocol, Socket, Type};

/// What is asked of the kernel for each direction of a daemon's socket: one socket carries all connections, and the usual
/// 208 KiB hold less than a hundred full packets.
pub(crate) const LISTENER_BUFFER_BYTES: usize = 8 * 1024 * 1024;
/// The same for a socket that only dials.
pub(crate) const DIALER_BUFFER_BYTES: usize = 1024 * 1024;

static SMALL_BUFFERS: Once = Once::new();

/// Binds. `[::]` takes IPv4 too, as `::ffff:a.b.c.d`.
pub(crate) fn bind(addr: SocketAddr, buffer_bytes: usize) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(!addr.ip().is_unspecified())?;
    }
    // The kernel silently gives what it allows; only an odd platform fails, and then its default must do.
    let _ = socket.set_recv_buffer_size(buffer_bytes);
    let _ = socket.set_send_buffer_size(buffer_bytes);
    let given = socket.recv_buffer_size()?.min(socket.send_buffer_size()?);
    if given < buffer_bytes {
        SMALL_BUFFERS.call_once(|| {
            tracing::warn!(
                asked_bytes = buffer_bytes,
                given_bytes = given,
                "the kernel gave small UDP buffers; bursts will be lost. Raise net.core.rmem_max and net.core.wmem_max"
            );
        });
    }
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn the_unspecified_v6_address_takes_v4_packets() {
        let socket = bind((Ipv6Addr::UNSPECIFIED, 0).into(), DIALER_BUFFER_BYTES).unwrap();
        let port = socket.local_addr().unwrap().port();
        UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .send_to(b"x", ("127.0.0.1", port))
            .unwrap();
        let (_, from) = socket.recv_from(&mut [0; 8]).unwrap();
        assert_eq!(from.ip().to_canonical(), std::net::IpAddr::from([127, 0, 0, 1]));
    }
}
