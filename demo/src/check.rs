//! The check after the tour: what was acknowledged against what each user got.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use quorate_client::{Event, RoomEventKind, Seq};

/// What was told to the authors.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    acked: BTreeMap<String, Seq>,
    at: Vec<Instant>,
    sent: BTreeMap<String, Vec<String>>,
}

/// What a check found good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Posts that were acknowledged.
    pub acked: usize,
    /// The longest time between two acknowledgements.
    pub longest_gap: Duration,
}

impl Ledger {
    /// An author sends a body, which is unlike all others.
    pub fn sent(&mut self, author: &str, body: &str) {
        self.sent.entry(author.to_owned()).or_default().push(body.to_owned());
    }

    /// The cluster has acknowledged it.
    pub fn acked(&mut self, body: &str, seq: Seq, at: Instant) {
        self.acked.insert(body.to_owned(), seq);
        self.at.push(at);
    }

    /// The longest time between two acknowledgements.
    #[must_use]
    pub fn longest_gap(&self) -> Duration {
        let mut at = self.at.clone();
        at.sort_unstable();
        at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
    }

    /// Compares with what the readers got, each from the room's first event on.
    ///
    /// # Errors
    /// The first thing that must not be, in words.
    pub fn check(&self, readers: &BTreeMap<String, Vec<Event>>) -> Result<Verdict, String> {
        for (reader, events) in readers {
            self.check_reader(events)
                .map_err(|fault| format!("{reader}: {fault}"))?;
        }
        let mut readers = readers.iter();
        if let Some((first, expected)) = readers.next() {
            for (other, events) in readers {
                if events != expected {
                    return Err(format!("{first} and {other} saw different rooms"));
                }
            }
        }
        Ok(Verdict {
            acked: self.acked.len(),
            longest_gap: self.longest_gap(),
        })
    }

    fn check_reader(&self, events: &[Event]) -> Result<(), String> {
        let mut seen = BTreeSet::new();
        let mut by_author: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (event, expected) in events.iter().zip(1..) {
            if event.seq != Seq(expected) {
                return Err(format!("seq {} came where {expected} should have", event.seq));
            }
            let RoomEventKind::Message { body, .. } = &event.kind else {
                continue;
            };
            if !seen.insert(body.as_str()) {
                return Err(format!("{:?} came twice", body.as_str()));
            }
            if self.acked.get(body.as_str()).is_some_and(|acked| *acked != event.seq) {
                return Err(format!("{:?} was acknowledged at another seq", body.as_str()));
            }
            by_author.entry(event.author.as_str()).or_default().push(body.as_str());
        }
        if let Some(lost) = self.acked.keys().find(|body| !seen.contains(body.as_str())) {
            return Err(format!("{lost:?} was acknowledged and is lost"));
        }
        for (author, bodies) in by_author {
            let sent = self.sent.get(author).map_or(&[][..], Vec::as_slice);
            let mut order = sent.iter();
            if let Some(body) = bodies.iter().find(|body| !order.any(|sent| sent == **body)) {
                return Err(format!("{body:?} of {author} came out of order, or was never sent"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use quorate_client::{Body, MessageId, RoomName, Timestamp, UserName};

    use super::*;

    fn message(seq: u64, author: &str, body: &str) -> Event {
        Event {
            room: RoomName::parse("tour").unwrap(),
            seq: Seq(seq),
            author: UserName::parse(author).unwrap(),
            at: Timestamp(0),
            kind: RoomEventKind::Message {
                id: MessageId::parse(body).unwrap(),
                body: Body::parse(body).unwrap(),
                reply_to: None,
            },
        }
    }

    fn ledger() -> Ledger {
        let mut ledger = Ledger::default();
        for (body, seq) in [("a1", 1), ("a2", 2)] {
            ledger.sent("alice", body);
            ledger.acked(body, Seq(seq), Instant::now());
        }
        ledger
    }

    fn check(events: Vec<Event>) -> Result<Verdict, String> {
        ledger().check(&BTreeMap::from([("bob".to_owned(), events)]))
    }

    #[test]
    fn a_room_that_is_whole_is_found_good() {
        assert_eq!(
            check(vec![message(1, "alice", "a1"), message(2, "alice", "a2")])
                .unwrap()
                .acked,
            2
        );
    }

    #[test]
    fn a_lost_post_is_found() {
        assert!(check(vec![message(1, "alice", "a1")]).unwrap_err().contains("lost"));
    }

    #[test]
    fn a_doubled_post_is_found() {
        let events = vec![
            message(1, "alice", "a1"),
            message(2, "alice", "a2"),
            message(3, "alice", "a2"),
        ];
        assert!(check(events).unwrap_err().contains("twice"));
    }

    #[test]
    fn a_hole_is_found() {
        assert!(
            check(vec![message(1, "alice", "a1"), message(3, "alice", "a2")])
                .unwrap_err()
                .contains("seq 3")
        );
    }

    #[test]
    fn an_authors_posts_in_another_order_are_found() {
        let mut ledger = Ledger::default();
        for body in ["a2", "a1"] {
            ledger.sent("alice", body);
        }
        let events = vec![message(1, "alice", "a1"), message(2, "alice", "a2")];
        assert!(
            ledger
                .check(&BTreeMap::from([("bob".to_owned(), events)]))
                .unwrap_err()
                .contains("out of order")
        );
    }

    #[test]
    fn readers_who_saw_different_rooms_are_found() {
        let ledger = Ledger::default();
        let readers = BTreeMap::from([
            ("alice".to_owned(), vec![]),
            ("bob".to_owned(), vec![message(1, "x", "b")]),
        ]);
        assert!(ledger.check(&readers).is_err());
    }
}
