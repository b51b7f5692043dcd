//! The whole interface: an entry in, an outcome and events out.

use crate::{Applied, Command, Entry, Event, LogIndex, Outcome, State, Timestamp};

use super::{decide, hash};

impl State {
    /// The state before the first entry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry of the log. The same entries give the same outcomes, events and state
    /// on every node.
    pub fn apply(&mut self, index: LogIndex, entry: &Entry) -> Applied {
        let now = self.now().max(entry.proposed_at);
        let stored = decide::answered_before(self, now, &entry.command);
        let repeated = stored.is_some();
        let (outcome, events) = match stored {
            Some(outcome) => (outcome, Vec::new()),
            None => self.act(index, now, &entry.command),
        };
        self.clock.hash = hash::chain(self.clock.hash, index, &events);
        Applied {
            outcome,
            events,
            repeated,
        }
    }

    fn act(&mut self, index: LogIndex, now: Timestamp, command: &Command) -> (Outcome, Vec<Event>) {
        // Taken before the command is decided, so that it meets the state as it is at its own time.
        let mut events = decide::housekeeping(self, now);
        events.iter().for_each(|event| self.evolve(event));
        let (outcome, done) = decide::decide(self, index, command);
        done.iter().for_each(|event| self.evolve(event));
        events.extend(done);
        (outcome, events)
    }
}
