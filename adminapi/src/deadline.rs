//! How long a caller waits, and what of it the daemon has for its answer.

use std::time::Duration;

/// The header of a request in which its caller says how long it waits, in whole milliseconds.
pub const TIMEOUT_HEADER: &str = "quorate-timeout-ms";
/// The longest wait that the daemon goes by: so long lives a connection to the admin socket.
pub const TIMEOUT_MAX: Duration = Duration::from_secs(10 * 60);
/// What is left for the answer to come back before the caller has gone, on a machine under load too.
const MARGIN: Duration = Duration::from_secs(2);

/// How long a daemon may take for the answer to a caller that waits so long.
#[must_use]
pub fn answer_within(timeout: Duration) -> Duration {
    timeout.min(TIMEOUT_MAX).saturating_sub(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_comes_before_the_caller_has_gone() {
        for (timeout, within) in [(1, 0), (10, 8), (60, 58)] {
            assert_eq!(
                answer_within(Duration::from_secs(timeout)),
                Duration::from_secs(within),
                "{timeout}"
            );
        }
    }

    #[test]
    fn nobody_makes_the_daemon_work_for_ever() {
        assert!(answer_within(Duration::MAX) < TIMEOUT_MAX);
    }
}
