//! The audit log of this node beside the others'.

use quorate_adminapi::{AuditFault, AuditPeer, AuditReport};
use quorate_core::{AuditHash, AuditNo, NodeId};
use quorate_protocol::relay::Facts;

use super::source::NodeSource;
use crate::admin::AdminError;
use crate::store::{AuditCheck, HistoryError};

impl NodeSource {
    /// Walks this node's log, and looks whether the others' lead to the same: each says where its chain ends, and that
    /// place is looked up here.
    pub(super) async fn audited(&self) -> Result<AuditReport, AdminError> {
        let view = self.consensus.view().borrow().clone();
        let facts = self.ask_all(&view).await;
        let others = view.members.keys().copied().filter(|id| *id != self.node);
        let others: Vec<(NodeId, Option<(AuditNo, AuditHash)>)> =
            others.map(|id| (id, facts.get(&id).and_then(end_of))).collect();
        let places = others.iter().filter_map(|(_, end)| end.map(|(no, _)| no)).collect();
        let check = self.facts.reader.check_audit(places).await;
        let check = check.map_err(|error| unreadable(&error))?;
        Ok(report(check, &others))
    }
}

pub(super) fn unreadable(error: &HistoryError) -> AdminError {
    match error {
        HistoryError::Busy => AdminError::Busy(error.to_string()),
        _ => AdminError::Unreadable(error.to_string()),
    }
}

/// Where a node's chain ends, if it tells.
fn end_of(facts: &Facts) -> Option<(AuditNo, AuditHash)> {
    Some((facts.audit_next, facts.audit_hash?))
}

/// `check` has looked up the ends that there are, in their order.
fn report(check: AuditCheck, others: &[(NodeId, Option<(AuditNo, AuditHash)>)]) -> AuditReport {
    let AuditCheck { head, fault, before } = check;
    let mut before = before.into_iter();
    let nodes: Vec<_> = others
        .iter()
        .map(|(id, end)| {
            let own = end.and_then(|(_, hash)| Some((hash, before.next()??)));
            let state = match own {
                None => "unknown",
                Some((hash, own)) if hash == own => "same",
                Some(_) => "differs",
            };
            AuditPeer {
                id: *id,
                state: state.to_owned(),
            }
        })
        .collect();
    AuditReport {
        ok: fault.is_none() && nodes.iter().all(|node| node.state != "differs"),
        entries: head.next.0 - head.first.0,
        first: head.first,
        last: AuditNo(head.next.0 - 1),
        hash: head.hash.to_string(),
        fault: fault.map(|(seq, what)| AuditFault {
            seq,
            what: what.to_owned(),
        }),
        nodes,
    }
}

#[cfg(test)]
mod tests {
    use quorate_core::AuditHead;

    use super::*;

    #[test]
    fn another_nodes_end_is_held_against_the_same_place_here() {
        let hash = |byte| AuditHash([byte; 32]);
        let check = AuditCheck {
            head: AuditHead {
                first: AuditNo(3),
                next: AuditNo(9),
                hash: hash(9),
            },
            fault: None,
            before: vec![Some(hash(9)), Some(hash(7)), None],
        };
        let end = |no, byte| Some((AuditNo(no), hash(byte)));
        let others = [
            (NodeId(1), end(9, 9)),
            (NodeId(2), None),
            (NodeId(3), end(7, 8)),
            (NodeId(4), end(12, 1)),
        ];
        let report = report(check, &others);
        let states: Vec<_> = report.nodes.iter().map(|node| node.state.as_str()).collect();
        assert_eq!(states, ["same", "unknown", "differs", "unknown"]);
        assert_eq!((report.ok, report.entries, report.last), (false, 6, AuditNo(8)));
    }
}
