//! Who gets a connection handed over, over real handshakes.

#[cfg(test)]
mod support;

use std::sync::Arc;

use quorate_certs::{DeviceKey, Presented};
use quorate_core::NodeId;
use quorate_transport::{Alpn, ClientDialer, CloseCode, CloseReason, DialError, Identity, Port, authorise};
use support::{Cluster, addr, within};

/// certificate_required (RFC 8446, section 6.2).
const ALERT_CERTIFICATE_REQUIRED: u8 = 116;

#[derive(Debug)]
enum End {
    HandedOver(Identity),
    Dial(DialError),
    Closed(CloseReason),
}

async fn dial(listener: &mut quorate_transport::Listener, config: Arc<rustls::ClientConfig>) -> End {
    let dialer = ClientDialer::new();
    match dialer.dial(&addr(listener), config).await {
        Err(error) => End::Dial(error),
        Ok(connection) => {
            within("either end", async {
                tokio::select! {
                    accepted = listener.accept() => End::HandedOver(accepted.expect("the port is open").identity()),
                    closed = connection.closed() => End::Closed(closed),
                }
            })
            .await
        }
    }
}

#[tokio::test]
async fn every_combination_of_port_protocol_and_identity_ends_as_the_table_says() {
    let cluster = Cluster::new();
    let key = DeviceKey::generate().unwrap();
    for port in [Port::Client, Port::Peer] {
        let mut listener = cluster.listen(1, port);
        for alpn in Alpn::ALL {
            let known = [
                (Presented::Node(NodeId(2)), cluster.reckless_node(2, alpn)),
                (Presented::Device(key.id()), cluster.device(&key, alpn)),
            ];
            for (presented, config) in known {
                let end = dial(&mut listener, config).await;
                let case = format!("{port}, {alpn}, {presented:?}: {end:?}");
                match (authorise(alpn, &presented, port), end) {
                    (Ok(expected), End::HandedOver(identity)) => assert_eq!(identity, expected, "{case}"),
                    (Err(_), End::Dial(DialError::Alpn)) => assert!(!port.alpns().contains(&alpn), "{case}"),
                    (Err(_), End::Closed(reason)) => {
                        assert!(port.alpns().contains(&alpn), "{case}");
                        assert_eq!(reason.code(), Some(CloseCode::NotAuthorized), "{case}");
                    }
                    _ => panic!("{case}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn nobody_gets_in_without_a_certificate() {
    let cluster = Cluster::new();
    for port in [Port::Client, Port::Peer] {
        let mut listener = cluster.listen(1, port);
        for alpn in port.alpns() {
            let end = dial(&mut listener, cluster.nobody(*alpn)).await;
            let refused = CloseReason::TlsByPeer {
                alert: ALERT_CERTIFICATE_REQUIRED,
            };
            match end {
                End::Closed(reason) | End::Dial(DialError::Handshake(reason)) => assert_eq!(reason, refused),
                other => panic!("{port}, {alpn}: {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn a_node_of_another_cluster_is_refused_in_the_handshake() {
    let (ours, theirs) = (Cluster::new(), Cluster::new());
    let mut listener = ours.listen(1, Port::Peer);
    let end = dial(&mut listener, theirs.reckless_node(2, Alpn::Raft)).await;
    assert!(
        matches!(
            end,
            End::Closed(CloseReason::TlsByPeer { .. }) | End::Dial(DialError::Handshake(CloseReason::TlsByPeer { .. }))
        ),
        "{end:?}"
    );
}
