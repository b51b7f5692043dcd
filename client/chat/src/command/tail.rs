//! The end of rooms, and what comes after it.

use std::collections::HashMap;

use quorate_client::{Client, ConnectionState, Cursor, Event, Notice, Notices, Range, RoomName, RoomRef, Seq, Update};
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
    /// The name under which it is kept how far this was printed.
    pub(super) cursor: Option<&'a str>,
    pub(super) json: bool,
}

impl Tail<'_> {
    /// The end of each room.
    pub(super) async fn show(&self, client: &Client) -> Result<(), Exit> {
        let newest = (Range::Newest, usize::try_from(self.count).unwrap_or(usize::MAX));
        let after = |from: Seq| (Range::After(Seq(from.0.saturating_sub(1))), usize::MAX);
        for room in self.rooms {
            let mut cursor = self.cursor(client, room)?;
            let from = cursor.as_ref().and_then(Cursor::next).or(self.from);
            let (range, limit) = from.map_or(newest, after);
            let mut history = client.history(room, range, limit, false).await?;
            if from.is_some_and(|from| cursor.is_some() && from > history.last.next()) {
                // Another room than the one in which that was printed.
                history = client.history(room, Range::After(Seq(0)), usize::MAX, false).await?;
            }
            for event in &history.events {
                self.print(event, cursor.as_mut())?;
            }
            if let Some(cursor) = &mut cursor {
                cursor.move_to(history.last.next())?;
            }
        }
        Ok(())
    }

    /// The end of each room, and what comes, until interrupted.
    pub(super) async fn follow(&self, client: &Client) -> Result<(), Exit> {
        let (updates, mut printed) = mpsc::channel(UPDATES_MAX);
        let mut notices = client.notices();
        let mut cursors: HashMap<RoomName, Cursor> = HashMap::new();
        for room in self.rooms {
            let from = match self.from {
                Some(from) => from,
                None => {
                    let last = client.history(room, Range::Newest, 1, false).await?.last;
                    Seq((last.0 + 1).saturating_sub(self.count).max(1))
                }
            };
            let mut subscription = match self.cursor(client, room)? {
                None => client.subscribe(room, Some(from)).await?,
                Some(mut cursor) => {
                    let subscription = client.subscribe_at(room, &mut cursor, Some(from)).await?;
                    cursors.insert(subscription.room().clone(), cursor);
                    subscription
                }
            };
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
                    Some((room, Ok(Update::Event(event)))) => self.print(&event, cursors.get_mut(&room))?,
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

impl Tail<'_> {
    fn cursor(&self, client: &Client, room: &RoomRef) -> Result<Option<Cursor>, Exit> {
        Ok(self.cursor.map(|name| client.cursor(name, room)).transpose()?)
    }

    /// Whoever reads the output has it before it counts as printed.
    fn print(&self, event: &Event, cursor: Option<&mut Cursor>) -> Result<(), Exit> {
        output::event(self.json, event, self.rooms.len() > 1)?;
        Ok(cursor.map_or(Ok(()), |cursor| cursor.move_to(event.seq.next()))?)
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
