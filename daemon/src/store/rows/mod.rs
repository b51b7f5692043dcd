//! The rows behind the state machine, in `state.redb`.
//!
//! Applying hands batches of rows to one writer thread. It puts what is waiting into transactions
//! that are not durable by themselves, and makes a checkpoint of them every few seconds: after a
//! crash the file is at its last checkpoint, and Raft replays the log from there. That is why the
//! log is purged only as far as a checkpoint went ([`super::raft_log::PurgeFloor`]).
//!
//! Tables, all values sealed (`store/seal.rs`):
//! - `records`: kind and key of a record → the record; one table, since no kind is read by itself but the entries of
//!   the audit log, which no state holds;
//! - `events`: event number → room event, in log order, so that writing appends;
//! - `places`: room and seq → event number;
//! - `originals`: room and seq of an edited message → the room event as it was posted;
//! - `meta`: the identity; the last applied log id with the last membership.
//!
//! Lines are appended, and some of them change later: an edit, a redaction or a retention does so
//! ([`Change`]), in the transaction that brings the event which says so, and in the order of the log.

mod audit;
mod change;
mod history;
mod key;
mod line;
mod lookup;
mod table;
#[cfg(test)]
mod tests;
mod thread;
mod writer;

pub use audit::{AuditCheck, AuditPage};
pub(super) use audit::{check as audit_check, page as audit_page, rows as audit_rows};
pub(super) use change::{Change, EventRow};
pub(super) use history::history;
pub(super) use lookup::{events_from, lines, original};
pub(super) use table::{
    EVENTS, Meta, ORIGINALS, PLACES, RECORDS, RowsTable, check_row, decode_event, decode_original, decode_place,
    decode_record, failed, identity_row, load_meta, load_state, replace_records, write_identity, write_meta,
};
pub(super) use thread::{Install, Op, Outlets, RowsThread};

use quorate_core::{NodeId, Record, RecordKey};

use crate::consensus::types::{LogId, StoredMembership};

/// What a run of applied entries changed.
pub(super) struct Batch {
    /// The last entry of the run.
    pub(super) applied: LogId,
    /// The last membership, if the run has one.
    pub(super) membership: Option<StoredMembership>,
    /// The highest id of a node that ever was a member, also of one that came and went within the run.
    pub(super) highest_node: NodeId,
    /// Key and sealed value; without one, the row is deleted.
    pub(super) records: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// In log order.
    pub(super) changes: Vec<Change>,
}

impl Batch {
    pub(super) fn bytes(&self) -> usize {
        let records = self
            .records
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len));
        records.sum::<usize>() + self.changes.iter().map(Change::bytes).sum::<usize>()
    }

    /// Key and sealed value of a record.
    pub(super) fn record_row(key: &RecordKey, record: Option<&Record>) -> (Vec<u8>, Option<Vec<u8>>) {
        let key = key::encode(key);
        let value = record.map(|record| table::encode_record(&key, record));
        (key, value)
    }
}

/// Keys, seals and the place of an event.
const EVENT_OVERHEAD_BYTES: usize = 64;
