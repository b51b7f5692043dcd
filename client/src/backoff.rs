//! How long to wait before the next attempt: anything up to a bound that doubles ("full jitter"), so that thousands of
//! clients that lost the same node do not come back at once.

use std::time::Duration;

use rand::Rng;

/// The bound of the first wait before nodes are dialled anew.
const FIRST: Duration = Duration::from_millis(200);
/// The bound of the first wait before a node is asked again: often it is behind by an apply.
const FIRST_ASKING: Duration = Duration::from_millis(20);
/// No wait is longer.
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    bound: Duration,
}

impl Backoff {
    /// For dialling.
    pub(crate) fn new() -> Self {
        Self {
            first: FIRST,
            bound: FIRST,
        }
    }

    /// For asking a node again.
    pub(crate) fn of_asking() -> Self {
        Self {
            first: FIRST_ASKING,
            bound: FIRST_ASKING,
        }
    }

    pub(crate) fn reset(&mut self) {
        self.bound = self.first;
    }

    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound;
        self.bound = (bound * 2).min(LONGEST);
        rand::rng().random_range(Duration::ZERO..=bound)
    }

    pub(crate) async fn wait(&mut self) {
        let wait = self.next();
        tokio::time::sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_is_longer_than_two_seconds() {
        let mut backoff = Backoff::new();
        assert!(backoff.next() <= FIRST);
        assert!((0..1000).all(|_| backoff.next() <= LONGEST));
    }
}
