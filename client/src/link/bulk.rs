//! Histories, searches and the like: each on a stream of its own, so that a long one delays nothing.

use std::time::Duration;

use bytes::Bytes;
use quorate_core::Seq;
use quorate_protocol::Frame;
use quorate_protocol::client::{
    self, Body, Bounds, Failure, FoundEnd, FoundPart, HISTORY_LIMIT_MAX, History, HistoryEnd, HistoryPart, kind,
};
use quorate_transport::Priority;
use tokio::time::timeout;

use super::{Link, Lost};
use crate::seen::Seen;

/// For a page. It may wait for a quorum.
const PAGE_DEADLINE: Duration = Duration::from_secs(15);

/// A page of a room's past.
#[derive(Debug)]
pub(crate) struct HistoryAnswer {
    pub(crate) bounds: Bounds,
    /// Ascending.
    pub(crate) events: Vec<(Seq, Bytes)>,
}

/// A page of what was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// In the order that was asked for.
    pub(crate) rows: Vec<client::Found>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<String>,
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum BulkFailed {
    Failure(Failure),
    Lost,
}

impl From<Lost> for BulkFailed {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Link {
    /// Asks for a page of a room's past.
    pub(crate) async fn history(&self, ask: &History) -> Result<HistoryAnswer, BulkFailed> {
        self.bulk(ask, HistoryGathered::default()).await
    }

    /// Asks for a page of what is looked for: a search, mentions, own messages, revisions.
    pub(crate) async fn find<B: Body>(&self, ask: &B) -> Result<Found, BulkFailed> {
        self.bulk(ask, FoundGathered::default()).await
    }

    async fn bulk<B: Body, G: Gathered>(&self, ask: &B, gathered: G) -> Result<G::Answer, BulkFailed> {
        let _place = self.0.bulks.acquire().await.map_err(|_| Lost)?;
        let _counted = Counted::new(self);
        match timeout(PAGE_DEADLINE, self.page(client::frame(ask), gathered)).await {
            Ok(Ok(result)) => result.map_err(BulkFailed::Failure),
            Ok(Err(Lost)) | Err(_) => Err(BulkFailed::Lost),
        }
    }

    async fn page<G: Gathered>(&self, ask: Frame, mut gathered: G) -> Result<Result<G::Answer, Failure>, Lost> {
        let (mut sender, mut receiver) = self.0.connection.open(Priority::Bulk).await.map_err(|_| Lost)?;
        sender.send(&ask).await.map_err(|_| Lost)?;
        sender.finish().map_err(|_| Lost)?;
        loop {
            let frame = receiver.recv().await.map_err(|_| Lost)?.ok_or(Lost)?;
            self.heard();
            if let Some(result) = gathered.take(&frame, &self.0.seen)? {
                return Ok(result);
            }
        }
    }
}

/// The parts of an answer that have come so far.
trait Gathered: Default {
    type Answer;

    /// Takes the next frame; the whole answer, if that was its end. A node that sends nonsense, or more than a page, has
    /// no answer.
    fn take(&mut self, frame: &Frame, seen: &Seen) -> Result<Option<Result<Self::Answer, Failure>>, Lost>;
}

#[derive(Default)]
struct HistoryGathered(Vec<(Seq, Bytes)>);

impl Gathered for HistoryGathered {
    type Answer = HistoryAnswer;

    fn take(&mut self, frame: &Frame, seen: &Seen) -> Result<Option<Result<HistoryAnswer, Failure>>, Lost> {
        match frame.kind {
            kind::HISTORY_PART => {
                let part: HistoryPart = client::parse(frame).map_err(|_| Lost)?;
                fits(self.0.len() + part.events.len())?;
                let mut seq = part.first;
                for event in part.events {
                    self.0.push((seq, event));
                    seq = seq.next();
                }
                Ok(None)
            }
            kind::HISTORY_END => {
                let end: HistoryEnd = client::parse(frame).map_err(|_| Lost)?;
                seen.raise(end.seen);
                let events = std::mem::take(&mut self.0);
                Ok(Some(end.result.map(|bounds| HistoryAnswer { bounds, events })))
            }
            _ => Ok(None),
        }
    }
}

#[derive(Default)]
struct FoundGathered(Vec<client::Found>);

impl Gathered for FoundGathered {
    type Answer = Found;

    fn take(&mut self, frame: &Frame, seen: &Seen) -> Result<Option<Result<Found, Failure>>, Lost> {
        match frame.kind {
            kind::FOUND_PART => {
                let part: FoundPart = client::parse(frame).map_err(|_| Lost)?;
                fits(self.0.len() + part.found.len())?;
                self.0.extend(part.found);
                Ok(None)
            }
            kind::FOUND_END => {
                let end: FoundEnd = client::parse(frame).map_err(|_| Lost)?;
                seen.raise(end.seen);
                let rows = std::mem::take(&mut self.0);
                Ok(Some(end.result.map(|next| Found { rows, next })))
            }
            _ => Ok(None),
        }
    }
}

fn fits(rows: usize) -> Result<(), Lost> {
    if rows > usize::from(HISTORY_LIMIT_MAX) {
        return Err(Lost);
    }
    Ok(())
}

/// While it lives, the session counts as awaited.
struct Counted<'a>(&'a Link);

impl<'a> Counted<'a> {
    fn new(link: &'a Link) -> Self {
        link.table().bulks += 1;
        link.0.awaited.notify_one();
        Self(link)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.table().bulks -= 1;
    }
}
