//! Who is writing, and whether the user is there: best effort, told to whoever is connected, kept nowhere.

use quorate_core::RoomRef;
use quorate_protocol::client::{IsTyping, Typing};
use tokio::sync::broadcast;

use crate::Client;

/// Notices that wait for a slow reader, at the least. They are about the last few seconds, so older ones say nothing.
pub(crate) const TYPING_NOTICES_MAX: usize = 64;

impl Client {
    /// Tells the others in a room that the user is writing. Worth repeating every few seconds for as long as it is so;
    /// lost without a word when there is no session.
    pub fn typing(&self, room: &RoomRef) {
        if let Some(link) = self.shared.link() {
            link.tell(&Typing { room: room.clone() });
        }
    }

    /// Says that the user is away from this device, or back. It holds for later sessions of this client too, and is not
    /// answered.
    pub fn set_away(&self, away: bool) {
        self.shared.set_away(away);
    }

    /// Who is writing in the rooms that are followed, from now on.
    #[must_use]
    pub fn typing_notices(&self) -> TypingNotices {
        TypingNotices(self.shared.typing())
    }
}

/// Who is writing where, as it comes. One that is not read for long misses the oldest.
#[derive(Debug)]
pub struct TypingNotices(broadcast::Receiver<IsTyping>);

impl TypingNotices {
    /// The next one; `None` when the client is gone. Cancel-safe.
    pub async fn next(&mut self) -> Option<IsTyping> {
        loop {
            match self.0.recv().await {
                Ok(notice) => return Some(notice),
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return None,
            }
        }
    }
}
