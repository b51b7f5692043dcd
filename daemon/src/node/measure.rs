//! What this node measures of itself, for operators and for the other nodes.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_certs::SharedIdentity;
use quorate_protocol::vitals::{Socket, Vitals};
use quorate_transport::ListenerHandle;
use tokio::time::Instant;

use super::udp;
use crate::admin::ProcessNumbers;
use crate::meter::Counted;
use crate::relay::{self, Relay};
use crate::session::Counters;
use crate::store::LogStore;

/// Looks that are "of late": with one every five seconds, a minute.
const RECENT_MAX: usize = 12;

/// Where the numbers come from.
pub(super) struct Measure {
    pub(super) began: Instant,
    pub(super) data_dir: PathBuf,
    pub(super) log: LogStore,
    pub(super) counters: Arc<Counters>,
    pub(super) relay: Arc<Relay>,
    pub(super) identity: SharedIdentity,
    /// Under the names of their ports.
    pub(super) sockets: [(&'static str, ListenerHandle); 2],
    pub(super) looked: Mutex<Looked>,
}

/// What the last looks found.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// The syncs of the log up to each look, the oldest first.
    syncs: VecDeque<Counted>,
    disk: Option<Disk>,
    process: ProcessNumbers,
    dropped: [Option<u64>; 2],
}

#[derive(Clone, Copy, Debug)]
struct Disk {
    free_bytes: u64,
    size_bytes: u64,
}

impl Measure {
    /// Looks at what only the system knows. Blocks, and for long where the disk hangs.
    pub(super) fn look(&self) {
        let disk = rustix::fs::statvfs(&self.data_dir).ok().map(|found| Disk {
            // What others than root may use.
            free_bytes: found.f_bavail.saturating_mul(found.f_frsize),
            size_bytes: found.f_blocks.saturating_mul(found.f_frsize),
        });
        let process = ProcessNumbers::read();
        let drops = udp::drops();
        let dropped = self.sockets.each_ref().map(|(_, socket)| {
            let addr = socket.local_addr().ok()?;
            drops.as_ref().map(|drops| udp::of_port(drops, addr.port()))
        });
        let syncs = self.log.stats().read().durations;
        let mut looked = self.looked();
        if looked.syncs.len() == RECENT_MAX {
            looked.syncs.pop_front();
        }
        looked.syncs.push_back(syncs);
        (looked.disk, looked.process, looked.dropped) = (disk, process, dropped);
    }

    /// All numbers, as of now or of the last look. Waits for nothing.
    pub(super) fn vitals(&self) -> Vitals {
        let load = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let looked = self.looked();
        let bytes = |bytes: usize| u64::try_from(bytes).unwrap_or(u64::MAX);
        let sockets = self
            .sockets
            .iter()
            .zip(looked.dropped)
            .map(|((port, socket), dropped)| {
                let buffers = socket.buffers();
                Socket {
                    port: (*port).to_owned(),
                    asked_bytes: bytes(buffers.asked),
                    receive_bytes: bytes(buffers.receive),
                    send_bytes: bytes(buffers.send),
                    dropped,
                }
            });
        let log = self.log.stats().read();
        Vitals {
            call: 0,
            now: relay::now(),
            uptime_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            posts: self.counters.post_commit.read().count(),
            syncs: log.commits,
            delivered: load(&self.counters.delivered),
            rate_limited: load(&self.counters.rate_limited),
            queued: bytes(self.relay.waiting()),
            fsync_p99_us: p99_us(&log.durations, &looked.syncs),
            disk_free_bytes: looked.disk.map(|disk| disk.free_bytes),
            disk_size_bytes: looked.disk.map(|disk| disk.size_bytes),
            open_fds: looked.process.open_fds,
            max_fds: looked.process.max_fds,
            resident_bytes: looked.process.resident_bytes,
            sockets: sockets.collect(),
            ca: Some(self.identity.current().ca_fingerprint().to_string()),
        }
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of the syncs since the oldest look; where there were none since, of all.
fn p99_us(now: &Counted, looks: &VecDeque<Counted>) -> Option<u64> {
    let recent = looks
        .front()
        .map(|oldest| now.since(oldest))
        .filter(|recent| recent.count() > 0);
    let seconds = recent.unwrap_or(*now).quantile_seconds(0.99)?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturates, as infinity should"
    )]
    let micros = (seconds * 1e6) as u64;
    Some(micros)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::meter::Durations;

    #[test]
    fn a_slow_start_is_forgotten_once_it_is_not_of_late() {
        let durations = Durations::default();
        assert_eq!(p99_us(&durations.read(), &VecDeque::new()), None);
        durations.count(Duration::from_millis(400));
        assert_eq!(p99_us(&durations.read(), &VecDeque::new()), Some(512_000));
        let looks = VecDeque::from([durations.read()]);
        assert_eq!(
            p99_us(&durations.read(), &looks),
            Some(512_000),
            "nothing newer is known"
        );
        durations.count(Duration::from_micros(900));
        assert_eq!(p99_us(&durations.read(), &looks), Some(1000));
    }
}
