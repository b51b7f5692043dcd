//! A room's past, in pages that are joined.

use quorate_core::{RoomName, RoomRef, Seq};
use quorate_protocol::client::{self, HISTORY_LIMIT_MAX, Part};

use crate::call::{Attempt, Effect};
use crate::client::DEADLINE;
use crate::event::Event;
use crate::link::{BulkFailed, HistoryAnswer, Link};
use crate::{Client, RequestError};

/// Which part of a room's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The newest events.
    Newest,
    /// What comes after this seq.
    After(Seq),
    /// What stands before this seq.
    Before(Seq),
}

/// A part of a room's past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// The room's name.
    pub room: RoomName,
    /// The oldest seq that is still kept.
    pub first: Seq,
    /// The room's last seq.
    pub last: Seq,
    /// Ascending. Events of kinds that are not known here are left out.
    pub events: Vec<Event>,
}

impl Client {
    /// Up to `limit` events. With `linearizable`, the answer is not older than this call.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub async fn history(
        &self,
        room: &RoomRef,
        range: Range,
        limit: usize,
        linearizable: bool,
    ) -> Result<History, RequestError> {
        let mut events = Vec::new();
        let mut part = match range {
            Range::Newest => Part::Newest,
            Range::After(seq) => Part::After(seq),
            Range::Before(seq) => Part::Before(seq),
        };
        loop {
            let left = limit - events.len();
            let page_limit = left
                .min(usize::from(HISTORY_LIMIT_MAX))
                .try_into()
                .unwrap_or(HISTORY_LIMIT_MAX);
            let page = self.page(room, part, page_limit, linearizable).await?;
            let bounds = page.bounds;
            let (from, to) = match (page.events.first(), page.events.last()) {
                (Some((from, _)), Some((to, _))) => (*from, *to),
                _ => (Seq(0), Seq(0)),
            };
            let done = page.events.is_empty() || events.len() + page.events.len() >= limit;
            let backwards = !matches!(part, Part::After(_));
            if backwards {
                // The pages come from the end.
                let newer = std::mem::replace(&mut events, page.events);
                events.extend(newer);
                part = Part::Before(from);
            } else {
                events.extend(page.events);
                part = Part::After(to);
            }
            let reached = if backwards {
                from <= bounds.first
            } else {
                to >= bounds.last
            };
            if done || reached {
                let room = bounds.room;
                return Ok(History {
                    events: events
                        .iter()
                        .filter_map(|(seq, bytes)| Event::read(&room, *seq, bytes))
                        .collect(),
                    room,
                    first: bounds.first,
                    last: bounds.last,
                });
            }
        }
    }

    async fn page(
        &self,
        room: &RoomRef,
        part: Part,
        limit: u16,
        linearizable: bool,
    ) -> Result<HistoryAnswer, RequestError> {
        let attempt = |link: Link| {
            let ask = client::History {
                room: room.clone(),
                part,
                limit,
                linearizable,
                seen: self.shared.seen.index(),
            };
            async move {
                match link.history(&ask).await {
                    Ok(answer) => Attempt::Answered(answer),
                    Err(BulkFailed::Failure(failure)) => Attempt::Failed(failure),
                    Err(BulkFailed::Lost) => Attempt::Lost,
                }
            }
        };
        self.attempt_until(Effect::None, DEADLINE, attempt).await
    }
}
