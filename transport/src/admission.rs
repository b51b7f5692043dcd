//! Counts who is connected from where, and says no in time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::limits::Limits;

/// Handshakes under way from which on a newcomer must first show that its address is its own (RFC 9000, section 8.1.2).
/// Only then: it costs a round trip.
const RETRY_ABOVE_HALF_OPEN: usize = 512;

/// The addresses that count as one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Source(IpAddr);

impl Source {
    fn of(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into()),
            v4 => v4,
        })
    }
}

#[derive(Debug)]
struct Counts {
    limits: Limits,
    draining: bool,
    sessions: usize,
    half_open: usize,
    by_source: HashMap<Source, usize>,
}

/// The counts of one listener. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Admission(Arc<Mutex<Counts>>);

impl Admission {
    pub(crate) fn new(limits: Limits) -> Self {
        let counts = Counts {
            limits,
            draining: false,
            sessions: 0,
            half_open: 0,
            by_source: HashMap::new(),
        };
        Self(Arc::new(Mutex::new(counts)))
    }

    /// Room for one more from this address, or not.
    pub(crate) fn admit(&self, ip: IpAddr) -> Option<(Slot, HalfOpen)> {
        let source = Source::of(ip);
        let mut counts = self.counts();
        let limits = counts.limits;
        let from_source = counts.by_source.get(&source).copied().unwrap_or(0);
        let full = counts.draining
            || counts.sessions >= limits.sessions_max
            || counts.half_open >= limits.half_open_max
            || (limits.sessions_per_address > 0 && from_source >= limits.sessions_per_address);
        if full {
            return None;
        }
        counts.sessions += 1;
        counts.half_open += 1;
        counts.by_source.insert(source, from_source + 1);
        Some((
            Slot {
                admission: self.clone(),
                source,
            },
            HalfOpen(self.clone()),
        ))
    }

    pub(crate) fn wants_proof_of_address(&self) -> bool {
        self.counts().half_open > RETRY_ABOVE_HALF_OPEN
    }

    pub(crate) fn set_sessions_per_address(&self, sessions: usize) {
        self.counts().limits.sessions_per_address = sessions;
    }

    pub(crate) fn set_sessions_max(&self, sessions: usize) {
        self.counts().limits.sessions_max = sessions;
    }

    pub(crate) fn drain(&self) {
        self.counts().draining = true;
    }

    pub(crate) fn sessions(&self) -> usize {
        self.counts().sessions
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    admission: Admission,
    source: Source,
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.admission.counts();
        counts.sessions -= 1;
        if let Some(from_source) = counts.by_source.get_mut(&self.source) {
            *from_source -= 1;
            if *from_source == 0 {
                counts.by_source.remove(&self.source);
            }
        }
    }
}

/// One handshake under way, over when dropped.
#[derive(Debug)]
pub(crate) struct HalfOpen(Admission);

impl Drop for HalfOpen {
    fn drop(&mut self) {
        self.0.counts().half_open -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authorise::Port;

    fn admission(change: impl FnOnce(&mut Limits)) -> Admission {
        let mut limits = Limits::of(Port::Client);
        change(&mut limits);
        Admission::new(limits)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_has_so_many_and_others_are_not_touched_by_that() {
        let admission = admission(|limits| limits.sessions_per_address = 2);
        let one = admission.admit(ip("192.0.2.1"));
        let two = admission.admit(ip("::ffff:192.0.2.1"));
        assert!(one.is_some() && two.is_some());
        assert!(admission.admit(ip("192.0.2.1")).is_none());
        assert!(admission.admit(ip("192.0.2.2")).is_some());
        drop(one);
        assert!(admission.admit(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn a_v6_customer_counts_as_one() {
        let admission = admission(|limits| limits.sessions_per_address = 1);
        let _one = admission.admit(ip("2001:db8::1")).unwrap();
        assert!(admission.admit(ip("2001:db8::2")).is_none());
        assert!(admission.admit(ip("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn the_limit_an_address_has_can_be_changed_and_lifted() {
        let admission = admission(|limits| limits.sessions_per_address = 1);
        let _one = admission.admit(ip("192.0.2.1")).unwrap();
        assert!(admission.admit(ip("192.0.2.1")).is_none());
        admission.set_sessions_per_address(0);
        assert!(admission.admit(ip("192.0.2.1")).is_some());
    }

    #[test]
    fn handshakes_and_sessions_have_limits_of_their_own() {
        let admission = admission(|limits| (limits.half_open_max, limits.sessions_max) = (1, 2));
        let (_slot, half_open) = admission.admit(ip("192.0.2.1")).unwrap();
        assert!(admission.admit(ip("192.0.2.2")).is_none());
        drop(half_open);
        let (_other, half_open) = admission.admit(ip("192.0.2.2")).unwrap();
        drop(half_open);
        assert!(admission.admit(ip("192.0.2.3")).is_none());
        assert_eq!(admission.sessions(), 2);
    }

    #[test]
    fn nothing_is_kept_of_those_who_left() {
        let admission = admission(|_| {});
        drop(admission.admit(ip("192.0.2.1")));
        let counts = admission.counts();
        assert_eq!((counts.sessions, counts.half_open, counts.by_source.len()), (0, 0, 0));
    }

    #[test]
    fn a_draining_listener_admits_nobody() {
        let admission = admission(|_| {});
        admission.drain();
        assert!(admission.admit(ip("192.0.2.1")).is_none());
    }
}
