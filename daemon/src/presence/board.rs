//! What is known: the sessions here, and what the peers have said.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quorate_core::{NodeId, RoomId, UserId};
use quorate_protocol::Frame;
use quorate_protocol::client::Presence;
use quorate_protocol::relay::{self, List, PRESENCE_USERS_MAX, Present, TYPING_MAX, There, frame, kind};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::ears::{Ears, Following, Rooms};

/// After so long without a word, a peer's users are forgotten: three full lists were lost by then.
pub const PEER_SILENCE_MAX: Duration = Duration::from_secs(45);
/// Users remembered of one peer at the most: over three times the sessions that a node takes.
pub(super) const PEER_USERS_MAX: usize = 65_536;
/// Changes that wait to be told at the most: past it, the full list is told in their place.
const CHANGES_MAX: usize = 16_384;

/// Who is there and who is writing. Cheap to clone; all clones are one board.
#[derive(Clone, Debug)]
pub struct Board(
    /// None: switched off.
    Option<Arc<Inner>>,
);

#[derive(Debug, Default)]
pub(super) struct Inner {
    people: Mutex<People>,
    rooms: Rooms,
    news: Notify,
}

#[derive(Debug, Default)]
struct People {
    here: HashMap<UserId, Sessions>,
    peers: HashMap<NodeId, Peer>,
    news: News,
}

/// What the peers have not been told yet.
#[derive(Debug, Default)]
struct News {
    changed: HashSet<UserId>,
    /// There were too many changes to name.
    whole: bool,
    typing: BTreeSet<(RoomId, UserId)>,
}

/// Sessions of a user on this node.
#[derive(Clone, Copy, Debug, Default)]
struct Sessions {
    online: u32,
    away: u32,
}

#[derive(Debug)]
struct Peer {
    users: HashMap<UserId, There>,
    heard: Instant,
}

/// What to tell the peers.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Signal {
    /// This.
    Frame(Frame),
    /// The full list.
    Whole,
}

impl Sessions {
    fn there(self) -> There {
        match self {
            Self { online: 0, away: 0 } => There::Gone,
            Self { online: 0, .. } => There::Away,
            Self { .. } => There::Online,
        }
    }

    fn count(&mut self, away: bool) -> &mut u32 {
        if away { &mut self.away } else { &mut self.online }
    }
}

impl Board {
    /// A board with nobody on it. Switched off, it stays so, and nobody knows who is there.
    #[must_use]
    pub fn new(enabled: bool) -> Self {
        Self(enabled.then(Arc::default))
    }

    /// A session of this user is here, for as long as the guard lives; not away at first.
    #[must_use]
    pub fn enter(&self, user: UserId) -> Stay {
        if let Some(inner) = &self.0 {
            inner.change(user, |sessions| sessions.online += 1);
        }
        Stay {
            board: self.clone(),
            user,
            away: AtomicBool::new(false),
        }
    }

    /// Whether the user is there: on this node, or on a peer that was heard of lately.
    #[must_use]
    pub fn of(&self, user: UserId) -> Presence {
        let Some(inner) = &self.0 else {
            return Presence::Unknown;
        };
        let people = inner.people();
        let here = people.here.get(&user).map(|sessions| sessions.there());
        let peers = people.peers.values().filter(|peer| peer.is_heard());
        let there = peers.filter_map(|peer| peer.users.get(&user).copied());
        match there.chain(here).max() {
            None | Some(There::Gone) => Presence::Offline,
            Some(There::Away) => Presence::Away,
            Some(There::Online) => Presence::Online,
        }
    }

    /// The user, who is on this node, is writing to the room. The caller sees to it that they may, and not too often.
    pub fn typing(&self, room: RoomId, user: UserId) {
        let Some(inner) = &self.0 else { return };
        inner.rooms.tell(room, user);
        let typing = &mut inner.people().news.typing;
        if typing.len() < TYPING_MAX {
            typing.insert((room, user));
            inner.news.notify_one();
        }
    }

    /// These ears hear who is writing to the room, for as long as the guard lives; their own user too.
    #[must_use]
    pub fn follow(&self, room: RoomId, ears: &Arc<Ears>) -> Following {
        let rooms = self.0.as_ref().map(|inner| inner.rooms.clone()).unwrap_or_default();
        rooms.follow(room, ears)
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until there is something to tell the peers. Cancel-safe.
    pub(super) async fn news(&self) {
        match &self.0 {
            Some(inner) => inner.news.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Takes what there is to tell.
    pub(super) fn take_news(&self) -> Vec<Signal> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let mut people = inner.people();
        let News { changed, whole, typing } = std::mem::take(&mut people.news);
        let mut signals = Vec::new();
        if whole {
            signals.push(Signal::Whole);
        } else {
            let changed = changed.into_iter().map(|user| Present {
                user,
                there: people.here.get(&user).map_or(There::Gone, |sessions| sessions.there()),
            });
            let changed: Vec<_> = changed.collect();
            let frames = changed
                .chunks(PRESENCE_USERS_MAX)
                .map(|users| list(List::Change, users));
            signals.extend(frames.map(Signal::Frame));
        }
        if !typing.is_empty() {
            let places = typing.into_iter().collect();
            signals.push(Signal::Frame(frame(kind::TYPING, &relay::Typing { places })));
        }
        signals
    }

    /// Everybody who is here, for a peer.
    pub(super) fn whole(&self) -> Vec<Frame> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let present = |(user, sessions): (&UserId, &Sessions)| Present {
            user: *user,
            there: sessions.there(),
        };
        let users: Vec<_> = inner.people().here.iter().map(present).collect();
        let mut chunks: Vec<_> = users.chunks(PRESENCE_USERS_MAX).collect();
        let last = chunks.pop().unwrap_or_default();
        let parts = chunks.into_iter().map(|part| list(List::Part, part));
        parts.chain([list(List::Last, last)]).collect()
    }

    /// A peer has said who is there, all of them.
    pub(super) fn hear_whole(&self, peer: NodeId, users: HashMap<UserId, There>) {
        let Some(inner) = &self.0 else { return };
        let heard = Instant::now();
        inner.people().peers.insert(peer, Peer { users, heard });
    }

    /// A peer has said for whom something has changed.
    pub(super) fn hear_changes(&self, peer: NodeId, changed: Vec<Present>) {
        let Some(inner) = &self.0 else { return };
        let mut people = inner.people();
        let peer = people.peers.entry(peer).or_insert_with(Peer::new);
        if !peer.is_heard() {
            // What it said before the silence is no more.
            peer.users.clear();
        }
        peer.heard = Instant::now();
        for Present { user, there } in changed {
            if there == There::Gone {
                peer.users.remove(&user);
            } else if peer.users.len() < PEER_USERS_MAX || peer.users.contains_key(&user) {
                peer.users.insert(user, there);
            }
        }
    }

    /// A peer has said who is writing there.
    pub(super) fn hear_typing(&self, places: Vec<(RoomId, UserId)>) {
        let Some(inner) = &self.0 else { return };
        for (room, user) in places {
            inner.rooms.tell(room, user);
        }
    }

    /// Lets go of what peers said that have been silent for too long.
    pub(super) fn forget_silent(&self) {
        if let Some(inner) = &self.0 {
            inner.people().peers.retain(|_, peer| peer.is_heard());
        }
    }
}

impl Peer {
    fn new() -> Self {
        Self {
            users: HashMap::new(),
            heard: Instant::now(),
        }
    }

    fn is_heard(&self) -> bool {
        self.heard.elapsed() < PEER_SILENCE_MAX
    }
}

impl Inner {
    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, user: UserId, change: impl FnOnce(&mut Sessions)) {
        let mut people = self.people();
        let People { here, news, .. } = &mut *people;
        let (before, after) = match here.entry(user) {
            Entry::Occupied(mut entry) => {
                let before = entry.get().there();
                change(entry.get_mut());
                let after = entry.get().there();
                if after == There::Gone {
                    entry.remove();
                }
                (before, after)
            }
            Entry::Vacant(entry) => {
                let mut sessions = Sessions::default();
                change(&mut sessions);
                entry.insert(sessions);
                (There::Gone, sessions.there())
            }
        };
        if before != after {
            news.changed(user);
            self.news.notify_one();
        }
    }
}

impl News {
    fn changed(&mut self, user: UserId) {
        if self.changed.len() >= CHANGES_MAX {
            self.changed.clear();
            self.whole = true;
        }
        if !self.whole {
            self.changed.insert(user);
        }
    }
}

fn list(list: List, users: &[Present]) -> Frame {
    let users = users.to_vec();
    frame(kind::PRESENCE, &relay::Presence { list, users })
}

/// A session's presence. Dropping it ends the session's.
#[derive(Debug)]
pub struct Stay {
    board: Board,
    user: UserId,
    away: AtomicBool,
}

impl Stay {
    /// The session's user is away, or back.
    pub fn set_away(&self, away: bool) {
        let was_away = self.away.swap(away, Ordering::AcqRel);
        if let Some(inner) = self.board.0.as_ref().filter(|_| was_away != away) {
            inner.change(self.user, |sessions| {
                *sessions.count(was_away) -= 1;
                *sessions.count(away) += 1;
            });
        }
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let was_away = self.away.load(Ordering::Acquire);
        if let Some(inner) = &self.board.0 {
            inner.change(self.user, |sessions| *sessions.count(was_away) -= 1);
        }
    }
}
