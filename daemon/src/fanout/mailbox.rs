//! A session's list of feeds that have something to pull.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// One for each session. Holds at most one entry for each of its feeds, so it is bounded by the
/// session's subscriptions.
#[derive(Debug, Default)]
pub struct Mailbox {
    woken: Mutex<Vec<u32>>,
    notify: Notify,
}

impl Mailbox {
    /// Waits until a feed has something, and takes the feeds that have. Cancel-safe: what is not
    /// taken stays.
    pub async fn woken(&self) -> Vec<u32> {
        loop {
            let woken = std::mem::take(&mut *self.lock());
            if !woken.is_empty() {
                return woken;
            }
            self.notify.notified().await;
        }
    }

    /// The feed has something. The caller sees to it that no feed is in here twice.
    pub(super) fn wake(&self, feed: u32) {
        self.lock().push(feed);
        self.notify.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u32>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
