//! Which sessions speak from which device, so that they learn of its end.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_core::DeviceId;

use super::hub::Hub;
use super::mailbox::Mailbox;

/// A digest of the device under a key of this process, and the session's number. Far shorter than a
/// device's id; should two devices share a digest, a session looks at the state for nothing.
type Key = (u64, u64);

/// The sessions of a node, 24 bytes for each.
#[derive(Debug, Default)]
pub(super) struct Devices {
    digests: RandomState,
    next: AtomicU64,
    attached: Mutex<BTreeMap<Key, Arc<Mailbox>>>,
}

impl Devices {
    fn digest(&self, device: &DeviceId) -> u64 {
        self.digests.hash_one(device)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Mailbox>>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tell(&self, device: &DeviceId) {
        let digest = self.digest(device);
        let attached = self.lock();
        let sessions = attached.range((digest, 0)..=(digest, u64::MAX));
        sessions.for_each(|(_, mailbox)| mailbox.unbind());
    }

    pub(super) fn sessions(&self, device: &DeviceId) -> u32 {
        let digest = self.digest(device);
        let count = self.lock().range((digest, 0)..=(digest, u64::MAX)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    pub(super) fn tell_all(&self) {
        self.lock().values().for_each(|mailbox| mailbox.unbind());
    }
}

/// A session's place among those of its device. Dropped, it is told no more.
#[derive(Debug)]
pub struct Attached {
    hub: Arc<Hub>,
    key: Key,
}

impl Attached {
    pub(super) fn new(hub: Arc<Hub>, device: &DeviceId, mailbox: &Arc<Mailbox>) -> Self {
        let devices = hub.devices();
        let key = (devices.digest(device), devices.next.fetch_add(1, Ordering::Relaxed));
        devices.lock().insert(key, Arc::clone(mailbox));
        Self { hub, key }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.hub.devices().lock().remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    const DEVICE: DeviceId = DeviceId([7; 32]);

    fn attach(hub: &Arc<Hub>, device: u8) -> (Arc<Mailbox>, Attached) {
        let mailbox = Arc::new(Mailbox::default());
        let attached = hub.attach(&DeviceId([device; 32]), &mailbox);
        (mailbox, attached)
    }

    fn is_told(mailbox: &Mailbox) -> bool {
        mailbox.unbound().now_or_never().is_some()
    }

    #[test]
    fn every_session_of_the_device_is_told_and_no_other() {
        let hub: Arc<Hub> = Arc::default();
        let (one, _one) = attach(&hub, 7);
        let (two, _two) = attach(&hub, 7);
        let (other, _other) = attach(&hub, 8);
        hub.unbound(&[DEVICE]);
        assert!(is_told(&one) && is_told(&two));
        assert!(!is_told(&other));
    }

    #[test]
    fn sessions_of_a_device_are_counted_while_they_are_there() {
        let hub: Arc<Hub> = Arc::default();
        let (_, one) = attach(&hub, 7);
        let (_, _two) = attach(&hub, 7);
        let (_, _other) = attach(&hub, 8);
        assert_eq!(hub.sessions_of(&DEVICE), 2);
        drop(one);
        assert_eq!(hub.sessions_of(&DEVICE), 1);
        assert_eq!(hub.sessions_of(&DeviceId([9; 32])), 0);
    }

    #[test]
    fn what_was_told_stays_until_it_is_taken_and_is_taken_once() {
        let hub: Arc<Hub> = Arc::default();
        let (mailbox, _attached) = attach(&hub, 7);
        hub.unbound(&[DEVICE, DEVICE]);
        assert!(is_told(&mailbox));
        assert!(!is_told(&mailbox));
    }

    #[tokio::test]
    async fn a_wait_that_was_given_up_loses_nothing() {
        let hub: Arc<Hub> = Arc::default();
        let (mailbox, _attached) = attach(&hub, 7);
        let mut waiting = Box::pin(mailbox.unbound());
        assert!(waiting.as_mut().now_or_never().is_none());
        hub.unbound(&[DEVICE]);
        drop(waiting);
        assert!(is_told(&mailbox));
    }

    #[tokio::test]
    async fn waiting_for_feeds_does_not_take_what_is_told_of_the_device() {
        let hub: Arc<Hub> = Arc::default();
        let (mailbox, _attached) = attach(&hub, 7);
        hub.unbound(&[DEVICE]);
        assert!(mailbox.woken().now_or_never().is_none());
        assert!(is_told(&mailbox));
    }

    #[test]
    fn a_session_that_is_gone_is_kept_nowhere() {
        let hub: Arc<Hub> = Arc::default();
        let (mailbox, attached) = attach(&hub, 7);
        drop(attached);
        hub.unbound(&[DEVICE]);
        assert!(!is_told(&mailbox));
        assert!(hub.devices().lock().is_empty());
        assert_eq!(Arc::strong_count(&mailbox), 1);
    }

    #[test]
    fn a_snapshot_makes_every_session_look() {
        let hub: Arc<Hub> = Arc::default();
        let (one, _one) = attach(&hub, 7);
        let (other, _other) = attach(&hub, 8);
        hub.replaced();
        assert!(is_told(&one) && is_told(&other));
    }
}
