//! A clock that only orders: what was stamped later happened later, over all threads of the test.

use std::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(1);

/// When something was sent or seen, in the order of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// After every moment that was taken before.
    #[must_use]
    pub fn now() -> Self {
        Self(NEXT.fetch_add(1, Ordering::SeqCst))
    }
}
