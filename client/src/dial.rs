//! Finds a node that answers. Dials are hedged: the next one begins a moment after the one before, which goes on.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use quorate_certs::{CaFingerprint, CaPin, DeviceKey, FirstUse, device_client_config};
use quorate_core::NodeId;
use quorate_transport::{Alpn, ClientDialer, CloseCode, DialError};
use tokio::time::{Instant, sleep_until};

use crate::bar::Bar;
use crate::link::{HelloError, Link, Spare};
use crate::seen::Seen;

/// Between the beginnings of two dials.
const NEXT_DIAL: Duration = Duration::from_millis(300);
/// A node that knows no leader is taken when no better one has been found for so long.
const FALLBACK_AFTER: Duration = Duration::from_millis(600);

/// Dials as this device. Cheap to clone; clones share the socket.
#[derive(Clone, Debug)]
pub(crate) struct Dialler {
    endpoint: ClientDialer,
    tls: Arc<rustls::ClientConfig>,
    first_use: Option<Arc<FirstUse>>,
}

/// Which node is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// One that knows a leader, or else any.
    Any,
    /// One that knows a leader, and is not this one.
    LedBesides(NodeId),
    /// Any but this one.
    AnyBesides(NodeId),
}

/// Nobody was found.
#[derive(Debug, Default)]
pub(crate) struct NobodyFound {
    /// A server was refused for its certificate, and why.
    pub(crate) untrusted: Option<String>,
    /// A node does not let this device in.
    pub(crate) bar: Option<Bar>,
    /// What the last one said.
    pub(crate) cause: Option<String>,
}

impl Dialler {
    pub(crate) fn new(key: &DeviceKey, ca: Option<CaFingerprint>) -> Self {
        let first_use = ca.is_none().then(FirstUse::new);
        let pin = match (ca, &first_use) {
            (Some(ca), _) => CaPin::Pinned(ca),
            (None, Some(first_use)) => CaPin::FirstUse(Arc::clone(first_use)),
            (None, None) => unreachable!("one of the two is there"),
        };
        Self {
            endpoint: ClientDialer::new(),
            tls: Arc::new(device_client_config(key, pin, Alpn::Client.as_bytes())),
            first_use,
        }
    }

    /// The CA that was trusted on first use, if one was.
    pub(crate) fn first_met(&self) -> Option<CaFingerprint> {
        Some(self.first_use.as_ref()?.seen()?.fingerprint)
    }

    /// Closes all sessions that were dialled here.
    pub(crate) async fn close(&self) {
        self.endpoint.close(CloseCode::Ok).await;
    }

    /// One round through these addresses.
    pub(crate) async fn find(&self, addrs: Vec<String>, wanted: Wanted, seen: Arc<Seen>) -> Result<Link, NobodyFound> {
        let mut left = addrs.into_iter();
        let mut dials = FuturesUnordered::new();
        let mut nobody = NobodyFound::default();
        let mut fallback: Option<Spare> = None;
        let mut next_at = Instant::now();
        let mut settle_at = next_at;
        let mut more = true;
        loop {
            if more && (dials.is_empty() || Instant::now() >= next_at) {
                match left.next() {
                    Some(addr) => dials.push(self.dial(addr, &seen)),
                    None => more = false,
                }
                next_at = Instant::now() + NEXT_DIAL;
            }
            let done = tokio::select! {
                done = dials.next(), if !dials.is_empty() => done,
                () = sleep_until(next_at), if more => continue,
                () = sleep_until(settle_at), if fallback.is_some() => None,
                else => return fallback.and_then(Spare::take).ok_or(nobody),
            };
            if fallback.is_some() && Instant::now() >= settle_at && done.is_none() {
                return fallback.and_then(Spare::take).ok_or(nobody);
            }
            match done {
                Some(Ok(link)) => {
                    let led = link.welcome().leader.is_some();
                    match wanted {
                        Wanted::Any | Wanted::AnyBesides(_) if !led && fallback.is_none() && wanted.allows(&link) => {
                            fallback = Some(Spare::new(link));
                            settle_at = Instant::now() + FALLBACK_AFTER;
                        }
                        _ if led && wanted.allows(&link) => return Ok(link),
                        _ => link.close(),
                    }
                    next_at = Instant::now();
                }
                Some(Err(failed)) => {
                    tracing::debug!(cause = %failed.cause, "a dial failed");
                    if failed.untrusted {
                        nobody.untrusted = Some(failed.cause.clone());
                    }
                    nobody.bar = failed.bar.or(nobody.bar);
                    nobody.cause = Some(failed.cause);
                    next_at = Instant::now();
                }
                None => {}
            }
        }
    }

    async fn dial(&self, addr: String, seen: &Arc<Seen>) -> Result<Link, DialFailed> {
        let connection = self
            .endpoint
            .dial(&addr, Arc::clone(&self.tls))
            .await
            .map_err(|error| DialFailed {
                untrusted: matches!(error, DialError::WrongCa { .. }),
                bar: None,
                cause: format!("{addr}: {error}"),
            })?;
        Link::open(connection, &addr, seen).await.map_err(|error| DialFailed {
            untrusted: false,
            bar: match error {
                HelloError::Barred(bar) => Some(bar),
                _ => None,
            },
            cause: format!("{addr}: {error}"),
        })
    }
}

impl Wanted {
    fn allows(self, link: &Link) -> bool {
        match self {
            Self::Any => true,
            Self::LedBesides(node) | Self::AnyBesides(node) => link.node() != node,
        }
    }
}

struct DialFailed {
    untrusted: bool,
    bar: Option<Bar>,
    cause: String,
}
