//! What a port bears: full, draining, restarted, closed, pelted with junk.

#[cfg(test)]
mod support;

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use quorate_certs::{DeviceKey, NodeSecrets};
use quorate_core::NodeId;
use quorate_transport::{Alpn, ClientDialer, CloseCode, CloseReason, DialError, Limits, Listener, Port};
use support::{Cluster, addr, loopback, stream, within};

#[tokio::test]
async fn an_address_has_so_many_sessions_until_the_limit_is_changed() {
    let cluster = Cluster::new();
    let limits = Limits {
        sessions_per_address: 2,
        ..Limits::of(Port::Client)
    };
    let mut listener = cluster.listen_with(1, Port::Client, limits);
    let dialer = ClientDialer::new();
    let one = cluster.connected_device(&mut listener, &dialer).await;
    let _two = cluster.connected_device(&mut listener, &dialer).await;
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    let third = dialer.dial(&addr(&listener), Arc::clone(&config)).await;
    assert!(matches!(third, Err(DialError::Refused)), "{third:?}");
    drop(one);
    let third = cluster.connected_device(&mut listener, &dialer).await;
    assert_eq!(listener.handle().sessions(), 2);
    listener.handle().set_sessions_per_address(0);
    let _fourth = cluster.connected_device(&mut listener, &dialer).await;
    drop(third);
}

#[tokio::test]
async fn a_full_port_refuses_at_once() {
    let cluster = Cluster::new();
    let limits = Limits {
        sessions_max: 0,
        ..Limits::of(Port::Client)
    };
    let listener = cluster.listen_with(1, Port::Client, limits);
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    let error = ClientDialer::new().dial(&addr(&listener), config).await.unwrap_err();
    assert!(matches!(error, DialError::Refused), "{error:?}");
}

#[tokio::test]
async fn a_draining_port_refuses_newcomers_and_keeps_those_it_has() {
    let cluster = Cluster::new();
    let mut listener = cluster.listen(1, Port::Client);
    let dialer = ClientDialer::new();
    let (dialled, accepted) = cluster.connected_device(&mut listener, &dialer).await;
    listener.handle().stop_accepting();
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    let error = dialer.dial(&addr(&listener), config).await.unwrap_err();
    assert!(matches!(error, DialError::Refused), "{error:?}");
    let _streams = stream(&dialled, &accepted).await;
}

#[tokio::test]
async fn closing_a_port_tells_everybody_and_ends_the_accepting() {
    let cluster = Cluster::new();
    let mut listener = cluster.listen(1, Port::Client);
    let dialer = ClientDialer::new();
    let (dialled, _accepted) = cluster.connected_device(&mut listener, &dialer).await;
    within("the close", listener.handle().close(CloseCode::Draining, "restarting")).await;
    assert_eq!(
        within("the news", dialled.closed()).await.code(),
        Some(CloseCode::Draining)
    );
    assert!(within("the end", listener.accept()).await.is_none());
}

/// A daemon that is killed sends nothing. Its next process does not know the old connections, and says so only if it has
/// the same two keys: with quinn's own, the other end finds out by its idle timeout.
#[tokio::test]
async fn a_restarted_port_ends_the_connections_of_the_one_before_it() {
    let cluster = Cluster::new();
    let secrets = NodeSecrets::random();
    let limits = Limits {
        idle_timeout: Duration::from_secs(3600),
        ..Limits::of(Port::Peer)
    };
    // The dialler's idle timeout, too, is far beyond the patience of this test.
    let two = cluster.listen_with(2, Port::Peer, limits);
    let first = UdpRelay::new();
    let mut before = Listener::bind(Port::Peer, loopback(), cluster.identity(1), &secrets, limits).unwrap();
    first.lead_to(before.local_addr().unwrap());
    let dialer = two.handle().peer_dialer().unwrap();
    let dialled = dialer.dial(&first.addr(), NodeId(1), Alpn::Raft).await.unwrap();
    let accepted = within("the link", before.accept()).await.unwrap();
    let _streams = stream(&dialled, &accepted).await;
    // The old process is cut off, which to the other end looks like a kill; the new one takes its place.
    let after = Listener::bind(Port::Peer, loopback(), cluster.identity(1), &secrets, limits).unwrap();
    first.lead_to(after.local_addr().unwrap());
    assert_eq!(within("the reset", dialled.closed()).await, CloseReason::Reset);
}

#[tokio::test]
async fn junk_on_both_ports_disturbs_nobody() {
    let cluster = Cluster::new();
    let dialer = ClientDialer::new();
    let (mut client, mut peer) = (cluster.listen(1, Port::Client), cluster.listen(1, Port::Peer));
    let other = cluster.listen(2, Port::Peer);
    let device = cluster.connected_device(&mut client, &dialer).await;
    let node = other
        .handle()
        .peer_dialer()
        .unwrap()
        .dial(&addr(&peer), NodeId(1), Alpn::Raft)
        .await
        .unwrap();
    let node = (node, within("the link", peer.accept()).await.unwrap());
    let socket = UdpSocket::bind(loopback()).unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0_usize..2000 {
        let junk: Vec<u8> = (0..(round % 1300) + 1)
            .map(|_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                seed.to_le_bytes()[0]
            })
            .collect();
        socket.send_to(&junk, client.local_addr().unwrap()).unwrap();
        socket.send_to(&junk, peer.local_addr().unwrap()).unwrap();
    }
    let _streams = (stream(&device.0, &device.1).await, stream(&node.0, &node.1).await);
    let _another = cluster.connected_device(&mut client, &dialer).await;
}

/// Passes datagrams between a dialler and whichever port it leads to at the time.
struct UdpRelay {
    front: Arc<UdpSocket>,
    target: Arc<std::sync::Mutex<Option<std::net::SocketAddr>>>,
}

impl UdpRelay {
    fn new() -> Self {
        let front = Arc::new(UdpSocket::bind(loopback()).expect("loopback can be bound"));
        let target: Arc<std::sync::Mutex<Option<std::net::SocketAddr>>> = Arc::default();
        let (socket, to) = (Arc::clone(&front), Arc::clone(&target));
        std::thread::spawn(move || {
            let mut dialler = None;
            let mut buffer = [0; 65_536];
            while let Ok((len, from)) = socket.recv_from(&mut buffer) {
                let target = *to.lock().expect("nobody panics with it");
                let next = if Some(from) == target {
                    dialler
                } else if from.port() == 0 || is_old_target(from, target, dialler) {
                    None
                } else {
                    dialler = Some(from);
                    target
                };
                if let Some(next) = next {
                    let _ = socket.send_to(&buffer[..len], next);
                }
            }
        });
        Self { front, target }
    }

    fn addr(&self) -> String {
        self.front.local_addr().expect("it is bound").to_string()
    }

    fn lead_to(&self, target: std::net::SocketAddr) {
        *self.target.lock().expect("nobody panics with it") = Some(target);
    }
}

/// Whoever is neither the target nor the dialler was the target once: it is cut off.
fn is_old_target(
    from: std::net::SocketAddr,
    target: Option<std::net::SocketAddr>,
    dialler: Option<std::net::SocketAddr>,
) -> bool {
    Some(from) != target && dialler.is_some_and(|dialler| dialler != from)
}
