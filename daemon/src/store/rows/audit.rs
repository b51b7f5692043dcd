//! The audit log's rows: written beside the records, read a page at a time, walked from end to end.

use quorate_core::{AuditEntry, AuditHash, AuditHead, AuditNo, Event, Record, RecordKey, StateEvent};
use redb::{ReadTransaction, ReadableTable};

use crate::store::StoreError;

use super::table::{RECORDS, decode_record, failed};
use super::{Batch, key};

/// Some of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// Where all of it begins and ends.
    pub head: AuditHead,
    /// In order.
    pub entries: Vec<(AuditNo, AuditEntry)>,
}

/// What a walk through the whole audit log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// Where it begins and ends.
    pub head: AuditHead,
    /// The first place at which the chain is broken, and how.
    pub fault: Option<(AuditNo, &'static str)>,
    /// For each of the places that were asked for, the chain before it: none of one that is not kept.
    pub before: Vec<Option<AuditHash>>,
}

/// The rows that an event writes and deletes.
pub(in crate::store) fn rows(event: &Event) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
    let Event::State(StateEvent::Audited { no, entry, dropped, .. }) = event else {
        return Vec::new();
    };
    let record = Record::AuditEntry(*no, entry.clone());
    let written = Batch::record_row(&record.key(), Some(&record));
    let gone = dropped.map(|dropped| Batch::record_row(&RecordKey::AuditEntry(dropped), None));
    [written].into_iter().chain(gone).collect()
}

/// The first entries after this one, or, without one, the last.
pub(in crate::store) fn page(
    transaction: &ReadTransaction,
    after: Option<AuditNo>,
    limit: usize,
) -> Result<AuditPage, StoreError> {
    let records = transaction.open_table(RECORDS).map_err(failed)?;
    let head = head(&records)?;
    let last = |limit: u64| AuditNo(head.next.0.saturating_sub(limit));
    let from = after.map_or_else(|| last(limit as u64), AuditNo::next).max(head.first);
    let mut entries = Vec::new();
    each(&records, from, |no, entry| {
        entries.push((no, entry));
        entries.len() < limit
    })?;
    Ok(AuditPage { head, entries })
}

/// Walks the chain. It is told as broken where an entry is missing, was changed, or was put there.
pub(in crate::store) fn check(transaction: &ReadTransaction, places: &[AuditNo]) -> Result<AuditCheck, StoreError> {
    let records = transaction.open_table(RECORDS).map_err(failed)?;
    let head = head(&records)?;
    let mut before = vec![None; places.len()];
    let mut note = |no: AuditNo, hash: AuditHash| {
        for (place, found) in places.iter().zip(&mut before) {
            if *place == no {
                *found = Some(hash);
            }
        }
    };
    let mut fault = None;
    let mut expected = (head.first, None);
    each(&records, AuditNo(0), |no, entry| {
        note(no, entry.before);
        let (next, chain) = expected;
        if no != next {
            fault = Some((next, "the entry is missing, or one stands where none should"));
        } else if chain.is_some_and(|chain| chain != entry.before) {
            // The entry before it is what it follows from, so it is that one which was changed.
            fault = Some((AuditNo(next.0 - 1), "the entry is not the one that was written"));
        }
        expected = (no.next(), Some(entry.hash(no)));
        fault.is_none()
    })?;
    note(head.next, head.hash);
    let (next, chain) = expected;
    if fault.is_none() && next != head.next {
        fault = Some((next, "the entry is missing, or one stands where none should"));
    }
    if fault.is_none() && chain.is_some_and(|chain| chain != head.hash) {
        fault = Some((AuditNo(next.0 - 1), "the entry is not the one that was written"));
    }
    Ok(AuditCheck { head, fault, before })
}

fn head(records: &impl ReadableTable<&'static [u8], &'static [u8]>) -> Result<AuditHead, StoreError> {
    let key = key::encode(&RecordKey::AuditHead);
    let Some(value) = records.get(key.as_slice()).map_err(failed)? else {
        return Ok(AuditHead::default());
    };
    Ok(match decode_record(&key, value.value())? {
        Record::AuditHead(head) => head,
        _ => AuditHead::default(),
    })
}

/// Entries from this one on, until `take` has enough.
fn each(
    records: &impl ReadableTable<&'static [u8], &'static [u8]>,
    from: AuditNo,
    mut take: impl FnMut(AuditNo, AuditEntry) -> bool,
) -> Result<(), StoreError> {
    let first = key::encode(&RecordKey::AuditEntry(from));
    let last = key::encode(&RecordKey::AuditEntry(AuditNo(u64::MAX)));
    for row in records.range(first.as_slice()..=last.as_slice()).map_err(failed)? {
        let (key, value) = row.map_err(failed)?;
        if let Record::AuditEntry(no, entry) = decode_record(key.value(), value.value())?
            && !take(no, entry)
        {
            break;
        }
    }
    Ok(())
}
