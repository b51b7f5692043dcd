//! Who is there, and who is in which room: known before anything is written.

use quorate_core::{DeviceId, RequestNo, RoomName, UserName, WriterId};

use super::READER;
use crate::dice::Dice;
use crate::words::{VOCABULARY, spell};

/// One of so many accounts writes.
const ACCOUNTS_PER_AUTHOR: u32 = 10;
/// Rooms that the reader is in.
const READER_ROOMS: usize = 500;
/// Members of every room, and how many more the first one has; the n-th has n times fewer of these.
const MEMBERS_MIN: usize = 19;
const MEMBERS_MORE: usize = 2000;

/// The accounts and the rooms.
pub(super) struct City {
    /// The reader, then the authors, then those who only have an account.
    pub(super) names: Vec<UserName>,
    pub(super) devices: Vec<DeviceId>,
    /// The outboxes of the reader and the authors.
    pub(super) outboxes: Vec<Outbox>,
    pub(super) rooms: Vec<Room>,
}

/// Where an author writes.
#[derive(Clone, Copy, Default)]
pub(super) struct Outbox {
    pub(super) writer: WriterId,
    pub(super) last: RequestNo,
}

/// A room and its members.
pub(super) struct Room {
    pub(super) name: RoomName,
    /// Authors, by their place; the first one makes the room.
    pub(super) members: Vec<usize>,
    pub(super) has_reader: bool,
}

impl City {
    pub(super) fn new(accounts: u32, rooms: u32, seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let reader = UserName::parse(READER).expect("letters are a name");
        let named = |no| UserName::parse(&format!("{}{no}", word(no, 7919))).expect("letters and digits are a name");
        let authors = (accounts / ACCOUNTS_PER_AUTHOR) as usize;
        let rooms = rooms as usize;
        let reader_step = (rooms / READER_ROOMS).max(1);
        let room = |at: usize, dice: &mut Dice| Room {
            name: RoomName::parse(&format!("{}-{at}", word(at, 104_729))).expect("letters and digits are a name"),
            members: members(at, authors, dice),
            has_reader: at.is_multiple_of(reader_step) && at / reader_step < READER_ROOMS,
        };
        Self {
            names: std::iter::once(reader)
                .chain((1..accounts as usize).map(named))
                .collect(),
            devices: (0..accounts).map(|_| DeviceId(dice.digest())).collect(),
            outboxes: vec![Outbox::default(); authors + 1],
            rooms: (0..rooms).map(|at| room(at, &mut dice)).collect(),
        }
    }
}

/// A word for a number: neighbours get words that are far apart, so that lists are well mixed.
fn word(no: usize, step: usize) -> String {
    spell(no * step % VOCABULARY)
}

/// Neighbours in the list of authors, with a stride that the dice give.
fn members(at: usize, authors: usize, dice: &mut Dice) -> Vec<usize> {
    let count = (MEMBERS_MIN + MEMBERS_MORE / (at + 1)).min(authors);
    let (first, mut stride) = (dice.place(authors), 1 + dice.place(authors));
    while !is_coprime(stride, authors) {
        stride += 1;
    }
    // The reader is at 0.
    (0..count).map(|no| 1 + (first + no * stride) % authors).collect()
}

fn is_coprime(one: usize, other: usize) -> bool {
    if other == 0 {
        one == 1
    } else {
        is_coprime(other, one % other)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use quorate_core::{MEMBERS_PER_ROOM_MAX, ROOMS_PER_USER_MAX};

    use super::*;

    #[test]
    fn a_city_of_full_size_keeps_to_the_bounds() {
        let city = City::new(100_000, 10_000, 1);
        let mut rooms_of = vec![0_u32; city.outboxes.len()];
        for room in &city.rooms {
            let distinct: BTreeSet<_> = room.members.iter().collect();
            assert_eq!(distinct.len(), room.members.len());
            assert!(distinct.len() < MEMBERS_PER_ROOM_MAX as usize);
            for member in &room.members {
                rooms_of[*member] += 1;
            }
        }
        assert_eq!(rooms_of[0], 0, "the reader joins apart from the authors");
        assert!(rooms_of.iter().all(|rooms| *rooms < ROOMS_PER_USER_MAX));
        assert_eq!(city.rooms.iter().filter(|room| room.has_reader).count(), READER_ROOMS);
        let names: BTreeSet<_> = city.names.iter().collect();
        assert_eq!(names.len(), 100_000);
        let rooms: BTreeSet<_> = city.rooms.iter().map(|room| &room.name).collect();
        assert_eq!(rooms.len(), 10_000);
    }
}
