//! What this node says of itself to its peers and to operators.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use quorate_certs::SharedIdentity;
use quorate_core::State;
use quorate_protocol::relay::{Facts, PeerFacts};
use tokio::sync::watch;

use crate::consensus::View;
use crate::relay;
use crate::session::Counters;
use crate::store::Reader;

/// Where the facts come from.
#[derive(Clone)]
pub(super) struct FactSheet {
    pub(super) view: watch::Receiver<View>,
    pub(super) reader: Reader,
    pub(super) identity: SharedIdentity,
    pub(super) counters: Arc<Counters>,
    pub(super) draining: watch::Receiver<bool>,
}

impl FactSheet {
    /// The facts of this moment.
    pub(super) fn now(&self) -> Facts {
        let view = self.view.borrow().clone();
        let peers = view.peers.iter().map(|(node, progress)| PeerFacts {
            node: *node,
            matched: progress.matched,
            last_contact_ms: progress.last_contact.map(|at| millis(at.elapsed())),
        });
        let audit = self.reader.with_state(State::audit);
        Facts {
            call: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            term: view.term,
            last_log: view.last_log.unwrap_or_default(),
            committed: view.committed.unwrap_or_default(),
            applied: self.reader.applied(),
            sessions: self.counters.sessions.load(Ordering::Relaxed),
            // An error would end the daemon where it matters; here the figure is only missing.
            disk_bytes: self.reader.disk_bytes().unwrap_or_default(),
            cert_expires: seconds(self.identity.current().expires_at()),
            draining: *self.draining.borrow(),
            peers: peers.collect(),
            now: relay::now(),
            audit_next: audit.next,
            audit_hash: Some(audit.hash),
        }
    }
}

pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
