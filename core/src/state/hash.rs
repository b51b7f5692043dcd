//! The state hash: a chain over all events, the same on every platform.
//!
//! What is hashed is what `derive(Hash)` visits: fields in the order of their declaration, and of a
//! variant its position among its siblings. So new variants go last, and moving variants or fields,
//! or adding a field to a variant in use, makes nodes of two versions disagree for ever; a test holds
//! the hash of a fixed log. Nodes compare hashes of the same log index only.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::{Event, LogIndex, StateHash};

/// "quorate " and "statehsh" as big-endian bytes: any fixed keys would do.
const KEYS: (u64, u64) = (0x7175_6f72_6174_6520, 0x7374_6174_6568_7368);

/// The chain after one more entry. An entry without events moves the index alone.
pub(super) fn chain(before: StateHash, index: LogIndex, events: &[Event]) -> StateHash {
    if events.is_empty() {
        return StateHash {
            index,
            hash: before.hash,
        };
    }
    let mut hasher = Portable(SipHasher13::new_with_keys(KEYS.0, KEYS.1));
    before.hash.hash(&mut hasher);
    index.hash(&mut hasher);
    events.hash(&mut hasher);
    StateHash {
        index,
        hash: hasher.0.finish128().as_u128(),
    }
}

/// Writes every integer in little-endian order, and those of the machine's width as 64 bits.
struct Portable(SipHasher13);

impl Hasher for Portable {
    fn finish(&self) -> u64 {
        self.0.finish()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn write_u8(&mut self, value: u8) {
        self.write(&[value]);
    }

    fn write_u16(&mut self, value: u16) {
        self.write(&value.to_le_bytes());
    }

    fn write_u32(&mut self, value: u32) {
        self.write(&value.to_le_bytes());
    }

    fn write_u64(&mut self, value: u64) {
        self.write(&value.to_le_bytes());
    }

    fn write_u128(&mut self, value: u128) {
        self.write(&value.to_le_bytes());
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_i8(&mut self, value: i8) {
        self.write(&value.to_le_bytes());
    }

    fn write_i16(&mut self, value: i16) {
        self.write(&value.to_le_bytes());
    }

    fn write_i32(&mut self, value: i32) {
        self.write(&value.to_le_bytes());
    }

    fn write_i64(&mut self, value: i64) {
        self.write(&value.to_le_bytes());
    }

    fn write_i128(&mut self, value: i128) {
        self.write(&value.to_le_bytes());
    }

    fn write_isize(&mut self, value: isize) {
        self.write_i64(value as i64);
    }
}
