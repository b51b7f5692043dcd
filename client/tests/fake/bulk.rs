//! What a fake node answers on streams of their own.

use std::sync::atomic::Ordering;

use quorate_core::{Refusal, RoomEventKind, Seq};
use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, Failure, Found, FoundEnd, FoundPart, History, HistoryEnd, HistoryPart, Mentions, OwnMessages, Part,
    Revisions, Search, kind,
};
use quorate_transport::{CloseCode, FrameReceiver, FrameSender};

use super::session::{Session, failure};

/// Events in one part: with short bodies, they fit into a frame.
const PART_EVENTS: usize = 50;

impl Session {
    pub(super) async fn bulk(&self, mut sender: FrameSender, mut receiver: FrameReceiver) -> Option<()> {
        let first = receiver.recv().await.ok()??;
        let frames = match first.kind {
            kind::HISTORY => self.history(&client::parse(&first).unwrap()),
            _ => self.found(&first),
        };
        let breaks = self.knobs.bulk_breaks.load(Ordering::SeqCst);
        if breaks > 0 {
            self.knobs.bulk_breaks.store(breaks - 1, Ordering::SeqCst);
            sender.send(&frames[0]).await.ok()?;
            self.connection.close(CloseCode::Internal, "broken by the test");
            return None;
        }
        sender.send_all(&frames).await.ok()?;
        sender.finish().ok()
    }

    fn history(&self, ask: &History) -> Vec<Frame> {
        let mut frames = Vec::new();
        let result = self.cluster.room(&self.device(), &ask.room);
        if let Ok((room, bounds)) = &result {
            let limit = u64::from(ask.limit);
            let after = match ask.part {
                Part::Newest => Seq(bounds.last.0.saturating_sub(limit)),
                Part::After(seq) => seq,
                Part::Before(seq) => Seq((seq.0 - 1).saturating_sub(limit)),
            };
            let max = match ask.part {
                Part::Before(seq) => (seq.0 - 1).min(limit),
                _ => limit,
            };
            let (first, events) = self.cluster.rows(*room, after, max as usize);
            for (index, events) in events.chunks(PART_EVENTS).enumerate() {
                frames.push(client::frame(&HistoryPart {
                    first: Seq(first.0 + (index * PART_EVENTS) as u64),
                    events: events.to_vec(),
                }));
            }
        }
        frames.push(client::frame(&HistoryEnd {
            result: result.map(|(_, bounds)| bounds).map_err(|refusal| failure(&refusal)),
            seen: self.cluster.seen(),
        }));
        frames
    }

    /// All of it is in the order of the log, and cursors are numbers of rows: nobody may know what is in one.
    fn found(&self, ask: &Frame) -> Vec<Frame> {
        let user = self.cluster.user_of(&self.device());
        let lines = self.cluster.lines();
        let messages = lines.iter().filter_map(|line| match &line.1.kind {
            RoomEventKind::Message { body, .. } => Some((line, body.as_str())),
            _ => None,
        });
        let (mut found, cursor, limit): (Vec<_>, _, _) = match ask.kind {
            kind::SEARCH => {
                let ask: Search = client::parse(ask).unwrap();
                let hits = messages.filter(|(_, body)| body.contains(&ask.words));
                (hits.map(|(line, _)| line).collect(), ask.before, ask.limit)
            }
            kind::MENTIONS => {
                let ask: Mentions = client::parse(ask).unwrap();
                let word = format!("@{}", user.as_ref().map_or("", |user| user.as_str()));
                let hits = messages.filter(|(_, body)| body.contains(&word));
                (hits.map(|(line, _)| line).collect(), ask.before, ask.limit)
            }
            kind::OWN_MESSAGES => {
                let ask: OwnMessages = client::parse(ask).unwrap();
                let own = messages.filter(|(line, _)| Some(&line.1.author_name) == user.as_ref());
                (own.map(|(line, _)| line).collect(), ask.after, ask.limit)
            }
            kind::REVISIONS => {
                let ask: Revisions = client::parse(ask).unwrap();
                let of = |line: &&(_, quorate_core::RoomEvent, _)| match line.1.kind {
                    RoomEventKind::Message { .. } => line.1.seq == ask.seq,
                    RoomEventKind::Edited { target, .. } => target == ask.seq,
                    _ => false,
                };
                (lines.iter().filter(of).collect(), None, u16::MAX)
            }
            other => panic!("no test asks for kind {other:#06x}"),
        };
        if matches!(ask.kind, kind::SEARCH | kind::MENTIONS) {
            found.reverse();
        }
        let begin = cursor.map_or(0, |cursor| cursor.parse().unwrap());
        let end = found.len().min(begin + usize::from(limit));
        let mut frames: Vec<_> = found[begin..end]
            .chunks(PART_EVENTS)
            .map(|part| {
                let found = part.iter().map(|(room, line, row)| Found {
                    room: room.clone(),
                    seq: line.seq,
                    event: row.clone(),
                });
                client::frame(&FoundPart { found: found.collect() })
            })
            .collect();
        let next = (end < found.len()).then(|| end.to_string());
        frames.push(client::frame(&FoundEnd {
            result: match (user, *self.knobs.finds_nothing.lock().unwrap()) {
                (_, Some(code)) => Err(Failure::Unavailable { code: code.into() }),
                (Some(_), None) => Ok(next),
                (None, None) => Err(failure(&Refusal::NotLoggedIn)),
            },
            seen: self.cluster.seen(),
        }));
        frames
    }
}
