//! Histories: each on a stream of its own, so that a long one delays nothing.

use std::time::Duration;

use bytes::Bytes;
use quorate_core::Seq;
use quorate_protocol::client::{self, Bounds, Failure, HISTORY_LIMIT_MAX, History, HistoryEnd, HistoryPart, kind};
use quorate_transport::Priority;
use tokio::time::timeout;

use super::{Link, Lost};

/// For a page of a history. It may wait for a quorum.
const PAGE_DEADLINE: Duration = Duration::from_secs(15);

/// A page of a room's past.
#[derive(Debug)]
pub(crate) struct HistoryAnswer {
    pub(crate) bounds: Bounds,
    /// Ascending.
    pub(crate) events: Vec<(Seq, Bytes)>,
}

/// Why there is no page.
#[derive(Debug)]
pub(crate) enum HistoryFailed {
    Failure(Failure),
    Lost,
}

impl From<Lost> for HistoryFailed {
    fn from(_: Lost) -> Self {
        Self::Lost
    }
}

impl Link {
    /// Asks for a page.
    pub(crate) async fn history(&self, ask: &History) -> Result<HistoryAnswer, HistoryFailed> {
        let _place = self.0.histories.acquire().await.map_err(|_| Lost)?;
        let _counted = Counted::new(self);
        match timeout(PAGE_DEADLINE, self.page(ask)).await {
            Ok(answer) => answer,
            Err(_) => Err(HistoryFailed::Lost),
        }
    }

    async fn page(&self, ask: &History) -> Result<HistoryAnswer, HistoryFailed> {
        let (mut sender, mut receiver) = self.0.connection.open(Priority::Bulk).await.map_err(|_| Lost)?;
        sender.send(&client::frame(ask)).await.map_err(|_| Lost)?;
        sender.finish().map_err(|_| Lost)?;
        let mut events = Vec::new();
        loop {
            let frame = receiver.recv().await.map_err(|_| Lost)?.ok_or(Lost)?;
            self.heard();
            match frame.kind {
                kind::HISTORY_PART => {
                    let part: HistoryPart = client::parse(&frame).map_err(|_| Lost)?;
                    if events.len() + part.events.len() > usize::from(HISTORY_LIMIT_MAX) {
                        return Err(Lost.into());
                    }
                    let mut seq = part.first;
                    for event in part.events {
                        events.push((seq, event));
                        seq = seq.next();
                    }
                }
                kind::HISTORY_END => {
                    let end: HistoryEnd = client::parse(&frame).map_err(|_| Lost)?;
                    self.0.seen.raise(end.seen);
                    return match end.result {
                        Ok(bounds) => Ok(HistoryAnswer { bounds, events }),
                        Err(failure) => Err(HistoryFailed::Failure(failure)),
                    };
                }
                _ => {}
            }
        }
    }
}

/// While it lives, the session counts as awaited.
struct Counted<'a>(&'a Link);

impl<'a> Counted<'a> {
    fn new(link: &'a Link) -> Self {
        link.table().histories += 1;
        link.0.awaited.notify_one();
        Self(link)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.table().histories -= 1;
    }
}
