//! Judging a record. Each function looks for one kind of thing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Event;
use crate::checker::record::{Attempt, Past, Record};
use crate::checker::violation::{Counts, Report, Violation};

/// A post is known again by its room and its text.
type Key<'a> = (&'a str, &'a str);

pub(super) fn verify(record: &Record) -> Report {
    let attempts: HashMap<Key<'_>, &Attempt> = record.attempts.iter().map(|attempt| (key(attempt), attempt)).collect();
    assert_eq!(
        attempts.len(),
        record.attempts.len(),
        "every post of a test has a text of its own"
    );
    let mut found = Vec::new();
    for past in &record.pasts {
        history_gaps(past, &mut found);
        lost(past, &record.attempts, &mut found);
        doubled(past, &mut found);
        strangers(past, &attempts, &mut found);
    }
    let references = references(&record.pasts);
    for past in &record.pasts {
        diverged(past, references[past.room.as_str()], &mut found);
    }
    acked_twice(&record.attempts, &mut found);
    let places = places(&record.attempts, &references);
    author_order(&record.attempts, &places, &mut found);
    real_time_order(&record.attempts, &places, &mut found);
    feeds(record, &references, &mut found);
    Report {
        counts: count(record, &references),
        violations: found,
    }
}

fn key(attempt: &Attempt) -> Key<'_> {
    (&attempt.post.room, &attempt.post.body)
}

fn messages(events: &[Event]) -> impl Iterator<Item = (&Event, &str)> {
    let messages = events.iter().filter(|event| event.is_message());
    messages.map(|event| (event, event.body.as_deref().unwrap_or_default()))
}

fn history_gaps(past: &Past, found: &mut Vec<Violation>) {
    let mut expected = 1;
    for event in &past.events {
        if event.seq != expected {
            found.push(Violation::HistoryGap {
                reader: past.reader.clone(),
                room: past.room.clone(),
                expected,
                found: event.seq,
            });
        }
        expected = event.seq + 1;
    }
}

fn lost(past: &Past, attempts: &[Attempt], found: &mut Vec<Violation>) {
    let by_seq: HashMap<u64, &Event> = past.events.iter().map(|event| (event.seq, event)).collect();
    for attempt in attempts.iter().filter(|attempt| attempt.post.room == past.room) {
        for ack in &attempt.acks {
            let there = by_seq
                .get(&ack.seq)
                .filter(|event| event.body.as_ref() == Some(&attempt.post.body));
            let Some(event) = there else {
                found.push(Violation::AckedLost {
                    reader: past.reader.clone(),
                    room: past.room.clone(),
                    seq: ack.seq,
                    body: attempt.post.body.clone(),
                });
                continue;
            };
            if event.id.as_ref() != Some(&ack.id) {
                found.push(Violation::OtherId {
                    reader: past.reader.clone(),
                    room: past.room.clone(),
                    seq: ack.seq,
                    expected: ack.id.clone(),
                    found: event.id.clone(),
                });
            }
        }
    }
}

fn doubled(past: &Past, found: &mut Vec<Violation>) {
    let mut seqs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for (event, body) in messages(&past.events) {
        seqs.entry(body).or_default().push(event.seq);
    }
    for (body, seqs) in seqs {
        if seqs.len() > 1 {
            found.push(Violation::Doubled {
                reader: past.reader.clone(),
                room: past.room.clone(),
                body: body.to_owned(),
                seqs,
            });
        }
    }
}

fn strangers(past: &Past, attempts: &HashMap<Key<'_>, &Attempt>, found: &mut Vec<Violation>) {
    for (event, body) in messages(&past.events) {
        let attempt = attempts.get(&(past.room.as_str(), body));
        let Some(attempt) = attempt.filter(|attempt| attempt.post.user == event.author && event.room == past.room)
        else {
            found.push(Violation::Invented {
                reader: past.reader.clone(),
                room: past.room.clone(),
                seq: event.seq,
                author: event.author.clone(),
                body: body.to_owned(),
            });
            continue;
        };
        if attempt.refused && attempt.acks.is_empty() {
            found.push(Violation::RefusedAppears {
                reader: past.reader.clone(),
                room: past.room.clone(),
                seq: event.seq,
                body: body.to_owned(),
            });
        }
        if let Some(given) = attempt
            .post
            .id
            .as_ref()
            .filter(|given| event.id.as_ref() != Some(given))
        {
            found.push(Violation::OtherId {
                reader: past.reader.clone(),
                room: past.room.clone(),
                seq: event.seq,
                expected: given.clone(),
                found: event.id.clone(),
            });
        }
    }
}

/// The longest history of each room: the others must be the same, so any would do to place what has no acknowledgement.
fn references(pasts: &[Past]) -> HashMap<&str, &Past> {
    let mut longest: HashMap<&str, &Past> = HashMap::new();
    for past in pasts {
        let kept = longest.entry(&past.room).or_insert(past);
        if past.events.len() > kept.events.len() {
            *kept = past;
        }
    }
    longest
}

fn diverged(past: &Past, reference: &Past, found: &mut Vec<Violation>) {
    let longest = past.events.len().max(reference.events.len());
    let differs = (0..longest).find(|&place| past.events.get(place) != reference.events.get(place));
    if let Some(place) = differs {
        let event = past.events.get(place).or_else(|| reference.events.get(place));
        found.push(Violation::Diverged {
            readers: (reference.reader.clone(), past.reader.clone()),
            room: past.room.clone(),
            seq: event.map_or(0, |event| event.seq),
        });
    }
}

fn acked_twice(attempts: &[Attempt], found: &mut Vec<Violation>) {
    for attempt in attempts {
        let places: BTreeSet<(u64, &str)> = attempt.acks.iter().map(|ack| (ack.seq, ack.id.as_str())).collect();
        if places.len() > 1 {
            found.push(Violation::AckedTwice {
                room: attempt.post.room.clone(),
                body: attempt.post.body.clone(),
                seqs: attempt.acks.iter().map(|ack| ack.seq).collect(),
            });
        }
    }
}

/// Where each attempt is: by its acknowledgement, else by the history. In the order of the attempts.
fn places(attempts: &[Attempt], references: &HashMap<&str, &Past>) -> Vec<Option<u64>> {
    let in_history: HashMap<Key<'_>, u64> = references
        .iter()
        .flat_map(|(room, past)| messages(&past.events).map(|(event, body)| ((*room, body), event.seq)))
        .collect();
    let place = |attempt: &Attempt| {
        let acked = attempt.acks.first().map(|ack| ack.seq);
        acked.or_else(|| in_history.get(&key(attempt)).copied())
    };
    attempts.iter().map(place).collect()
}

/// A post that was sent twice is left out: it may count from either time.
fn author_order(attempts: &[Attempt], places: &[Option<u64>], found: &mut Vec<Violation>) {
    let placed = attempts.iter().zip(places).filter(|(attempt, _)| attempt.sends == 1);
    let mut placed: Vec<(&Attempt, u64)> = placed.filter_map(|(attempt, seq)| Some((attempt, (*seq)?))).collect();
    placed.sort_by_key(|(attempt, _)| attempt.sent_at);
    let mut last: HashMap<(&str, &str), (&Attempt, u64)> = HashMap::new();
    for (attempt, seq) in placed {
        let stream = (attempt.post.session.as_str(), attempt.post.room.as_str());
        if let Some((before, before_seq)) = last.insert(stream, (attempt, seq))
            && before_seq >= seq
        {
            found.push(Violation::AuthorOrder {
                session: attempt.post.session.clone(),
                room: attempt.post.room.clone(),
                earlier: (before_seq, before.post.body.clone()),
                later: (seq, attempt.post.body.clone()),
            });
        }
    }
}

/// Sweeps over sends and acknowledgements as they happened: what is sent now must stand behind all that is acknowledged.
fn real_time_order(attempts: &[Attempt], places: &[Option<u64>], found: &mut Vec<Violation>) {
    enum Step {
        Sent,
        Acked,
    }
    let mut steps = Vec::new();
    for (number, (attempt, place)) in attempts.iter().zip(places).enumerate() {
        if place.is_some() {
            steps.push((attempt.sent_at, number, Step::Sent));
        }
        if let Some(ack) = attempt.acks.first() {
            steps.push((ack.at, number, Step::Acked));
        }
    }
    steps.sort_by_key(|(at, _, _)| *at);
    let mut highest: HashMap<&str, (u64, usize)> = HashMap::new();
    for (_, number, step) in steps {
        let Some(seq) = places[number] else { continue };
        let room = attempts[number].post.room.as_str();
        match step {
            Step::Acked => {
                let kept = highest.entry(room).or_insert((seq, number));
                *kept = (*kept).max((seq, number));
            }
            Step::Sent => {
                if let Some((acked_seq, acked)) = highest.get(room).copied().filter(|(acked_seq, _)| *acked_seq > seq) {
                    found.push(Violation::RealTimeOrder {
                        room: room.to_owned(),
                        acked_first: (acked_seq, attempts[acked].post.body.clone()),
                        sent_after: (seq, attempts[number].post.body.clone()),
                    });
                }
            }
        }
    }
}

fn feeds(record: &Record, references: &HashMap<&str, &Past>, found: &mut Vec<Violation>) {
    for feed in &record.feeds {
        let reference = references.get(feed.room.as_str());
        let by_seq: HashMap<u64, &Event> = reference
            .into_iter()
            .flat_map(|past| past.events.iter().map(|event| (event.seq, event)))
            .collect();
        let gap = |expected, found| Violation::FeedGap {
            reader: feed.reader.clone(),
            room: feed.room.clone(),
            expected,
            found,
        };
        let mut expected = feed.from;
        for event in &feed.events {
            if event.seq != expected {
                found.push(gap(expected, Some(event.seq)));
            }
            if by_seq.get(&event.seq).is_some_and(|known| *known != event) {
                found.push(Violation::FeedDiffers {
                    reader: feed.reader.clone(),
                    room: feed.room.clone(),
                    seq: event.seq,
                });
            }
            expected = event.seq + 1;
        }
        let last = reference
            .and_then(|past| past.events.last())
            .map_or(0, |event| event.seq);
        if expected <= last {
            found.push(gap(expected, None));
        }
    }
}

fn count(record: &Record, references: &HashMap<&str, &Past>) -> Counts {
    let there: BTreeSet<Key<'_>> = references
        .iter()
        .flat_map(|(room, past)| messages(&past.events).map(|(_, body)| (*room, body)))
        .collect();
    let is_acked = |attempt: &&Attempt| !attempt.acks.is_empty();
    let is_refused = |attempt: &&Attempt| attempt.acks.is_empty() && attempt.refused;
    let is_unknown = |attempt: &&Attempt| attempt.acks.is_empty() && !attempt.refused;
    let attempts = || record.attempts.iter();
    Counts {
        attempted: record.attempts.len(),
        acked: attempts().filter(is_acked).count(),
        refused: attempts().filter(is_refused).count(),
        unknown: attempts().filter(is_unknown).count(),
        unknown_found: attempts()
            .filter(is_unknown)
            .filter(|attempt| there.contains(&key(attempt)))
            .count(),
        histories: record.pasts.len(),
        history_events: record.pasts.iter().map(|past| past.events.len()).sum(),
        feeds: record.feeds.len(),
        feed_events: record.feeds.iter().map(|feed| feed.events.len()).sum(),
    }
}
