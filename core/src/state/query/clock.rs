//! Where the state stands.

use crate::{EventNo, Settings, State, StateHash, Timestamp};

impl State {
    /// Log time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now
    }

    /// The chain over all events, and the last entry applied.
    #[must_use]
    pub fn hash(&self) -> StateHash {
        self.clock.hash
    }

    /// The number that the next room event will have.
    #[must_use]
    pub fn next_event(&self) -> EventNo {
        self.clock.next_event
    }

    /// What holds for the whole cluster.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.settings.unwrap_or_default()
    }
}
