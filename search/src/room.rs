//! A set of rooms that is asked about once for each message that has the words.

use quorate_core::RoomId;

/// The rooms that one query may look into. Above what a user can be a member of, so that only a program can reach it.
pub const ROOMS_PER_QUERY_MAX: usize = 16 * 1024;

/// One bit for each hash of 16 bits: 8 KiB, which stay in the first cache while a search runs.
const FILTER_WORDS: usize = 1 << 10;

/// Rooms, at most [`ROOMS_PER_QUERY_MAX`].
#[derive(Clone, Debug, Default)]
pub(crate) struct RoomSet {
    sorted: Vec<u64>,
    /// Tells most strangers apart from the set without looking for them in `sorted`.
    filter: Vec<u64>,
}

impl RoomSet {
    /// The set, or nothing if there are too many.
    pub(crate) fn new(rooms: impl IntoIterator<Item = RoomId>) -> Option<Self> {
        // One more than allowed is enough to know; duplicates count, or the bound would bound nothing.
        let mut sorted: Vec<u64> = rooms
            .into_iter()
            .take(ROOMS_PER_QUERY_MAX + 1)
            .map(|room| room.0)
            .collect();
        if sorted.len() > ROOMS_PER_QUERY_MAX {
            return None;
        }
        sorted.sort_unstable();
        sorted.dedup();
        let mut filter = vec![0; FILTER_WORDS];
        for &room in &sorted {
            let (word, bit) = slot(room);
            filter[word] |= bit;
        }
        Some(Self { sorted, filter })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(crate) fn has(&self, room: u64) -> bool {
        let (word, bit) = slot(room);
        self.filter.get(word).is_some_and(|bits| bits & bit != 0) && self.sorted.binary_search(&room).is_ok()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = RoomId> {
        self.sorted.iter().map(|&room| RoomId(room))
    }
}

fn slot(room: u64) -> (usize, u64) {
    // Fibonacci hashing: the upper 16 bits of the product are well mixed.
    let hash = (room.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as usize;
    (hash >> 6, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_has_what_was_put_in_and_nothing_else() {
        let set = RoomSet::new((0..4000).map(|n| RoomId(n * 7))).unwrap();
        for room in 0..30_000 {
            assert_eq!(set.has(room), room % 7 == 0 && room < 28_000, "room {room}");
        }
        assert!(set.has(0) && !RoomSet::default().has(0));
    }

    #[test]
    fn one_too_many_is_refused() {
        let rooms = |count: usize| (0..count as u64).map(RoomId);
        assert!(RoomSet::new(rooms(ROOMS_PER_QUERY_MAX)).is_some());
        assert!(RoomSet::new(rooms(ROOMS_PER_QUERY_MAX + 1)).is_none());
    }
}
