//! The log's file while no daemon runs on it: beginning one behind a restored state, and ending the rule of a majority
//! that is gone.

use quorate_core::{NodeId, Timestamp};
use quorate_protocol::entry;
use redb::Database;

use crate::consensus::types::{LogEntry, LogId, Membership, Payload, Proposal, shape};
use crate::store::StoreError;
use crate::store::identity::Incarnation;

use super::table::{self, COMMITTED, ENROLLED, LOG, PEERS, PURGED, VOTE, failed, put_meta};

/// Bytes of entries read at once.
const SLICE_BYTES: usize = 4 << 20;

/// What the log of a stopped node ends with.
pub(in crate::store) struct Tail {
    pub(in crate::store) last: Option<LogId>,
    pub(in crate::store) committed: Option<LogId>,
    pub(in crate::store) enrolled: bool,
    /// Those whose incarnation is recorded.
    pub(in crate::store) peers: Vec<NodeId>,
    /// Memberships after what is applied, in their order.
    pub(in crate::store) memberships: Vec<Membership>,
    /// Of the last command.
    pub(in crate::store) last_proposed_at: Option<Timestamp>,
}

/// Makes a log that begins after an entry which is applied already, of a node that is a member.
pub(in crate::store) fn begin_after(database: &Database, last: &LogId, node: NodeId) -> Result<(), StoreError> {
    let transaction = database.begin_write().map_err(failed)?;
    put_meta(&transaction, PURGED, |out| shape::put_log_id(out, last))?;
    put_meta(&transaction, COMMITTED, |out| shape::put_log_id(out, last))?;
    put_meta(&transaction, VOTE, |out| {
        shape::put_vote(out, &shape::vote(last.committed_leader_id().term + 1, node));
    })?;
    put_meta(&transaction, ENROLLED, |_| {})?;
    transaction.commit().map_err(failed)
}

/// Reads the end of the log: what comes after this index, all of it without one.
pub(in crate::store) fn read_tail(database: &Database, applied: Option<u64>) -> Result<Tail, StoreError> {
    let (memory, _) = table::load(database)?;
    let last = memory.last_log_id();
    let first = memory.purged.map_or(0, |purged| purged.index() + 1);
    let mut next = applied.map_or(first, |applied| first.max(applied + 1));
    let end = last.map_or(0, |last| last.index() + 1);
    let mut tail = Tail {
        last,
        committed: memory.committed,
        enrolled: memory.enrolled,
        peers: memory.peers.into_keys().collect(),
        memberships: Vec::new(),
        last_proposed_at: None,
    };
    if next >= end && end > first {
        // All is applied: the last entry still tells its time.
        next = end - 1;
    }
    while next < end {
        let entries = table::read_entries(database, next..end, SLICE_BYTES)?;
        if entries.is_empty() {
            return Err(table::missing(next));
        }
        next += entries.len() as u64;
        for entry in entries {
            tail.take(entry);
        }
    }
    Ok(tail)
}

impl Tail {
    fn take(&mut self, entry: LogEntry) {
        match entry.payload {
            Payload::Blank => {}
            Payload::Normal(Proposal(bytes)) => {
                // What does not decode tells no time, and ends the daemon where it is applied.
                let proposed_at = entry::decode(&bytes).map(|entry| entry.proposed_at).ok();
                self.last_proposed_at = proposed_at.or(self.last_proposed_at);
            }
            Payload::Membership(membership) => self.memberships.push(membership),
        }
    }
}

/// Appends a membership in a term of this node's own, and closes these ids for ever. One transaction: it is done or not.
pub(in crate::store) fn take_over(
    database: &Database,
    node: NodeId,
    membership: Membership,
    closed: &[NodeId],
) -> Result<(), StoreError> {
    let (memory, _) = table::load(database)?;
    let last = memory.last_log_id();
    let heard = memory.vote.map_or(0, |vote| vote.leader_id.term);
    let term = heard.max(last.map_or(0, |last| last.committed_leader_id().term)) + 1;
    let index = last.map_or(0, |last| last.index() + 1);
    let entry = shape::membership_entry(shape::log_id(term, node, index), membership);
    let transaction = database.begin_write().map_err(failed)?;
    {
        let mut log = transaction.open_table(LOG).map_err(failed)?;
        log.insert(index, table::encode_entry(&entry).as_slice())
            .map_err(failed)?;
        let mut peers = transaction.open_table(PEERS).map_err(failed)?;
        for peer in closed {
            let row = table::encode_peer(*peer, Incarnation::NOBODYS);
            peers.insert(peer.0, row.as_slice()).map_err(failed)?;
        }
    }
    put_meta(&transaction, VOTE, |out| shape::put_vote(out, &shape::vote(term, node)))?;
    transaction.commit().map_err(failed)
}
