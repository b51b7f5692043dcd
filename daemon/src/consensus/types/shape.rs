//! Our own bytes for Raft's values, on disk and in snapshots. All numbers are big-endian and of
//! fixed width; openraft's structs are taken apart and put together here, never serialised, so an
//! upgrade of openraft changes no byte.
//!
//! Reading returns `None` for bytes that no writer here made; whoever reads names the place.

use std::collections::{BTreeMap, BTreeSet};

use bytes::{Buf, BufMut, Bytes};
use openraft::alias::{CommittedLeaderIdOf, LeaderIdOf};
use openraft::entry::{RaftEntry, RaftPayload};
use openraft::vote::RaftLeaderId;
use openraft::{EntryPayload, Membership};
use quorate_core::NodeId;

use super::{LogEntry, LogId, NodeAddrs, Proposal, StoredMembership, TypeConfig, Vote};

const BLANK: u8 = 0;
const NORMAL: u8 = 1;
const MEMBERSHIP: u8 = 2;

/// Term, node and index: 24 bytes.
pub fn put_log_id(out: &mut Vec<u8>, id: &LogId) {
    let leader = id.committed_leader_id();
    out.put_u64(leader.term());
    out.put_u64(leader.node_id().0);
    out.put_u64(id.index());
}

/// See [`put_log_id`].
pub fn get_log_id(from: &mut &[u8]) -> Option<LogId> {
    let term = from.try_get_u64().ok()?;
    let node = NodeId(from.try_get_u64().ok()?);
    let index = from.try_get_u64().ok()?;
    Some(LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(term, node), index))
}

/// A log id in numbers.
#[must_use]
pub fn log_id(term: u64, node: NodeId, index: u64) -> LogId {
    LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(term, node), index)
}

/// A vote that no quorum has granted.
#[must_use]
pub fn vote(term: u64, node: NodeId) -> Vote {
    Vote {
        leader_id: LeaderIdOf::<TypeConfig>::new(term, node),
        committed: false,
    }
}

/// An entry that brings a membership.
#[must_use]
pub fn membership_entry(log_id: LogId, membership: Membership<NodeId, NodeAddrs>) -> LogEntry {
    LogEntry::new_membership(log_id, membership)
}

/// A 0, or a 1 and the log id.
pub fn put_log_id_option(out: &mut Vec<u8>, id: Option<&LogId>) {
    out.put_u8(id.is_some().into());
    if let Some(id) = id {
        put_log_id(out, id);
    }
}

/// See [`put_log_id_option`].
pub fn get_log_id_option(from: &mut &[u8]) -> Option<Option<LogId>> {
    match from.try_get_u8().ok()? {
        0 => Some(None),
        1 => get_log_id(from).map(Some),
        _ => None,
    }
}

/// Term, node, and whether a quorum granted it.
pub fn put_vote(out: &mut Vec<u8>, vote: &Vote) {
    out.put_u64(vote.leader_id.term());
    out.put_u64(vote.leader_id.node_id().0);
    out.put_u8(vote.committed.into());
}

/// See [`put_vote`].
pub fn get_vote(from: &mut &[u8]) -> Option<Vote> {
    let term = from.try_get_u64().ok()?;
    let node = NodeId(from.try_get_u64().ok()?);
    let committed = match from.try_get_u8().ok()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    Some(Vote {
        leader_id: LeaderIdOf::<TypeConfig>::new(term, node),
        committed,
    })
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.put_u32(u32::try_from(text.len()).expect("addrs are bounded by the frame that brought them"));
    out.put_slice(text.as_bytes());
}

fn get_text(from: &mut &[u8]) -> Option<String> {
    let len = usize::try_from(from.try_get_u32().ok()?).ok()?;
    let (text, rest) = from.split_at_checked(len)?;
    *from = rest;
    String::from_utf8(text.to_vec()).ok()
}

fn put_count(out: &mut Vec<u8>, count: usize) {
    out.put_u16(u16::try_from(count).expect("a cluster has a few nodes"));
}

/// The voters of each config (two of them while it changes), then all nodes with their addrs.
pub fn put_membership(out: &mut Vec<u8>, membership: &Membership<NodeId, NodeAddrs>) {
    let configs = membership.get_joint_config();
    put_count(out, configs.len());
    for config in configs {
        put_count(out, config.len());
        config.iter().for_each(|node| out.put_u64(node.0));
    }
    put_count(out, membership.nodes().count());
    for (node, addrs) in membership.nodes() {
        out.put_u64(node.0);
        put_text(out, &addrs.peer);
        put_text(out, &addrs.client);
    }
}

/// See [`put_membership`].
pub fn get_membership(from: &mut &[u8]) -> Option<Membership<NodeId, NodeAddrs>> {
    let mut configs = Vec::new();
    for _ in 0..from.try_get_u16().ok()? {
        let mut config = BTreeSet::new();
        for _ in 0..from.try_get_u16().ok()? {
            config.insert(NodeId(from.try_get_u64().ok()?));
        }
        configs.push(config);
    }
    let mut nodes = BTreeMap::new();
    for _ in 0..from.try_get_u16().ok()? {
        let node = NodeId(from.try_get_u64().ok()?);
        let peer = get_text(from)?;
        let client = get_text(from)?;
        nodes.insert(node, NodeAddrs { peer, client });
    }
    Membership::new(configs, nodes).ok()
}

/// The entry that it came from, then the membership.
pub fn put_stored_membership(out: &mut Vec<u8>, stored: &StoredMembership) {
    put_log_id_option(out, stored.log_id().as_ref());
    put_membership(out, stored.membership());
}

/// See [`put_stored_membership`].
pub fn get_stored_membership(from: &mut &[u8]) -> Option<StoredMembership> {
    let log_id = get_log_id_option(from)?;
    Some(StoredMembership::new(log_id, get_membership(from)?))
}

/// Kind, log id, and what the kind brings: nothing, the proposal's bytes, or a membership.
pub fn put_entry(out: &mut Vec<u8>, entry: &LogEntry) {
    let kind = match &entry.payload {
        EntryPayload::Blank => BLANK,
        EntryPayload::Normal(_) => NORMAL,
        EntryPayload::Membership(_) => MEMBERSHIP,
    };
    out.put_u8(kind);
    put_log_id(out, &entry.log_id);
    match &entry.payload {
        EntryPayload::Blank => {}
        EntryPayload::Normal(Proposal(bytes)) => out.put_slice(bytes),
        EntryPayload::Membership(membership) => put_membership(out, membership),
    }
}

/// See [`put_entry`]. Takes all of the bytes.
#[must_use]
pub fn get_entry(mut from: &[u8]) -> Option<LogEntry> {
    let kind = from.try_get_u8().ok()?;
    let log_id = get_log_id(&mut from)?;
    Some(match kind {
        BLANK if from.is_empty() => LogEntry::new_blank(log_id),
        NORMAL => LogEntry::new_normal(log_id, Proposal(Bytes::copy_from_slice(from))),
        MEMBERSHIP => LogEntry::new_membership(log_id, get_membership(&mut from)?),
        _ => return None,
    })
}

/// About how many bytes an entry takes in memory and on disk.
#[must_use]
pub fn entry_bytes(entry: &LogEntry) -> usize {
    const OTHERS: usize = 64;
    const MEMBERSHIP_GUESS: usize = 1024;
    OTHERS
        + match &entry.payload {
            EntryPayload::Blank => 0,
            EntryPayload::Normal(Proposal(bytes)) => bytes.len(),
            payload @ EntryPayload::Membership(_) => payload.get_membership().map_or(0, |_| MEMBERSHIP_GUESS),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log_id(term: u64, node: u64, index: u64) -> LogId {
        LogId::new(CommittedLeaderIdOf::<TypeConfig>::new(term, NodeId(node)), index)
    }

    #[test]
    fn entries_of_every_kind_come_back() {
        let addrs = |name: &str| NodeAddrs {
            peer: format!("{name}:7001"),
            client: format!("{name}:7000"),
        };
        let nodes = BTreeMap::from([
            (NodeId(1), addrs("a")),
            (NodeId(2), addrs("b")),
            (NodeId(9), addrs("c")),
        ]);
        let configs = vec![BTreeSet::from([NodeId(1)]), BTreeSet::from([NodeId(1), NodeId(2)])];
        let membership = Membership::new(configs, nodes).unwrap();
        for entry in [
            LogEntry::new_blank(log_id(1, 2, 3)),
            LogEntry::new_normal(log_id(4, 5, 6), Proposal(Bytes::from_static(b"hello"))),
            LogEntry::new_membership(log_id(7, 8, 9), membership),
        ] {
            let mut bytes = Vec::new();
            put_entry(&mut bytes, &entry);
            let back = get_entry(&bytes).unwrap();
            assert_eq!((&back.log_id, &back.payload), (&entry.log_id, &entry.payload));
        }
    }

    #[test]
    fn the_bytes_of_a_vote_and_a_membership_stay_the_same() {
        let mut bytes = Vec::new();
        put_vote(
            &mut bytes,
            &Vote {
                leader_id: LeaderIdOf::<TypeConfig>::new(258, NodeId(3)),
                committed: true,
            },
        );
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3, 1]);
        bytes.clear();
        let nodes = BTreeMap::from([(
            NodeId(1),
            NodeAddrs {
                peer: "p".into(),
                client: "c".into(),
            },
        )]);
        let membership = Membership::new(vec![BTreeSet::from([NodeId(1)])], nodes).unwrap();
        put_membership(&mut bytes, &membership);
        let golden = [
            0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, b'p', 0, 0, 0, 1, b'c',
        ];
        assert_eq!(bytes, golden);
    }

    #[test]
    fn cut_bytes_are_no_membership() {
        let mut bytes = Vec::new();
        let nodes = BTreeMap::from([(NodeId(1), NodeAddrs::default())]);
        put_membership(
            &mut bytes,
            &Membership::new(vec![BTreeSet::from([NodeId(1)])], nodes).unwrap(),
        );
        for len in 0..bytes.len() {
            assert!(get_membership(&mut &bytes[..len]).is_none(), "{len} bytes");
        }
    }
}
