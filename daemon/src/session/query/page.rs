//! Pages of lists: as many rows as were asked for and fit into a frame.

use std::io;

use quorate_core::{RoomName, UserName};
use quorate_protocol::FRAME_MAX_CLIENT_BYTES;
use quorate_protocol::client::{Failure, HISTORY_LIMIT_MAX, Page};
use serde::Serialize;

use crate::session::reply::refused;

/// Bytes of rows in a page at the most: a frame, less what stands around the rows.
const PAGE_BYTES_MAX: usize = FRAME_MAX_CLIENT_BYTES - 4 * 1024;

/// How many rows a list gives that is asked for so many.
pub(super) fn rows_max(limit: u16) -> usize {
    let is_any = limit == 0 || limit > HISTORY_LIMIT_MAX;
    usize::from(if is_any { HISTORY_LIMIT_MAX } else { limit })
}

/// A page in the making.
pub(super) struct Rows<T> {
    rows: Vec<T>,
    rows_max: usize,
    bytes: usize,
}

impl<T: Serialize> Rows<T> {
    /// An empty one, for so many rows.
    pub(super) fn new(limit: u16) -> Self {
        Self {
            rows: Vec::new(),
            rows_max: rows_max(limit),
            bytes: 0,
        }
    }

    /// Takes the next row, or says no: the page is full. An empty page takes any row.
    pub(super) fn push(&mut self, row: T) -> bool {
        if self.rows.len() >= self.rows_max {
            return false;
        }
        let bytes = self.bytes + bytes_of(&row);
        if bytes > PAGE_BYTES_MAX && !self.rows.is_empty() {
            return false;
        }
        self.bytes = bytes;
        self.rows.push(row);
        true
    }

    /// The page, which is the last one.
    pub(super) fn last(self) -> Page<T> {
        self.until(None)
    }

    /// The page, after which another one begins behind its last row.
    pub(super) fn full(self, name: impl FnOnce(&T) -> String) -> Page<T> {
        let next = self.rows.last().map(name);
        self.until(next)
    }

    /// The page, after which another one begins there.
    pub(super) fn until(self, next: Option<String>) -> Page<T> {
        Page { rows: self.rows, next }
    }
}

/// A page out of all that there is, in order.
pub(super) fn page<C, T: Serialize>(
    limit: u16,
    candidates: impl IntoIterator<Item = C>,
    row: impl Fn(C) -> Option<T>,
    name: impl FnOnce(&T) -> String,
) -> Page<T> {
    let mut rows = Rows::new(limit);
    for row in candidates.into_iter().filter_map(row) {
        if !rows.push(row) {
            return rows.full(name);
        }
    }
    rows.last()
}

/// The first ones by name, in order: one more than a page of so many holds. Sorts only these.
pub(super) fn firsts<N: Ord + Copy, T>(mut all: Vec<(N, T)>, limit: u16) -> Vec<(N, T)> {
    let count = rows_max(limit) + 1;
    if all.len() > count {
        all.select_nth_unstable_by_key(count - 1, |(name, _)| *name);
        all.truncate(count);
    }
    all.sort_unstable_by_key(|(name, _)| *name);
    all
}

/// Where the page before ended, in a list by users.
pub(super) fn after_user(cursor: Option<&String>) -> Result<Option<UserName>, Failure> {
    let parse = |cursor: &String| UserName::try_from(cursor.clone()).map_err(|_| bad_cursor());
    cursor.map(parse).transpose()
}

/// Where the page before ended, in a list by rooms.
pub(super) fn after_room(cursor: Option<&String>) -> Result<Option<RoomName>, Failure> {
    let parse = |cursor: &String| RoomName::try_from(cursor.clone()).map_err(|_| bad_cursor());
    cursor.map(parse).transpose()
}

pub(super) fn bad_cursor() -> Failure {
    refused("bad-cursor", "no page ended there: begin again")
}

/// Bytes of a row on the wire.
fn bytes_of(row: &impl Serialize) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    rmp_serde::encode::write_named(&mut count, row).expect("rows hold nothing that MessagePack cannot");
    count.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(limit: u16, count: u32) -> Page<u32> {
        page(limit, 0..count, Some, ToString::to_string)
    }

    #[test]
    fn no_limit_and_one_over_the_cap_are_the_cap() {
        for limit in [0, HISTORY_LIMIT_MAX, HISTORY_LIMIT_MAX + 1, u16::MAX] {
            let page = numbers(limit, 1000);
            assert_eq!((page.rows.len(), page.next.as_deref()), (500, Some("499")), "{limit}");
        }
    }

    #[test]
    fn a_page_that_holds_all_has_no_next() {
        assert_eq!(numbers(3, 3).next, None);
        assert_eq!(numbers(3, 4).next.as_deref(), Some("2"));
        assert_eq!(numbers(3, 0).rows.len(), 0);
    }

    #[test]
    fn a_page_ends_early_by_bytes_and_below_the_frame_limit() {
        let row = "x".repeat(10_000);
        let page = page(0, 0..100, |_| Some(row.clone()), |_| "cursor".to_owned());
        assert_eq!((page.rows.len(), page.next.as_deref()), (7, Some("cursor")));
        assert!(bytes_of(&page) < FRAME_MAX_CLIENT_BYTES);
    }

    #[test]
    fn the_first_ones_are_those_of_a_full_sort() {
        let mut all: Vec<(u64, ())> = (0..2000).map(|at| (at * 7919 % 2003, ())).collect();
        let firsts = firsts(all.clone(), 20);
        all.sort_unstable();
        assert_eq!(firsts, all[..21]);
    }
}
