//! A session's list of feeds that have something to pull, and the bell for its device.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// One for each session. Holds at most one entry for each of its feeds, so it is bounded by the
/// session's subscriptions.
#[derive(Debug, Default)]
pub struct Mailbox {
    woken: Mutex<Vec<u32>>,
    notify: Notify,
    /// A permit in it is the news itself, and stays until it is taken.
    unbound: Notify,
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

    /// Waits until the device that this mailbox is attached for ([`super::Hub::attach`]) speaks for
    /// nobody any more, or for another user, or may do so: who is told looks at the state, which has
    /// it already. Cancel-safe: what is not taken stays. Told several times, it is taken once.
    pub async fn unbound(&self) {
        self.unbound.notified().await;
    }

    pub(super) fn unbind(&self) {
        self.unbound.notify_one();
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
