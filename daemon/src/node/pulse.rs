//! Feels this node's pulse and the others': measures, asks, keeps what was heard last, and notes what has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::future::join_all;
use quorate_adminapi::{CLOCK_DIFFERENCE_MAX_MS, EXPIRES_SOON, EventKind, UtcTime, coarse};
use quorate_certs::SharedIdentity;
use quorate_core::NodeId;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::measure::Measure;
use crate::chronicle::Chronicle;
use crate::consensus::View;
use crate::peer::Links;
use crate::relay::{Heard, ask_vitals};

/// How often. A node costs one question to each other one.
const PERIOD: Duration = Duration::from_secs(5);
/// A node that did not answer so many times in a row is down: one answer may get lost.
const MISSES_MAX: u32 = 2;
/// Submissions that wait when a node is overloaded: an eighth of their queue, and more than four batches.
const QUEUED_MAX: u64 = 1024;
/// Half of them: it must have got better, not only less bad.
const QUEUED_RELIEF: u64 = QUEUED_MAX / 2;
/// Syncs of the log that are so slow hold everybody up.
const FSYNC_SLOW_US: u64 = 256_000;

/// What was heard, and where it is noted.
pub(super) struct Pulse {
    pub(super) node: NodeId,
    pub(super) measure: Arc<Measure>,
    pub(super) links: Arc<Links>,
    pub(super) view: watch::Receiver<View>,
    pub(super) identity: SharedIdentity,
    pub(super) chronicle: Arc<Chronicle>,
    pub(super) heard: Mutex<BTreeMap<NodeId, Option<Heard>>>,
}

impl Pulse {
    /// What every other member answered last; none if it did not answer.
    pub(super) fn heard(&self) -> BTreeMap<NodeId, Option<Heard>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks every other member now.
    pub(super) async fn ask(&self) -> BTreeMap<NodeId, Option<Heard>> {
        let others: Vec<NodeId> = {
            let view = self.view.borrow();
            view.members.keys().copied().filter(|id| *id != self.node).collect()
        };
        let asked = others
            .into_iter()
            .map(|id| async move { (id, ask_vitals(&self.links, id).await) });
        join_all(asked).await.into_iter().collect()
    }

    /// Goes on for as long as there is Raft.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut changes = Changes::new(self.identity.current().expires_at().into());
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = ended(self.view.clone()) => return,
            }
            let measure = Arc::clone(&self.measure);
            // It is not cut off by the end of this task, and takes nothing with it.
            let _ = tokio::task::spawn_blocking(move || measure.look()).await;
            let heard = self.ask().await;
            let own = self.measure.vitals();
            let mut noted = changes.of_peers(&heard);
            noted.extend(changes.of_load(self.node, own.queued, own.fsync_p99_us));
            let now = UtcTime::from(SystemTime::now());
            noted.extend(changes.of_certificate(self.node, self.identity.current().expires_at().into(), now));
            *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = heard;
            for (kind, node, text) in noted {
                self.chronicle.note(kind, node, text);
            }
        }
    }
}

async fn ended(mut view: watch::Receiver<View>) {
    while view.changed().await.is_ok() {}
}

type Noted = Vec<(EventKind, NodeId, String)>;

/// Tells what has changed from one round to the next.
struct Changes {
    misses: BTreeMap<NodeId, u32>,
    wrong_clocks: BTreeSet<NodeId>,
    overloaded: bool,
    slow: bool,
    cert_expires: UtcTime,
    expiry_told: bool,
}

impl Changes {
    fn new(cert_expires: UtcTime) -> Self {
        Self {
            misses: BTreeMap::new(),
            wrong_clocks: BTreeSet::new(),
            overloaded: false,
            slow: false,
            cert_expires,
            expiry_told: false,
        }
    }

    fn of_peers(&mut self, heard: &BTreeMap<NodeId, Option<Heard>>) -> Noted {
        let mut noted = Vec::new();
        self.misses.retain(|node, _| heard.contains_key(node));
        for (node, answer) in heard {
            let misses = self.misses.entry(*node).or_default();
            match answer {
                None => {
                    *misses = misses.saturating_add(1);
                    if *misses == MISSES_MAX {
                        noted.push((EventKind::PeerDown, *node, format!("n{node} does not answer")));
                    }
                }
                Some(answer) => {
                    if std::mem::take(misses) >= MISSES_MAX {
                        noted.push((EventKind::PeerUp, *node, format!("n{node} answers again")));
                    }
                    noted.extend(self.of_clock(*node, answer.clock_ahead_ms, answer.took));
                }
            }
        }
        noted
    }

    fn of_clock(&mut self, node: NodeId, ahead_ms: i64, took: Duration) -> Option<(EventKind, NodeId, String)> {
        let doubt = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let is_wrong = ahead_ms.unsigned_abs().saturating_sub(doubt) > CLOCK_DIFFERENCE_MAX_MS;
        let was_wrong = self.wrong_clocks.contains(&node);
        if is_wrong == was_wrong {
            return None;
        }
        let text = if is_wrong {
            self.wrong_clocks.insert(node);
            format!("the clock of n{node} differs from this node's by {ahead_ms} ms")
        } else {
            self.wrong_clocks.remove(&node);
            format!("the clock of n{node} agrees with this node's again")
        };
        Some((EventKind::Clock, node, text))
    }

    fn of_load(&mut self, node: NodeId, queued: u64, fsync_p99_us: Option<u64>) -> Noted {
        let mut noted = Vec::new();
        if !self.overloaded && queued > QUEUED_MAX {
            self.overloaded = true;
            noted.push((
                EventKind::Overload,
                node,
                format!("{queued} writes wait for their turn"),
            ));
        } else if self.overloaded && queued < QUEUED_RELIEF {
            self.overloaded = false;
            noted.push((EventKind::Relief, node, "writes do not wait any more".to_owned()));
        }
        let fsync = fsync_p99_us.unwrap_or_default();
        if !self.slow && fsync > FSYNC_SLOW_US {
            self.slow = true;
            let text = format!("the disk is slow: syncs of the log take up to {} ms", fsync / 1000);
            noted.push((EventKind::Overload, node, text));
        } else if self.slow && fsync <= FSYNC_SLOW_US / 2 {
            self.slow = false;
            noted.push((EventKind::Relief, node, "the disk is fast again".to_owned()));
        }
        noted
    }

    fn of_certificate(&mut self, node: NodeId, expires: UtcTime, now: UtcTime) -> Noted {
        if expires != self.cert_expires {
            (self.cert_expires, self.expiry_told) = (expires, false);
            let text = format!("another certificate is in use, until {expires}");
            return vec![(EventKind::Certificate, node, text)];
        }
        let left = expires.after(now).unwrap_or_default();
        if left < EXPIRES_SOON && !std::mem::replace(&mut self.expiry_told, true) {
            let text = format!(
                "the certificate should have been renewed: it is good for {}",
                coarse(left)
            );
            return vec![(EventKind::Certificate, node, text)];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use quorate_protocol::vitals::Vitals;
    use quorate_transport::LinkStats;

    use super::*;

    const DAY_MS: u64 = 86_400_000;

    fn changes() -> Changes {
        Changes::new(UtcTime::from_unix_ms(30 * DAY_MS))
    }

    fn answer(clock_ahead_ms: i64) -> Option<Heard> {
        Some(Heard {
            vitals: Vitals::default(),
            clock_ahead_ms,
            took: Duration::from_millis(10),
            link: LinkStats {
                rtt: Duration::from_millis(1),
                lost_packets: 0,
                sent_packets: 0,
                mtu_bytes: 1452,
            },
        })
    }

    fn round(changes: &mut Changes, answer: Option<Heard>) -> Vec<EventKind> {
        let heard = BTreeMap::from([(NodeId(2), answer)]);
        changes.of_peers(&heard).into_iter().map(|(kind, ..)| kind).collect()
    }

    #[test]
    fn a_node_is_down_when_it_is_silent_twice_and_up_when_it_speaks() {
        let mut changes = changes();
        assert_eq!(
            round(&mut changes, answer(0)),
            [],
            "a node that was always there is no news"
        );
        assert_eq!(round(&mut changes, None), []);
        assert_eq!(round(&mut changes, None), [EventKind::PeerDown]);
        assert_eq!(round(&mut changes, None), []);
        assert_eq!(round(&mut changes, answer(0)), [EventKind::PeerUp]);
        assert_eq!(round(&mut changes, None), []);
        assert_eq!(round(&mut changes, answer(0)), []);
    }

    #[test]
    fn a_wrong_clock_is_told_once_and_so_is_its_end() {
        let mut changes = changes();
        assert_eq!(round(&mut changes, answer(-5000)), [EventKind::Clock]);
        assert_eq!(round(&mut changes, answer(-6000)), []);
        assert_eq!(
            round(&mut changes, answer(1005)),
            [EventKind::Clock],
            "the way may have taken as long"
        );
        assert_eq!(round(&mut changes, answer(5)), []);
    }

    #[test]
    fn an_overload_ends_when_it_is_well_below_where_it_began() {
        let mut changes = changes();
        let mut round = |queued, fsync| {
            let noted = changes.of_load(NodeId(1), queued, Some(fsync));
            noted.into_iter().map(|(kind, ..)| kind).collect::<Vec<_>>()
        };
        assert_eq!(round(QUEUED_MAX, 1000), []);
        assert_eq!(round(QUEUED_MAX + 1, 1000), [EventKind::Overload]);
        assert_eq!(round(QUEUED_MAX - 1, 1000), []);
        assert_eq!(round(0, 512_000), [EventKind::Relief, EventKind::Overload]);
        assert_eq!(round(0, 256_000), []);
        assert_eq!(round(0, 128_000), [EventKind::Relief]);
    }

    #[test]
    fn a_new_certificate_is_told_and_one_that_was_not_renewed() {
        let mut changes = changes();
        let mut told = |expires: u64, now: u64| {
            let (expires, now) = (UtcTime::from_unix_ms(expires), UtcTime::from_unix_ms(now));
            changes.of_certificate(NodeId(1), expires, now).len()
        };
        assert_eq!(told(30 * DAY_MS, 0), 0);
        assert_eq!(told(30 * DAY_MS, 24 * DAY_MS), 1);
        assert_eq!(told(30 * DAY_MS, 25 * DAY_MS), 0, "once is enough");
        assert_eq!(told(60 * DAY_MS, 25 * DAY_MS), 1);
        assert_eq!(told(60 * DAY_MS, 25 * DAY_MS), 0);
    }
}
