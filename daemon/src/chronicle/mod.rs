//! What has happened to this node lately, for operators: a ring that forgets the oldest.
//!
//! Whoever sees something notes it; whoever wants to know reads after the number that they have, and waits for more. There is
//! no queue to a reader, so a slow one loses what the ring forgets and can tell by the gap in the numbers.
//!
//! Left out on purpose: a file. Traces are kept by whoever collects them, and this is for who looks now.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use quorate_adminapi::{EventKind, NodeEvent, UtcTime};
use quorate_core::NodeId;
use tokio::sync::watch;

/// Events that are kept: at some 150 bytes each, what a bad day brings.
pub const KEPT_MAX: usize = 1024;

/// The ring.
#[derive(Debug)]
pub struct Chronicle {
    kept: Mutex<VecDeque<NodeEvent>>,
    last: watch::Sender<Told>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The number of the last event, or of the one before the first.
    pub last: u64,
    /// Nothing will come any more.
    pub over: bool,
}

impl Default for Chronicle {
    /// An empty one. Its numbers begin with the time in milliseconds, and so go on where those of the process before it had
    /// ended: who waits for what comes after a number need not know that there was another process.
    fn default() -> Self {
        let last = UtcTime::from(SystemTime::now()).unix_ms();
        Self {
            kept: Mutex::default(),
            last: watch::Sender::new(Told { last, over: false }),
        }
    }
}

impl Chronicle {
    /// Notes that this has happened now.
    pub fn note(&self, kind: EventKind, node: impl Into<Option<NodeId>>, text: impl Into<String>) {
        let no = {
            let mut kept = self.kept();
            // Counted under the lock, so that numbers and places agree.
            let no = self.last.borrow().last + 1;
            if kept.len() == KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back(NodeEvent {
                no,
                at: UtcTime::from(SystemTime::now()),
                kind,
                node: node.into(),
                text: text.into(),
            });
            self.last.send_modify(|told| told.last = no);
            no
        };
        tracing::debug!(no, %kind, "noted");
    }

    /// Those after this number that are still kept.
    #[must_use]
    pub fn after(&self, no: u64) -> Vec<NodeEvent> {
        self.kept().iter().filter(|event| event.no > no).cloned().collect()
    }

    /// Tells when there is more, and when there will be none.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Told> {
        self.last.subscribe()
    }

    /// Nothing will come any more: readers that wait are let go.
    pub fn close(&self) {
        self.last.send_modify(|told| told.over = true);
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<NodeEvent>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_and_the_numbers_go_on() {
        let chronicle = Chronicle::default();
        for round in 0..KEPT_MAX as u64 + 5 {
            chronicle.note(EventKind::Leader, NodeId(3), format!("round {round}"));
        }
        let all = chronicle.after(0);
        assert_eq!((all.len(), all[0].text.as_str()), (KEPT_MAX, "round 5"));
        assert!(all.windows(2).all(|pair| pair[0].no + 1 == pair[1].no));
        let last = chronicle.after(all[KEPT_MAX - 2].no);
        assert_eq!((last.len(), last[0].text.as_str()), (1, "round 1028"));
    }

    #[tokio::test]
    async fn who_waits_is_told_of_more_and_of_the_end() {
        let chronicle = Chronicle::default();
        let mut told = chronicle.watch();
        let before = told.borrow().last;
        chronicle.note(EventKind::Started, None, "begins");
        assert_eq!(told.wait_for(|told| told.last > before).await.unwrap().last, before + 1);
        chronicle.close();
        assert!(told.wait_for(|told| told.over).await.is_ok());
    }
}
