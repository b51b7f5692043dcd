//! An operator's wish that a lower id leads. It holds until that node stops leading, or until it is taken back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

/// A node that was asked to lead and to stay must lead within this time, or the wish is void.
const LEAD_DEADLINE: Duration = Duration::from_secs(10);

/// The wish, on both ends: the leader says it with the transfer, and the next leader keeps it.
#[derive(Debug, Default)]
pub(crate) struct Stay {
    /// What the transfer that this node sends out says.
    outgoing: AtomicBool,
    held: Mutex<Option<Held>>,
}

#[derive(Debug)]
struct Held {
    since: Instant,
    led: bool,
}

impl Stay {
    /// What the next transfers say.
    pub(crate) fn set_outgoing(&self, stay: bool) {
        self.outgoing.store(stay, Ordering::Relaxed);
    }

    pub(crate) fn outgoing(&self) -> bool {
        self.outgoing.load(Ordering::Relaxed)
    }

    /// This node is to lead and to stay.
    pub(crate) fn ask(&self, now: Instant) {
        *self.held() = Some(Held { since: now, led: false });
    }

    /// The wish is taken back.
    pub(crate) fn release(&self) {
        *self.held() = None;
    }

    /// Whether this node is to keep leadership, given whether it leads now.
    pub(crate) fn holds(&self, leads: bool, now: Instant) -> bool {
        let mut held = self.held();
        let Some(wish) = held.as_mut() else { return false };
        let over = if wish.led {
            !leads
        } else {
            !leads && now.saturating_duration_since(wish.since) > LEAD_DEADLINE
        };
        wish.led |= leads;
        if over {
            *held = None;
        }
        !over
    }

    fn held(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().expect("nothing panics while it holds this lock")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_until_the_node_stops_leading() {
        let (stay, now) = (Stay::default(), Instant::now());
        assert!(!stay.holds(true, now), "nobody has asked");
        stay.ask(now);
        assert!(stay.holds(false, now), "leadership is on its way");
        assert!(stay.holds(true, now + LEAD_DEADLINE * 100));
        assert!(!stay.holds(false, now + LEAD_DEADLINE * 101), "it no longer leads");
        assert!(
            !stay.holds(true, now + LEAD_DEADLINE * 102),
            "and the wish is gone with that"
        );
    }

    #[test]
    fn it_is_void_if_the_node_never_leads() {
        let (stay, now) = (Stay::default(), Instant::now());
        stay.ask(now);
        assert!(!stay.holds(false, now + LEAD_DEADLINE * 2));
        assert!(!stay.holds(true, now + LEAD_DEADLINE * 2));
    }
}
