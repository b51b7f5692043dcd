//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Between two looks. A look at a daemon costs a process of its own, so this is not the finest.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// The first answer of `look`, or `None` after the deadline. Looks at least once.
pub fn poll<T>(deadline: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + deadline;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= until {
            return None;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// The first answer of `look`.
///
/// # Panics
/// There is none by the deadline; `what` says what was waited for.
pub fn until<T>(what: &str, deadline: Duration, look: impl FnMut() -> Option<T>) -> T {
    poll(deadline, look).unwrap_or_else(|| panic!("waited {deadline:?} in vain: {what}"))
}
