//! Whether the nodes of a cluster have the same chat state, by hashes of it at equal log indexes.

use std::collections::{BTreeMap, BTreeSet};

use quorate_core::{LogIndex, NodeId};
use serde::{Deserialize, Serialize};

/// The hashes that a node has noted, by index; `None` for one that did not answer.
pub type Noted = Option<BTreeMap<LogIndex, u128>>;

/// The answer of `GET /v1/raft/verify`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaftVerify {
    /// No two nodes differ.
    pub equal: bool,
    /// The index at which they were compared, or the lowest at which two differ; `null` when none answered.
    pub index: Option<LogIndex>,
    /// At how many indexes two or more nodes were compared.
    pub compared: u64,
    /// The nodes, by id.
    pub nodes: Vec<NodeHash>,
}

/// What one node has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHash {
    /// Which.
    pub id: NodeId,
    /// How it compares.
    pub result: HashResult,
    /// Its hash at the index, in lower-case hex.
    pub hash: Option<String>,
    /// The newest index of which it has a hash.
    pub newest: Option<LogIndex>,
}

/// How a node compares with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HashResult {
    /// Its hash is that of the others.
    Match,
    /// It differs from most of them, or there is no most.
    Mismatch,
    /// It did not answer.
    NotReachable,
    /// It has no hash of an index at which the others were compared: it is far behind, or has just begun.
    NoHash,
}

impl HashResult {
    /// As in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Match => "match",
            Self::Mismatch => "mismatch",
            Self::NotReachable => "not-reachable",
            Self::NoHash => "no-hash",
        }
    }
}

impl RaftVerify {
    /// Compares at the highest index that most of them have, or, with `all`, at every index that two have.
    #[must_use]
    pub fn of(nodes: &BTreeMap<NodeId, Noted>, all: bool) -> Self {
        let indexes = shared_indexes(nodes);
        let most = indexes.values().copied().max().unwrap_or(0);
        let best = indexes.iter().rev().find(|(_, count)| **count == most);
        let best = best.map(|(index, _)| *index);
        let looked_at: Vec<LogIndex> = if all {
            let by_two = indexes.iter().filter(|(_, count)| **count > 1);
            by_two.map(|(index, _)| *index).collect()
        } else {
            best.into_iter().collect()
        };
        let mut wrong: BTreeSet<NodeId> = BTreeSet::new();
        let mut first_wrong = None;
        for index in &looked_at {
            let differ = differing(nodes, *index);
            if !differ.is_empty() {
                first_wrong = first_wrong.or(Some(*index));
                wrong.extend(differ);
            }
        }
        let index = first_wrong.or(best);
        let compared = looked_at.iter().filter(|index| indexes[*index] > 1).count() as u64;
        let node = |(id, noted): (&NodeId, &Noted)| {
            let seen = |at: &LogIndex| noted.as_ref().and_then(|noted| noted.get(at)).copied();
            let result = if noted.is_none() {
                HashResult::NotReachable
            } else if wrong.contains(id) {
                HashResult::Mismatch
            } else if looked_at.iter().chain(&best).any(|at| seen(at).is_some()) {
                HashResult::Match
            } else {
                HashResult::NoHash
            };
            NodeHash {
                id: *id,
                result,
                hash: index.and_then(|at| seen(&at)).map(|hash| format!("{hash:032x}")),
                newest: noted.as_ref().and_then(|noted| noted.keys().next_back().copied()),
            }
        };
        Self {
            equal: wrong.is_empty(),
            index,
            compared,
            nodes: nodes.iter().map(node).collect(),
        }
    }
}

/// Every index that is noted, and by how many.
fn shared_indexes(nodes: &BTreeMap<NodeId, Noted>) -> BTreeMap<LogIndex, usize> {
    let mut indexes = BTreeMap::new();
    for index in nodes.values().flatten().flat_map(BTreeMap::keys) {
        *indexes.entry(*index).or_insert(0) += 1;
    }
    indexes
}

/// Those whose hash at an index is not that of more than half of those that have one.
fn differing(nodes: &BTreeMap<NodeId, Noted>, index: LogIndex) -> Vec<NodeId> {
    let have: Vec<(NodeId, u128)> = nodes
        .iter()
        .filter_map(|(id, noted)| Some((*id, *noted.as_ref()?.get(&index)?)))
        .collect();
    let votes = |hash: u128| have.iter().filter(|(_, other)| *other == hash).count();
    let most = have
        .iter()
        .map(|(_, hash)| *hash)
        .find(|hash| 2 * votes(*hash) > have.len());
    have.iter()
        .filter(|(_, hash)| Some(*hash) != most)
        .map(|(id, _)| *id)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(hashes: &[(u64, u128)]) -> Noted {
        Some(hashes.iter().map(|(index, hash)| (LogIndex(*index), *hash)).collect())
    }

    fn results(verify: &RaftVerify) -> Vec<HashResult> {
        verify.nodes.iter().map(|node| node.result).collect()
    }

    fn nodes(noted: Vec<Noted>) -> BTreeMap<NodeId, Noted> {
        (1..).map(NodeId).zip(noted).collect()
    }

    #[test]
    fn nodes_that_are_not_equally_far_are_compared_at_an_index_that_all_have() {
        let nodes = nodes(vec![
            noted(&[(64, 1), (128, 2), (130, 3)]),
            noted(&[(64, 1), (128, 2)]),
            noted(&[(64, 1), (100, 9)]),
            None,
        ]);
        let verify = RaftVerify::of(&nodes, false);
        assert!(verify.equal);
        assert_eq!((verify.index, verify.compared), (Some(LogIndex(64)), 1));
        assert_eq!(
            results(&verify),
            [
                HashResult::Match,
                HashResult::Match,
                HashResult::Match,
                HashResult::NotReachable
            ]
        );
        assert_eq!(RaftVerify::of(&nodes, true).compared, 2);
    }

    #[test]
    fn the_node_that_differs_from_most_is_the_one_that_is_named() {
        let nodes = nodes(vec![noted(&[(64, 1)]), noted(&[(64, 7)]), noted(&[(64, 1)])]);
        let verify = RaftVerify::of(&nodes, false);
        assert!(!verify.equal);
        assert_eq!(
            results(&verify),
            [HashResult::Match, HashResult::Mismatch, HashResult::Match]
        );
        assert_eq!(
            verify.nodes[1].hash.as_deref(),
            Some("00000000000000000000000000000007")
        );
    }

    #[test]
    fn where_two_differ_nobody_can_say_which_is_right() {
        let nodes = nodes(vec![noted(&[(64, 1)]), noted(&[(64, 7)])]);
        assert_eq!(
            results(&RaftVerify::of(&nodes, false)),
            [HashResult::Mismatch, HashResult::Mismatch]
        );
    }

    #[test]
    fn looking_at_all_indexes_finds_the_first_at_which_they_differ() {
        let nodes = nodes(vec![
            noted(&[(64, 1), (128, 2), (192, 4)]),
            noted(&[(64, 1), (128, 3), (192, 4)]),
            noted(&[(64, 1), (128, 2), (192, 4)]),
        ]);
        assert!(RaftVerify::of(&nodes, false).equal, "the last is the same");
        let verify = RaftVerify::of(&nodes, true);
        assert_eq!((verify.equal, verify.index), (false, Some(LogIndex(128))));
        assert_eq!(
            results(&verify),
            [HashResult::Match, HashResult::Mismatch, HashResult::Match]
        );
    }

    #[test]
    fn a_node_far_behind_has_no_hash_to_compare() {
        let nodes = nodes(vec![noted(&[(640, 1)]), noted(&[(640, 1)]), noted(&[(3, 1)])]);
        let verify = RaftVerify::of(&nodes, false);
        assert!(verify.equal);
        assert_eq!(
            results(&verify),
            [HashResult::Match, HashResult::Match, HashResult::NoHash]
        );
    }
}
