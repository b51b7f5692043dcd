//! The end of rooms, and what comes after it.

use quorate_client::{Client, ConnectionState, Notice, Notices, Range, RoomRef, Seq, Update};
use tokio::sync::mpsc;

use crate::exit::Exit;
use crate::output;

/// Updates that wait to be printed. A slow terminal slows the feeds down, and nothing else.
const UPDATES_MAX: usize = 256;

/// What is asked for.
pub(super) struct Tail<'a> {
    pub(super) rooms: &'a [RoomRef],
    pub(super) count: u64,
    pub(super) from: Option<Seq>,
    pub(super) json: bool,
}

impl Tail<'_> {
    /// The end of each room.
    pub(super) async fn show(&self, client: &Client) -> Result<(), Exit> {
        for room in self.rooms {
            let (range, limit) = match self.from {
                Some(from) => (Range::After(Seq(from.0.saturating_sub(1))), usize::MAX),
                None => (Range::Newest, usize::try_from(self.count).unwrap_or(usize::MAX)),
            };
            let history = client.history(room, range, limit, false).await?;
            for event in &history.events {
                output::event(self.json, event, self.rooms.len() > 1)?;
            }
        }
        Ok(())
    }

    /// The end of each room, and what comes, until interrupted.
    pub(super) async fn follow(&self, client: &Client) -> Result<(), Exit> {
        let (updates, mut printed) = mpsc::channel(UPDATES_MAX);
        let mut notices = client.notices();
        for room in self.rooms {
            let from = match self.from {
                Some(from) => from,
                None => {
                    let last = client.history(room, Range::Newest, 1, false).await?.last;
                    Seq((last.0 + 1).saturating_sub(self.count).max(1))
                }
            };
            let mut subscription = client.subscribe(room, Some(from)).await?;
            let updates = updates.clone();
            tokio::spawn(async move {
                while let Some(update) = subscription.next().await {
                    let room = subscription.room().clone();
                    if updates.send((room, update)).await.is_err() {
                        return;
                    }
                }
            });
        }
        drop(updates);
        loop {
            tokio::select! {
                update = printed.recv() => match update {
                    Some((_, Ok(Update::Event(event)))) => output::event(self.json, &event, self.rooms.len() > 1)?,
                    Some((room, Ok(Update::Truncated { first }))) => {
                        output::note(&format!("{room} begins with {first}: what came before is not kept any more"));
                    }
                    // Nothing is lost.
                    Some((_, Ok(Update::Lagged { .. }))) => {}
                    Some((_, Err(error))) => return Err(error.into()),
                    None => return Ok(()),
                },
                () = tell(&mut notices) => {}
            }
        }
    }
}

/// Says on stderr what becomes of the connection.
async fn tell(notices: &mut Notices) {
    match notices.next().await {
        Some(Notice::Connection(now)) => match (now.state, now.node) {
            (ConnectionState::Connected, Some(node)) => output::note(&format!("connected to node {node}")),
            (state, _) => output::note(&format!("{}: {}", state.as_str(), now.cause.unwrap_or_default())),
        },
        Some(Notice::Leader(_)) => {}
        None => std::future::pending().await,
    }
}
