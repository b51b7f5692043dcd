//! The audit log: what operators did and were refused, each entry chained to the one before.
//!
//! The state holds where the chain ends, never the entries: they are rows of the store, made from the event that
//! tells of them. What is changed in a row later no longer leads to the end of the chain.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{Actor, AuditHash, AuditNo, AuditTarget, AuditWord, Timestamp};

/// Entries that are kept. One more, and the oldest goes. They are some 10 MB of rows; at a hundred actions a day it is
/// more than a year.
pub const AUDIT_ENTRIES_MAX: u64 = 50_000;

/// What every hash begins with: no other text of ours is hashed to the same value.
const DOMAIN: &[u8] = b"quorate audit 1\0";

/// What an operator did, or was refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When, in log time.
    pub at: Timestamp,
    /// The user id of the process that asked.
    pub uid: u32,
    /// Whose that is, as the node that was asked knew it.
    pub actor: Actor,
    /// What.
    pub action: AuditWord,
    /// To whom or what.
    pub target: AuditTarget,
    /// `done`, `unchanged`, or the code of the refusal.
    pub outcome: AuditWord,
    /// The chain before this entry. Of the oldest one that is kept it stands for all that are not.
    pub before: AuditHash,
}

/// Where the audit log begins and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The oldest entry that is kept.
    pub first: AuditNo,
    /// The next one to be written.
    pub next: AuditNo,
    /// The chain over all of them.
    pub hash: AuditHash,
}

impl Default for AuditHead {
    /// Of a log without an entry.
    fn default() -> Self {
        Self {
            first: AuditNo(1),
            next: AuditNo(1),
            hash: AuditHash::START,
        }
    }
}

impl AuditEntry {
    /// The chain up to and with this entry: SHA-256 over the chain before it, its place and its fields. Numbers are
    /// big-endian, and before each text stands its length in bytes (u32).
    #[must_use]
    pub fn hash(&self, no: AuditNo) -> AuditHash {
        let mut hasher = Sha256::new();
        hasher.update(DOMAIN);
        hasher.update(self.before.0);
        hasher.update(no.0.to_be_bytes());
        hasher.update(self.at.0.to_be_bytes());
        hasher.update(self.uid.to_be_bytes());
        let texts = [
            self.actor.as_str(),
            self.action.as_str(),
            self.target.as_str(),
            self.outcome.as_str(),
        ];
        for text in texts {
            let bytes = u32::try_from(text.len()).expect("texts of entries are short");
            hasher.update(bytes.to_be_bytes());
            hasher.update(text);
        }
        AuditHash(hasher.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry {
            at: Timestamp(7),
            uid: 1000,
            actor: Actor::parse("root").unwrap(),
            action: AuditWord::known("users.disable"),
            target: AuditTarget::cut("alice"),
            outcome: AuditWord::known("done"),
            before: AuditHash::START,
        }
    }

    #[test]
    fn the_hash_of_an_entry_is_what_it_always_was() {
        let hash = entry().hash(AuditNo(1)).to_string();
        assert_eq!(hash, "77da0ed7ec845b4da8acaa49c727b0d1c4e6b33dfc3f50efc2adbdb7aa978325");
    }

    #[test]
    fn every_field_is_in_the_hash() {
        let changed: [fn(&mut AuditEntry); 7] = [
            |entry| entry.at = Timestamp(8),
            |entry| entry.uid = 1,
            |entry| entry.actor = Actor::parse("roo").unwrap(),
            |entry| entry.action = AuditWord::known("tusers.disable"),
            |entry| entry.target = AuditTarget::cut("alic"),
            |entry| entry.outcome = AuditWord::known("edone"),
            |entry| entry.before = AuditHash([1; 32]),
        ];
        let hash = entry().hash(AuditNo(1));
        assert_ne!(entry().hash(AuditNo(2)), hash);
        for (at, change) in changed.iter().enumerate() {
            let mut other = entry();
            change(&mut other);
            assert_ne!(other.hash(AuditNo(1)), hash, "field {at}");
        }
    }
}
