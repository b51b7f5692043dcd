//! Who follows which room, and what a session has heard.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quorate_core::{RoomId, UserId};
use tokio::sync::Notify;

/// Rooms and users that wait in a session's ears at the most; who is writing beyond that is not heard.
pub const EARS_MAX: usize = 32;

/// What a session hears. One for each session.
#[derive(Debug, Default)]
pub struct Ears {
    heard: Mutex<BTreeSet<(RoomId, UserId)>>,
    notify: Notify,
}

impl Ears {
    /// Waits until somebody is writing, and takes who is and where: each pair once. Cancel-safe: what is not taken stays.
    pub async fn heard(&self) -> Vec<(RoomId, UserId)> {
        loop {
            let heard = std::mem::take(&mut *self.lock());
            if !heard.is_empty() {
                return heard.into_iter().collect();
            }
            self.notify.notified().await;
        }
    }

    fn hear(&self, room: RoomId, user: UserId) {
        let mut heard = self.lock();
        if heard.len() < EARS_MAX && heard.insert((room, user)) {
            self.notify.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<(RoomId, UserId)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The ears in each room. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Rooms(Arc<Mutex<HashMap<RoomId, Vec<Arc<Ears>>>>>);

impl Rooms {
    pub(super) fn follow(self, room: RoomId, ears: &Arc<Ears>) -> Following {
        self.lock().entry(room).or_default().push(Arc::clone(ears));
        Following {
            rooms: self,
            room,
            ears: Arc::clone(ears),
        }
    }

    pub(super) fn tell(&self, room: RoomId, user: UserId) {
        let rooms = self.lock();
        let ears = rooms.get(&room).into_iter().flatten();
        ears.for_each(|ears| ears.hear(room, user));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Vec<Arc<Ears>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A session hears a room. Dropping it ends that.
#[derive(Debug)]
pub struct Following {
    rooms: Rooms,
    room: RoomId,
    ears: Arc<Ears>,
}

impl Drop for Following {
    fn drop(&mut self) {
        let mut rooms = self.rooms.lock();
        let Some(following) = rooms.get_mut(&self.room) else {
            return;
        };
        if let Some(place) = following.iter().position(|ears| Arc::ptr_eq(ears, &self.ears)) {
            following.swap_remove(place);
        }
        if following.is_empty() {
            rooms.remove(&self.room);
        }
    }
}
