//! A cluster's identities and ports on loopback.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use quorate_certs::{
    CaPin, ClusterCa, ClusterId, DeviceKey, NodeSecrets, SharedIdentity, device_client_config, peer_client_config,
};
use quorate_core::NodeId;
use quorate_protocol::Frame;
use quorate_transport::{Alpn, ClientDialer, Connection, FrameReceiver, FrameSender, Limits, Listener, Port, Priority};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

/// Far longer than anything here takes: a test that waits so long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(PATIENCE, future).await;
    result.unwrap_or_else(|_| panic!("waited too long for {what}"))
}

pub(crate) struct Cluster {
    pub(crate) id: ClusterId,
    pub(crate) ca: ClusterCa,
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let id = ClusterId::random();
        let ca = ClusterCa::generate(&id).unwrap();
        Self { id, ca }
    }

    pub(crate) fn identity(&self, node: u64) -> SharedIdentity {
        SharedIdentity::new(self.ca.issue_node(&self.id, NodeId(node)).unwrap())
    }

    pub(crate) fn listen(&self, node: u64, port: Port) -> Listener {
        self.listen_with(node, port, Limits::of(port))
    }

    pub(crate) fn listen_with(&self, node: u64, port: Port, limits: Limits) -> Listener {
        Listener::bind(port, loopback(), self.identity(node), &NodeSecrets::random(), limits).unwrap()
    }

    pub(crate) fn pin(&self) -> CaPin {
        CaPin::Pinned(self.ca.fingerprint())
    }

    pub(crate) fn device(&self, key: &DeviceKey, alpn: Alpn) -> Arc<rustls::ClientConfig> {
        Arc::new(device_client_config(key, self.pin(), alpn.as_bytes()))
    }

    /// A node that dials a port as no node of ours would: it takes any server.
    pub(crate) fn reckless_node(&self, node: u64, alpn: Alpn) -> Arc<rustls::ClientConfig> {
        let mut config = peer_client_config(&self.identity(node), alpn.as_bytes());
        config.dangerous().set_certificate_verifier(Arc::new(AnyServer));
        Arc::new(config)
    }

    /// Somebody without a certificate.
    pub(crate) fn nobody(&self, alpn: Alpn) -> Arc<rustls::ClientConfig> {
        let mut config = Arc::unwrap_or_clone(self.reckless_node(1, alpn));
        config.client_auth_cert_resolver = Arc::new(NoCertificate);
        Arc::new(config)
    }

    /// A device that is connected to a listener, seen from both ends.
    pub(crate) async fn connected_device(
        &self,
        listener: &mut Listener,
        dialer: &ClientDialer,
    ) -> (Connection, Connection) {
        let config = self.device(&DeviceKey::generate().unwrap(), Alpn::Client);
        let dialled = dialer.dial(&addr(listener), config).await.unwrap();
        (dialled, within("the connection", listener.accept()).await.unwrap())
    }
}

pub(crate) fn loopback() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

pub(crate) fn addr(listener: &Listener) -> String {
    listener.local_addr().unwrap().to_string()
}

/// A stream between two ends, after its first frame has gone over.
pub(crate) async fn stream(
    from: &Connection,
    to: &Connection,
) -> ((FrameSender, FrameReceiver), (FrameSender, FrameReceiver)) {
    let mut opened = from.open(Priority::Normal).await.unwrap();
    opened.0.send(&Frame::new(1, &b"hello"[..])).await.unwrap();
    let mut accepted = within("the stream", to.accept()).await.unwrap();
    assert_eq!(
        within("the first frame", accepted.1.recv())
            .await
            .unwrap()
            .unwrap()
            .kind,
        1
    );
    (opened, accepted)
}

#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct AnyServer;

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}
