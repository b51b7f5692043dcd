//! Whom a dialler believes, and what it says when it does not.

#[cfg(test)]
mod support;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quorate_certs::{
    CaPin, ClusterCa, DeviceKey, FirstUse, NodeSecrets, SharedIdentity, Validity, device_client_config,
};
use quorate_core::NodeId;
use quorate_transport::{Alpn, ClientDialer, DialError, Identity, Limits, Listener, Port};
use support::{Cluster, addr, loopback, within};

fn bind(port: Port, identity: SharedIdentity) -> Listener {
    Listener::bind(port, loopback(), identity, &NodeSecrets::random(), Limits::of(port)).expect("loopback can be bound")
}

#[tokio::test]
async fn a_node_reaches_the_node_that_it_means() {
    let cluster = Cluster::new();
    let (one, mut two) = (cluster.listen(1, Port::Peer), cluster.listen(2, Port::Peer));
    let dialer = one.handle().peer_dialer().unwrap();
    for alpn in [Alpn::Raft, Alpn::Relay] {
        let dialled = dialer.dial(&addr(&two), NodeId(2), alpn).await.unwrap();
        let accepted = within("the link", two.accept()).await.unwrap();
        assert_eq!((dialled.identity(), dialled.alpn()), (Identity::Node(NodeId(2)), alpn));
        assert_eq!(
            (accepted.identity(), accepted.alpn()),
            (Identity::Node(NodeId(1)), alpn)
        );
    }
}

#[tokio::test]
async fn a_node_that_is_another_than_meant_is_refused() {
    let cluster = Cluster::new();
    let (one, two) = (cluster.listen(1, Port::Peer), cluster.listen(2, Port::Peer));
    let dialer = one.handle().peer_dialer().unwrap();
    let error = dialer.dial(&addr(&two), NodeId(3), Alpn::Raft).await.unwrap_err();
    assert!(matches!(error, DialError::WrongNode { .. }), "{error:?}");
}

#[tokio::test]
async fn a_node_with_another_ca_is_refused_even_under_our_names() {
    let cluster = Cluster::new();
    let one = cluster.listen(1, Port::Peer);
    let dialer = one.handle().peer_dialer().unwrap();
    let forger = Cluster {
        id: cluster.id.clone(),
        ca: ClusterCa::generate(&cluster.id).unwrap(),
    };
    for foreign in [Cluster::new(), forger] {
        let two = foreign.listen(2, Port::Peer);
        let error = dialer.dial(&addr(&two), NodeId(2), Alpn::Raft).await.unwrap_err();
        assert!(matches!(error, DialError::WrongCa { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_node_whose_certificate_has_expired_is_refused_as_such() {
    let cluster = Cluster::new();
    let now = SystemTime::now();
    let expired = Validity {
        from: now - Duration::from_secs(7200),
        until: now - Duration::from_secs(3600),
    };
    let expired = SharedIdentity::new(cluster.ca.issue_node_for(&cluster.id, NodeId(2), expired).unwrap());
    let (one, two) = (cluster.listen(1, Port::Peer), bind(Port::Peer, expired));
    let error = one
        .handle()
        .peer_dialer()
        .unwrap()
        .dial(&addr(&two), NodeId(2), Alpn::Raft)
        .await
        .unwrap_err();
    assert!(matches!(error, DialError::NotInForce { .. }), "{error:?}");
}

#[tokio::test]
async fn an_identity_is_swapped_without_a_restart() {
    let cluster = Cluster::new();
    let now = SystemTime::now();
    let expired = Validity {
        from: now - Duration::from_secs(7200),
        until: now - Duration::from_secs(3600),
    };
    let identity = SharedIdentity::new(cluster.ca.issue_node_for(&cluster.id, NodeId(2), expired).unwrap());
    let (mut one, two) = (cluster.listen(1, Port::Peer), bind(Port::Peer, identity.clone()));
    let (to_two, to_one) = (one.handle().peer_dialer().unwrap(), two.handle().peer_dialer().unwrap());
    assert!(to_two.dial(&addr(&two), NodeId(2), Alpn::Raft).await.is_err());
    identity
        .replace(cluster.ca.issue_node(&cluster.id, NodeId(2)).unwrap())
        .unwrap();
    to_two
        .dial(&addr(&two), NodeId(2), Alpn::Raft)
        .await
        .expect("it answers with the new certificate");
    let _dialled = to_one.dial(&addr(&one), NodeId(1), Alpn::Raft).await.unwrap();
    let accepted = within("a link with the new certificate", one.accept()).await.unwrap();
    assert_eq!(accepted.identity(), Identity::Node(NodeId(2)));
}

#[tokio::test]
async fn a_node_trusts_another_ca_as_soon_as_it_is_told_to() {
    let (ours, theirs) = (Cluster::new(), Cluster::new());
    // Node 2 has a certificate for our cluster from a CA that node 1 does not know yet.
    let theirs_for_us = SharedIdentity::new(theirs.ca.issue_node(&ours.id, NodeId(2)).unwrap());
    let two = bind(Port::Peer, theirs_for_us);
    let node = ours.ca.issue_node(&ours.id, NodeId(1)).unwrap();
    let identity = SharedIdentity::new(node);
    let one = bind(Port::Peer, identity.clone());
    let dialer = one.handle().peer_dialer().unwrap();
    let error = dialer.dial(&addr(&two), NodeId(2), Alpn::Raft).await.unwrap_err();
    assert!(matches!(error, DialError::WrongCa { .. }), "{error:?}");
    let key = identity.current().public_key().unwrap();
    let mut cert = ours
        .ca
        .certify_node(&ours.id, NodeId(1), &key, Validity::of_node(SystemTime::now()))
        .unwrap();
    cert.ca_pem.push_str(theirs.ca.cert_pem());
    identity.replace(identity.current().renewed(&cert).unwrap()).unwrap();
    dialer
        .dial(&addr(&two), NodeId(2), Alpn::Raft)
        .await
        .expect("both CAs are trusted now");
}

#[tokio::test]
async fn a_device_reaches_any_node_of_the_cluster_that_it_pins() {
    let cluster = Cluster::new();
    let mut listener = cluster.listen(4, Port::Client);
    let (dialled, accepted) = cluster.connected_device(&mut listener, &ClientDialer::new()).await;
    assert_eq!(dialled.identity(), Identity::Node(NodeId(4)));
    assert!(accepted.identity().device().is_some());
    assert_eq!(accepted.remote_addr().ip(), dialled.remote_addr().ip());
}

#[tokio::test]
async fn a_device_refuses_a_ca_that_it_does_not_pin() {
    let (ours, theirs) = (Cluster::new(), Cluster::new());
    let listener = theirs.listen(1, Port::Client);
    let config = ours.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    let error = ClientDialer::new().dial(&addr(&listener), config).await.unwrap_err();
    let DialError::WrongCa { detail } = &error else {
        panic!("{error:?}")
    };
    assert!(detail.contains(&theirs.ca.fingerprint().to_string()), "{detail}");
    assert!(detail.contains(&ours.ca.fingerprint().to_string()), "{detail}");
}

#[tokio::test]
async fn the_first_ca_is_trusted_and_a_change_is_refused() {
    let (first, second) = (Cluster::new(), Cluster::new());
    let (one, two) = (first.listen(1, Port::Client), second.listen(1, Port::Client));
    let first_use = FirstUse::new();
    let pin = CaPin::FirstUse(Arc::clone(&first_use));
    let config = Arc::new(device_client_config(
        &DeviceKey::generate().unwrap(),
        pin,
        Alpn::Client.as_bytes(),
    ));
    let dialer = ClientDialer::new();
    assert_eq!(first_use.seen(), None);
    dialer.dial(&addr(&one), Arc::clone(&config)).await.unwrap();
    let seen = first_use.seen().unwrap();
    assert_eq!((seen.fingerprint, &seen.cluster), (first.ca.fingerprint(), &first.id));
    let error = dialer.dial(&addr(&two), Arc::clone(&config)).await.unwrap_err();
    assert!(matches!(error, DialError::WrongCa { .. }), "{error:?}");
    dialer
        .dial(&addr(&one), config)
        .await
        .expect("the first is still trusted");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_told_as_such() {
    let cluster = Cluster::new();
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    for addr in ["no-port", "name.invalid:7400"] {
        let error = ClientDialer::new().dial(addr, Arc::clone(&config)).await.unwrap_err();
        assert!(
            matches!(error, DialError::Unresolved { .. } | DialError::TimedOut),
            "{addr}: {error:?}"
        );
    }
}

#[tokio::test]
async fn silence_is_a_timeout_long_before_the_idle_timeout() {
    let cluster = Cluster::new();
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    let dialer = ClientDialer::new();
    let addr = silent.local_addr().unwrap().to_string();
    let dial = dialer.dial(&addr, config);
    let error = tokio::time::timeout(Limits::of(Port::Client).idle_timeout / 2, dial)
        .await
        .expect("in time")
        .unwrap_err();
    assert!(matches!(error, DialError::TimedOut), "{error:?}");
}

#[tokio::test]
async fn a_name_with_two_addresses_reaches_the_one_that_answers() {
    let cluster = Cluster::new();
    let mut listener = cluster.listen(1, Port::Client);
    let port = listener.local_addr().unwrap().port();
    let config = cluster.device(&DeviceKey::generate().unwrap(), Alpn::Client);
    ClientDialer::new()
        .dial(&format!("localhost:{port}"), config)
        .await
        .unwrap();
    assert!(within("the connection", listener.accept()).await.is_some());
}
